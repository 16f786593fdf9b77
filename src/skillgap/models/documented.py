"""Pydantic configuration shared by the answer types."""

DOCUMENTED = {"use_attribute_docstrings": True}
"""Attribute docstrings become the field descriptions of the HTTP API's schema, so each fact is written once."""
