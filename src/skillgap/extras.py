"""What is installed with an extra alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from skillgap.errors import ConfigurationError


@contextmanager
def needs(extra: str) -> Iterator[None]:
    """Where an import of the block fails, say what to install. Raises ConfigurationError."""
    try:
        yield
    except ImportError as error:
        raise ConfigurationError(f"{error.name} is not installed: run `pip install 'skillgap[{extra}]'`") from error
