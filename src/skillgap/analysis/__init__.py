"""Pure functions over arrays: what the ratings say. No input, no output, no SQL, no settings."""
