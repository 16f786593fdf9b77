"""Settings, logging and API keys, read at the edges."""
