"""Commands for predicted levels: enrich, llm evaluate, llm audit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skillgap.cli.options import ForceOption
from skillgap.cli.setup import open_engine, read_settings, report_load
from skillgap.files import check_ending, refuse_replacing

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from skillgap.cli.printing import LoadProgress
    from skillgap.config.settings import Settings
    from skillgap.llm.profiler import Profiler

commands = typer.Typer()
llm = typer.Typer(name="llm", help="Evaluate and audit predicted levels.", no_args_is_help=True)


@commands.command(epilog="Example: skillgap enrich --occupation 15-1252.00")
def enrich(
    unrated: Annotated[
        bool, typer.Option("--unrated", help="Predict levels of occupations without ratings (the default).")
    ] = False,
    all_: Annotated[
        bool, typer.Option("--all", help="Predict rated occupations too, each without its own ratings.")
    ] = False,
    occupation: Annotated[
        list[str] | None, typer.Option(metavar="CODE", help="Predict this occupation only; may be repeated.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="Model to use. Levels of a model other than SKILLGAP_LLM_MODEL are stored but not shown."),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Maximum number of occupations to predict.")] = None,
) -> None:
    """Predict the levels that analysts have not rated. Skips occupations that the model has already scored."""
    from skillgap.cli import printing
    from skillgap.nodes.enrich_skill_data import enrich_skill_data
    from skillgap.onet.codes import parse_code

    if unrated + all_ + bool(occupation) > 1:
        raise typer.BadParameter("choose one of --unrated, --all and --occupation")
    settings = read_settings()
    engine = open_engine()
    with printing.progress() as bars:
        enrichment = enrich_skill_data(
            engine,
            _profiler(engine, model or settings.llm.model, settings, bars),
            codes=[parse_code(code) for code in occupation or ()],
            rated=all_,
            limit=limit,
            activate=model in (None, settings.llm.model),
        )
    facts = {"model": enrichment.model, "levels": len(enrichment.scoring.scores)}
    report_load("enriched", enrichment.report, settings, lambda: printing.print_enrichment(enrichment), **facts)
    if enrichment.scoring.failures:
        raise typer.Exit(1)


@llm.command(epilog="Example: skillgap llm evaluate 29.0 --model embedded:smollm2")
def evaluate(
    source: Annotated[
        str | None,
        typer.Argument(help="A release number, folder or zip; the starter has too little text. [default: loaded data]"),
    ] = None,
    model: Annotated[
        list[str] | None, typer.Option(metavar="MODEL", help="Evaluate this model too; may be repeated.")
    ] = None,
    sample: Annotated[
        int, typer.Option(min=10, help="Number of rated occupations to send to a generative model.")
    ] = 60,
    chart: Annotated[Path | None, typer.Option(help="Write a chart to this file, .svg or .png.")] = None,
    force: ForceOption = False,
) -> None:
    """Measure how accurately models predict levels. Predicts each rated occupation from the others."""
    from skillgap.cli import printing
    from skillgap.export.charts import error_chart
    from skillgap.export.notebook import Chart
    from skillgap.nodes.evaluate import evaluate_profilers

    if chart:
        check_ending(chart, (".svg", ".png"))
        refuse_replacing(chart, force=force)
    settings = read_settings()
    engine = open_engine()
    with printing.progress() as bars:
        scores = evaluate_profilers(
            engine,
            source,
            [_profiler(engine, name, settings, bars, sample=sample) for name in model or ()],
            cache_dir=settings.data.cache_dir,
            download_url=lambda: settings.download.url,
            on_bytes=bars.on_bytes,
        )
    printing.print_scores(scores)
    if chart:
        Chart(error_chart([(score.model, score.folds, score.mae) for score in scores])).save(chart)


@llm.command(epilog="Example: skillgap llm audit > audit.csv")
def audit(
    least: Annotated[float, typer.Option(min=0, help="Smallest difference to list, in standard errors.")] = 3.0,
) -> None:
    """List the ratings that differ most from predictions. Prints CSV, for a human to review."""
    from skillgap.cli import printing
    from skillgap.nodes.database import audit

    printing.print_disagreements(audit(open_engine(), least=least))


def _profiler(engine: Engine, name: str, settings: Settings, bars: LoadProgress, sample: int = 60) -> Profiler:
    from skillgap.nodes.find_profiler import find_profiler

    arguments = settings.llm.profiler_arguments(cache_dir=settings.data.cache_dir)
    return find_profiler(engine, name, sample=sample, on_text=bars.on_text, on_reply=bars.on_reply, **arguments)
