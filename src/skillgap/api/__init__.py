"""The HTTP service: a FastAPI application behind an answer cache and a request log."""
