"""Pure functions over arrays of ratings: no I/O, no SQL, no settings."""
