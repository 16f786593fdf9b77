"""Commands for the database: init-db, load, fetch, status, diff, doctor."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from skillgap.cli.messages import note
from skillgap.cli.options import AcceptLossOption, DomainOption, ForceOption, JsonOption
from skillgap.cli.setup import (
    collector_paused,
    connect,
    load_release,
    read_settings,
    report_load,
)
from skillgap.files import check_ending, refuse_replacing

commands = typer.Typer()


@commands.command(epilog="Example: skillgap load 29.0")
def load(
    source: Annotated[
        str | None,
        typer.Argument(
            help="`starter`, a release number like 31.0, or a release folder or zip. [default: SKILLGAP_RELEASE, or "
            "the starter if the database is empty]"
        ),
    ] = None,
    accept_loss: AcceptLossOption = False,
) -> None:
    """Load an O*NET release into the database. Reports the changes if it replaces another release."""
    from skillgap.nodes.database import loaded_version, make_engine

    settings = read_settings()
    engine = make_engine(settings.database.full_url)
    source = source or settings.data.release
    if source is None and (version := loaded_version(engine)):
        note(f"data version {version} is loaded; name a release to load another")
        return
    load_release(engine, source or "starter", settings, accept_loss=accept_loss)


@commands.command(epilog="Example: skillgap fetch --occupation 15-1252.00 --dry-run")
def fetch(
    occupation: Annotated[
        list[str] | None, typer.Option(metavar="CODE", help="Fetch this occupation only; may be repeated.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Resume an interrupted fetch of all occupations.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Fetch and report the changes without storing them.")
    ] = False,
    accept_loss: AcceptLossOption = False,
) -> None:
    """Fetch ratings from O*NET Web Services. Requires an account, see SKILLGAP_ONET_API_KEY."""
    from skillgap.cli import printing
    from skillgap.nodes.database import make_engine
    from skillgap.nodes.extract_load_api_data import extract_load_api_data
    from skillgap.onet.codes import parse_code

    settings = read_settings()
    with printing.progress() as bars, collector_paused():
        data, report = extract_load_api_data(
            make_engine(settings.database.full_url),
            settings.onet.credentials(),
            cache_dir=settings.data.cache_dir,
            codes=[parse_code(code) for code in occupation or ()],
            resume=resume,
            dry_run=dry_run,
            accept_loss=accept_loss,
            requests_per_second=settings.onet.requests_per_second,
            on_request=bars.on_request,
            on_rows=bars.on_rows,
        )
    facts = {"release": data.release.number, "requests": data.requests, "dry_run": dry_run}
    report_load("fetched", report, settings, lambda: printing.print_fetch(data, report, dry_run=dry_run), **facts)


@commands.command(epilog="Example: skillgap status")
def status(
    unrated: Annotated[bool, typer.Option("--unrated", help="List the occupations without ratings.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show which data are loaded. Lists release, data version, rows, sources and unrated occupations."""
    from skillgap.cli import printing

    printing.print_status(connect().status(), unrated=unrated, as_json=as_json)


@commands.command(epilog="Example: skillgap diff 26.1 29.0 --occupation 29-1141")
def diff(
    before: Annotated[
        str,
        typer.Argument(
            metavar="RELEASE_A", help="A release number, folder or zip, `starter`, or `loaded` for the database."
        ),
    ],
    after: Annotated[str, typer.Argument(metavar="RELEASE_B", help="The release to compare with, in the same form.")],
    occupation: Annotated[
        str | None, typer.Option(metavar="CODE", help="Compare this occupation only, and list each pair that changed.")
    ] = None,
    pairs: Annotated[
        Path | None,
        typer.Option(dir_okay=False, help="Write every pair that changed to this file: .csv, .parquet or .json."),
    ] = None,
    domain: DomainOption = "skills",
    as_json: JsonOption = False,
    force: ForceOption = False,
) -> None:
    """Show the differences between two releases. Changes nothing in the database."""
    from skillgap.cli import printing
    from skillgap.export.frames import gap_changes_frame
    from skillgap.export.writers import FRAME_SUFFIXES, write_frames
    from skillgap.onet.codes import parse_code

    if pairs:
        check_ending(pairs, FRAME_SUFFIXES)
        refuse_replacing(pairs, force=force)
    read_settings()
    with printing.progress() as bars:
        answer = connect().diff(
            before,
            after,
            occupation=occupation,
            with_pairs=pairs is not None,
            domain=domain,
            on_bytes=bars.on_bytes,
        )
    if pairs:
        rows = write_frames([gap_changes_frame(answer.changes)], pairs)
        note(f"{pairs}: {rows:,} rows")
    printing.print_diff(answer, parse_code(occupation) if occupation else None, as_json=as_json)


@commands.command(epilog="Example: skillgap init-db --recreate Skills")
def init_db(
    recreate: Annotated[
        list[str] | None,
        typer.Option(metavar="TABLE", help="Drop this table with its rows and create it again; may be repeated."),
    ] = None,
) -> None:
    """Create missing tables and views. Leaves existing tables unchanged."""
    from skillgap.config import settings
    from skillgap.nodes.database import init_database, make_engine

    engine = make_engine(settings.read_settings().database.full_url)
    created = init_database(engine, recreate=recreate or [])
    note(f"created: {', '.join(created)}" if created else "all tables exist already")


@commands.command(epilog="Example: skillgap doctor")
def doctor(
    online: Annotated[
        bool, typer.Option("--online", help="Also send a request to O*NET Web Services, if credentials are set.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Diagnose the installation. Checks settings, database, schema, data, credentials, disk and versions."""
    from skillgap.cli import printing
    from skillgap.config.doctor import examine

    checks = examine(online=online)
    printing.print_checks(checks, as_json=as_json)
    if any(check.outcome == "failed" for check in checks):
        raise typer.Exit(1)
