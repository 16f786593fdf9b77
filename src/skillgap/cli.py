"""The command line: answers on standard output, everything else on standard error.

Modules are imported where a command needs them: the help must not wait for NumPy, pandas and SQLAlchemy.
Exit codes: 0 done, 1 it could not be done (one line says why), 2 the command was not understood.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from skillgap.analysis.ratings import Ratings
    from skillgap.settings import Settings

app = typer.Typer(
    name="skillgap",
    help="Which O*NET® skills stand between two occupations, by how much, and how sure that is.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> NoReturn:
    """Run the command line; an error that was meant becomes one line on standard error and exit code 1."""
    from skillgap.errors import SkillgapError

    try:
        app()
    except SkillgapError as error:
        typer.echo(f"skillgap: {error}", err=True)
        raise SystemExit(1) from None
    except BrokenPipeError:  # the reader, `head` for one, has had enough
        sys.stderr.close()
        raise SystemExit(0) from None
    raise SystemExit(0)


@app.command(epilog="Example: skillgap init-db --recreate Skills")
def init_db(
    recreate: Annotated[
        list[str] | None, typer.Option(metavar="TABLE", help="Drop this table with its rows, and make it anew.")
    ] = None,
) -> None:
    """Make the tables and views that the database lacks; touch nothing else."""
    from skillgap.settings import read_settings
    from skillgap.store.engine import make_engine
    from skillgap.store.tables import init_tables

    made = init_tables(make_engine(read_settings().url), recreate=recreate or [])
    typer.echo(f"made: {', '.join(made)}" if made else "all tables were there", err=True)


@app.command(epilog="Example: skillgap load 29.0")
def load(
    source: Annotated[str, typer.Argument(help="`starter`, a release number like 31.0, or a release folder or zip.")],
) -> None:
    """Load an O*NET release; another release over a loaded one upgrades it and tells what changed."""
    from skillgap.settings import read_settings
    from skillgap.store.engine import make_engine

    settings = read_settings()
    _load(make_engine(settings.url), source, settings)


@app.command(epilog="Example: skillgap status")
def status(
    unrated: Annotated[bool, typer.Option("--unrated", help="List the occupations without ratings.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what is loaded: data version, release, rows, sources, occupations without ratings."""
    from skillgap import terminal
    from skillgap.store.engine import read
    from skillgap.store.queries import get_status

    with read(_engine()) as connection:
        state = get_status(connection)
    terminal.print_status(state, unrated=unrated, as_json=as_json)


@app.command(epilog='Example: skillgap gap 29-1141.00 "Medical and Health Services Managers"')
def gap(
    current: Annotated[str, typer.Argument(metavar="FROM", help="O*NET-SOC code or exact title.")],
    target: Annotated[str, typer.Argument(metavar="TO", help="O*NET-SOC code or exact title.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, as GET /skill-gap answers.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the gaps as CSV.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print the gaps as a Markdown table.")] = False,
) -> None:
    """Show which skills the target occupation asks more of, by how much, and how sure that is."""
    from skillgap import terminal
    from skillgap.analysis.gap import identify_skill_gap

    if as_json + as_csv + as_markdown > 1:
        raise typer.BadParameter("choose one of --json, --csv, --markdown")
    ratings = _ratings()
    report = identify_skill_gap(ratings.find(current), ratings.find(target), ratings)
    if as_json:
        terminal.print_json(report, ratings.provenance)
    elif as_csv:
        terminal.print_csv(report)
    elif as_markdown:
        terminal.print_markdown(report, ratings.provenance)
    else:
        terminal.print_report(report, ratings.provenance)


@app.command(epilog='Example: skillgap skills "Registered Nurses"')
def skills(
    occupation: Annotated[str, typer.Argument(help="O*NET-SOC code or exact title.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show level and importance of an occupation's skills."""
    from skillgap import terminal
    from skillgap.store.engine import read
    from skillgap.store.queries import find_occupation, get_occupation_skills

    with read(_engine()) as connection:
        found = find_occupation(connection, occupation)
        rated = get_occupation_skills(connection, found.onet_soc_code)
    terminal.print_skills(found, rated, as_json=as_json)
