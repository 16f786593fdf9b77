"""Answers as text, charts, files and frames."""
