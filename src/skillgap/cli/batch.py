"""Commands over many people or occupations: batch, workforce, export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from skillgap.cli.messages import note
from skillgap.cli.options import (
    DomainOption,
    ForceOption,
    IdColumnOption,
    JsonOption,
    MinOwnLevelsOption,
    OccupationColumnOption,
    PeopleArgument,
    RatingsOption,
    WeightOption,
)
from skillgap.cli.setup import connect
from skillgap.extras import needs
from skillgap.files import check_ending, refuse_replacing

if TYPE_CHECKING:
    from skillgap.batch import Columns
    from skillgap.errors import SkillgapError

commands = typer.Typer()


@commands.command(epilog="Example: skillgap batch people.csv --to 11-9111.00 -o gaps.parquet")
def batch(
    source: PeopleArgument,
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", help="File to write, .csv or .parquet, or a folder of parts, which can be resumed."
        ),
    ],
    to: Annotated[
        str | None,
        typer.Option(metavar="CODE|COLUMN", help="One target for all rows, or the column with each row's target."),
    ] = None,
    nearest: Annotated[
        int | None,
        typer.Option(
            min=1, max=1000, help="Rank this many similar occupations for each row instead of computing one gap."
        ),
    ] = None,
    each: Annotated[Literal["row", "gap"], typer.Option(help="Write one line per row or one per gap.")] = "row",
    id_column: IdColumnOption = "id",
    occupation_column: OccupationColumnOption = None,
    min_own_levels: MinOwnLevelsOption = None,
    ratings: RatingsOption = "onet+llm",
    domain: DomainOption = "skills",
    weight: WeightOption = "importance",
    engine: Annotated[
        Literal["here", "dask"], typer.Option(help="Compute in this process, or on a Dask cluster (extra `dask`).")
    ] = "here",
    scheduler: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Address of the Dask scheduler.")] = None,
    force: ForceOption = False,
) -> None:
    """Compute gaps for many people or positions. Rows without an answer go to a rejects file with the reason."""
    from skillgap.cli import printing

    with needs("batch"):
        from skillgap.batch import answer_file, rejects_of

    if (to is None) == (nearest is None):
        raise typer.BadParameter("give either --to or --nearest")
    if nearest and each == "gap":
        raise typer.BadParameter("--nearest ranks targets, so there are no gaps to write with --each gap")
    if (engine == "dask") != (scheduler is not None):
        raise typer.BadParameter("use --engine dask and --scheduler together")
    if output.suffix:
        refuse_replacing(output, rejects_of(output), force=force)
    onet = connect()
    similarity = onet.similarity() if nearest else None
    levels = onet.levels(domain=domain, ratings=ratings, weight=weight)
    with printing.progress() as bars:
        report, columns = answer_file(
            source,
            output,
            levels,
            target=to,
            nearest=nearest or 0,
            similarity=similarity,
            each=each,
            id_column=id_column,
            occupation_column=occupation_column,
            min_own_levels=min_own_levels,
            scheduler=scheduler,
            on_rows=bars.on_people,
        )
    printing.print_batch(report, columns, output)
    if 0 < report.rows == report.rejected.total() and not report.parts_there:
        raise _no_row_answered(source, report.rows, columns)


@commands.command(epilog="Example: skillgap workforce people.csv --to 11-9111.00 -o view.xlsx")
def workforce(
    source: PeopleArgument,
    to: Annotated[
        list[str],
        typer.Option(
            metavar="CODE|COLUMN",
            help="One target for all rows, or the column with each row's target. May be repeated: each person is then "
            "proposed for one target.",
        ),
    ],
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "--output",
            "-o",
            dir_okay=False,
            help="File to write: .json, .csv (missing skills), .xlsx, .svg, .png. May be repeated.",
        ),
    ] = None,
    proposals: Annotated[int, typer.Option(min=1, help="Number of people to propose for each target.")] = 10,
    id_column: IdColumnOption = "id",
    occupation_column: OccupationColumnOption = None,
    min_own_levels: MinOwnLevelsOption = None,
    ratings: RatingsOption = "onet+llm",
    domain: DomainOption = "skills",
    weight: WeightOption = "importance",
    as_json: JsonOption = False,
    force: ForceOption = False,
) -> None:
    """Show the skills that a workforce lacks for its targets. Counts who lacks what and proposes whom to retrain."""
    from datetime import UTC, datetime

    from skillgap.cli import printing
    from skillgap.export.workforce import WRITERS, write_workforce

    with needs("batch"):
        from skillgap.batch import rejects_of, view_workforce
    outputs = output or []
    for file in outputs:
        check_ending(file, WRITERS)
    refuse_replacing(*outputs, *map(rejects_of, outputs[:1]), force=force)
    levels = connect().levels(domain=domain, ratings=ratings, weight=weight)
    with printing.progress() as bars:
        report, columns = view_workforce(
            source,
            levels,
            to=to,
            proposals=proposals,
            id_column=id_column,
            occupation_column=occupation_column,
            min_own_levels=min_own_levels,
            outputs=outputs,
            on_rows=bars.on_people,
        )
    for file in outputs:
        write_workforce(report, file, made=datetime.now(UTC).date())
    printing.print_workforce(report, columns, as_json=as_json)
    if report.rejected and not report.people:
        raise _no_row_answered(source, sum(report.rejected.values()), columns)


@commands.command(epilog="Example: skillgap export pairs.parquet")
def export(
    file: Annotated[Path, typer.Argument(dir_okay=False, help="File to write: .csv, .parquet or .json.")],
    what: Annotated[
        Literal["pairs", "ratings", "transitions"],
        typer.Option(help="A gap summary of every pair, all ratings, or the 20 most similar occupations of each."),
    ] = "pairs",
    ratings: RatingsOption = "onet+llm",
    domain: DomainOption = "skills",
    force: ForceOption = False,
) -> None:
    """Export data on all occupations to a file. One row per pair, rating or transition."""
    from skillgap.cli import printing
    from skillgap.export import frames
    from skillgap.export.writers import FRAME_SUFFIXES, write_frames

    check_ending(file, FRAME_SUFFIXES)
    refuse_replacing(file, force=force)
    onet = connect()
    similarity = onet.similarity() if what == "transitions" else None
    levels = onet.levels(domain=domain, ratings=ratings)
    levels.check_levels()
    with printing.progress() as bars:
        if what == "pairs":
            rows = write_frames(frames.pair_batches(levels, on_batch=bars.on_batch), file)
        else:
            frame = frames.transitions_frame(levels, similarity) if similarity else frames.ratings_frame(levels)
            rows = write_frames([frame], file)
    note(f"{file}: {rows:,} rows of {what}")


def _no_row_answered(source: Path, rows: int, columns: Columns) -> SkillgapError:
    """Return the error for an input without any answerable row; the reasons have been printed."""
    from skillgap.errors import BatchInputError

    hint = f"; {columns.suggestion}" if columns.suggestion else ""
    return BatchInputError(f"{source}: none of {rows:,} rows could be answered, for the reasons above{hint}")
