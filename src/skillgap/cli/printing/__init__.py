"""Output of the commands: answers on standard output, progress and messages on standard error."""

from skillgap.cli.printing.data import print_checks, print_diff, print_fetch, print_load, print_status
from skillgap.cli.printing.gap import print_csv, print_json, print_markdown, print_report
from skillgap.cli.printing.llm import print_disagreements, print_enrichment, print_scores
from skillgap.cli.printing.occupations import print_hits, print_paths, print_profile, print_skills, print_transitions
from skillgap.cli.printing.progress import LoadProgress, progress
from skillgap.cli.printing.workforce import print_batch, print_workforce

__all__ = [
    "LoadProgress",
    "print_batch",
    "print_checks",
    "print_csv",
    "print_diff",
    "print_disagreements",
    "print_enrichment",
    "print_fetch",
    "print_hits",
    "print_json",
    "print_load",
    "print_markdown",
    "print_paths",
    "print_profile",
    "print_report",
    "print_scores",
    "print_skills",
    "print_status",
    "print_transitions",
    "print_workforce",
    "progress",
]
