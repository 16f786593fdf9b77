"""The version, apart from `skillgap` itself so that modules of the package can import it."""

__version__ = "0.1.0"
