"""Levels from generative language models: prompts, requests, replies and providers."""
