"""The only place that speaks SQL: MySQL (and MariaDB) in production, SQLite embedded."""
