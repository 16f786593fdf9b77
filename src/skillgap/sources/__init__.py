"""Where facts come from. Nothing here knows a database."""
