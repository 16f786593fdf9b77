"""A quick look at the embedded database, with Python's own SQLite: SQLAlchemy takes 0.3 s to import."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path


def has_data(file: Path) -> bool:
    """Return whether a load has filled the database; False also if it is missing or cannot be read this way."""
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            return connection.execute("SELECT 1 FROM Loads WHERE rows_changed > 0 LIMIT 1").fetchone() is not None
    except sqlite3.Error:
        return False
