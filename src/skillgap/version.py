"""The version, for modules that cannot import the package's public face."""

__version__ = "0.1.0"
