"""Output of enrich, llm evaluate and llm audit."""

from __future__ import annotations

from collections import Counter
from dataclasses import astuple, fields
from typing import TYPE_CHECKING

from skillgap.cli.printing.console import notes_console, print_rows, write_line
from skillgap.escaping import for_markdown

if TYPE_CHECKING:
    from skillgap.llm.profiler import Accuracy
    from skillgap.nodes.database import Disagreement
    from skillgap.nodes.enrich_skill_data import Enrichment


def print_enrichment(enrichment: Enrichment) -> None:
    """Print scored levels, costs, and the reasons for missing scores to standard error."""
    out = notes_console()
    scoring = enrichment.scoring
    occupations = len({score.onet_soc_code for score in scoring.scores})
    out.print(f"{enrichment.model}: {len(scoring.scores):,} levels of {occupations:,} occupations scored")
    if enrichment.already_scored:
        out.print(f"  {enrichment.already_scored:,} occupations had already been scored from the same ratings")
    if scoring.accuracy:
        random, grouped = scoring.accuracy["random"], scoring.accuracy["grouped"]
        out.print(
            f"  evaluated on {grouped.occupations:,} rated occupations, each without its own ratings: mean absolute "
            f"error {random.mae:.3f} levels, {grouped.mae:.3f} if its whole group is withheld"
        )
    if usage := scoring.usage:
        price = "" if usage.cost_usd is None else f", {usage.cost_usd:.2f} USD"
        tokens = usage.input_tokens + usage.output_tokens
        out.print(f"  {usage.requests:,} requests, {tokens:,} tokens{price}; stored replies cost nothing")
    reasons = Counter(scoring.abstentions.values())
    for reason, count in reasons.items():
        out.print(f"  {count:,} occupations not scored: {reason}")
    if not enrichment.report.rows_changed:
        out.print("nothing changed: the database is up to date")
    for (code, element_id), reason in scoring.failures.items():
        out.print(f"failed: {code} {element_id}: {reason}")
    if scoring.failures:
        out.print("run the command again to retry the failed ones")


def print_scores(scores: list[Accuracy]) -> None:
    """Print an evaluation as a Markdown table, and the figures of the model with the least error in one line."""
    names = ("model", "occupations", "MAE random", "MAE grouped", "bias", "r", "rank r", "r within skills")
    write_line(f"| {' | '.join((*names, 'coverage', 'spread', 'seconds', 'tokens', 'USD'))} |")
    write_line(f"|---|{'---:|' * (len(names) + 4)}")
    for random, grouped in zip(scores[::2], scores[1::2], strict=True):
        cells = [
            f"{grouped.occupations}",
            f"{random.mae:.3f}",
            f"{grouped.mae:.3f}",
            f"{random.bias:+.3f} / {grouped.bias:+.3f}",
            f"{random.pearson:.3f} / {grouped.pearson:.3f}",
            f"{random.spearman:.3f} / {grouped.spearman:.3f}",
            f"{random.within_skill:.3f} / {grouped.within_skill:.3f}",
            "" if random.coverage is None else f"{random.coverage:.1%} / {grouped.coverage:.1%}",
            "" if grouped.spread is None else f"{grouped.spread:.3f}",
            f"{random.seconds + grouped.seconds:.1f}",
            "" if grouped.tokens is None else f"{grouped.tokens:,}",
            "" if grouped.cost_usd is None else f"{grouped.cost_usd:.2f}",
        ]
        write_line(f"| {for_markdown(random.model)} | {' | '.join(cells)} |")
    random, grouped = min(zip(scores[::2], scores[1::2], strict=True), key=lambda pair: pair[1].mae)
    coverage = "none" if grouped.coverage is None else f"{grouped.coverage:.4f}"
    write_line(
        f"evaluate-llm mae_random={random.mae:.4f} mae_grouped={grouped.mae:.4f} "
        f"bias={grouped.bias:.4f} coverage={coverage}"
    )


def print_disagreements(disagreements: list[Disagreement]) -> None:
    """Print ratings that differ from their predictions, as CSV."""
    from skillgap.nodes.database import Disagreement

    print_rows([field.name for field in fields(Disagreement)], map(astuple, disagreements))
