"""`python -m skillgap` is `skillgap`."""

from skillgap.cli.app import main

main()
