"""Levels from generative language models."""
