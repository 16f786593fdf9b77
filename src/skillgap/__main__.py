"""`python -m skillgap` is `skillgap`."""

from skillgap.cli import main

main()
