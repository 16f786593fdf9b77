"""Fixtures for tests of the command line."""

from tests.cli.running import run, with_levels_alone, with_no_errors, with_starter

__all__ = ["run", "with_levels_alone", "with_no_errors", "with_starter"]
