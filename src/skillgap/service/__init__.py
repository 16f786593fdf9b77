"""Questions and their answers. Every edge calls this package and formats."""
