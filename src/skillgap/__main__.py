"""`python -m skillgap` is `skillgap`."""

from __future__ import annotations


def main() -> None:
    """Run the command line.

    It is imported here because every worker of the service imports the module that was run, and needs none of it.
    """
    from skillgap.cli.app import main as run

    run()


if __name__ == "__main__":
    main()
