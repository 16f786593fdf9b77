"""Pydantic configuration shared by the answer types."""

DOCUMENTED = {"use_attribute_docstrings": True}
"""Use attribute docstrings as field descriptions in the schema of the HTTP API, so that each fact is written once."""
