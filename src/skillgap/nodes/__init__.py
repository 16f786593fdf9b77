"""The pipelines that load and enrich data. A module is named as the specification names its pipeline."""
