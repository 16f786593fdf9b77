"""Levels that language models derive from an occupation's text."""
