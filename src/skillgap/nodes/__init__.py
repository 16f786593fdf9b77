"""The pipelines that load and enrich data."""
