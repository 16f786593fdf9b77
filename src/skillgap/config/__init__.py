"""Settings, log, API keys and diagnosis, for the edges."""
