"""The database, the only package with SQL: MySQL or MariaDB in production, SQLite embedded."""
