"""The command line: answers on standard output, everything else on standard error.

Modules are imported where a command needs them: the help must not wait for NumPy, pandas and SQLAlchemy.
Exit codes: 0 done, 1 it could not be done (one line says why), 2 the command was not understood.
"""

from __future__ import annotations

import gc
import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

import skillgap
from skillgap.escaping import message_for_terminal
from skillgap.extras import needs
from skillgap.files import check_ending, refuse_replacing
from skillgap.models import RatingsChoice, WeightChoice
from skillgap.onet.domains import DomainChoice

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from skillgap.analysis.ratings import Ratings as Levels
    from skillgap.analysis.similarity.model import Similarity
    from skillgap.batch.arrow import Columns
    from skillgap.cli.printing import LoadProgress
    from skillgap.config.settings import Settings
    from skillgap.errors import SkillgapError
    from skillgap.llm.profiler import Profiler
    from skillgap.models import GapReport, PersonGapReport
    from skillgap.models.person import OwnProfile
    from skillgap.store.loads import LoadReport


class _Commands(TyperGroup):
    """The commands; an error that was meant becomes one line on standard error and exit code 1."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        with _escaped_usage_errors():
            return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        from skillgap.errors import SkillgapError

        try:
            with _escaped_usage_errors():
                result = super().invoke(ctx)
            sys.stdout.flush()
        except SkillgapError as error:
            _note(f"skillgap: {_with_way_out(error)}")
            raise SystemExit(1) from None
        except BrokenPipeError:  # the reader, `head` for one, has had enough
            _throw_away_output()
            raise SystemExit(0) from None
        except OSError as error:
            what = error.filename or "the answer cannot be written"
            _note(f"skillgap: {what}: {error.strerror or error}")
            if not error.filename:
                _throw_away_output()
            raise SystemExit(1) from None
        return result


@contextmanager
def _escaped_usage_errors() -> Iterator[None]:
    """Escape the arguments quoted in a usage error, which Typer prints."""
    try:
        yield
    except TyperException as error:
        error.message = message_for_terminal(error.message)
        raise


def _note(text: str) -> None:
    """Print a message on standard error with control characters escaped."""
    typer.echo(message_for_terminal(text), err=True)  # noqa: TID251 - the one place


_WAYS_OUT = {
    "unknown-occupation": "`skillgap search WORDS` finds occupations by what people call them",
    "invalid-profile": "`skillgap profile-template` prints a profile to fill in",
}
"""What helps on the command line alone, by the code of an error."""


def _with_way_out(error: SkillgapError) -> str:
    said, way_out = str(error), _WAYS_OUT.get(error.code)
    return f"{said}{' ' if said.endswith('?') else '; '}{way_out}" if way_out else said


def _throw_away_output() -> None:
    """Keep Python from failing again on what is left to be written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


app = typer.Typer(
    name="skillgap",
    cls=_Commands,
    help="Which O*NET® skills stand between two occupations, by how much, and how sure that is.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


Ratings = Annotated[
    RatingsChoice,
    typer.Option(help="Whose levels: analysts', predicted ones, or predictions where analysts have rated nothing."),
]

Domain = Annotated[DomainChoice, typer.Option(help="What to compare; `all` is all of them that are loaded.")]

Weight = Annotated[
    WeightChoice,
    typer.Option(help="What a gap weighs: its importance in the target, O*NET's standard score of that, or all alike."),
]

Stability = Annotated[
    bool, typer.Option("--stability", help="Show how the order moves under rater noise and other weights.")
]

IdColumn = Annotated[str, typer.Option("--id", metavar="COLUMN", help="What tells rows apart.")]

OccupationColumn = Annotated[
    str | None,
    typer.Option(
        "--occupation", metavar="COLUMN", help="Codes or titles of current occupations; `occupation` if left out."
    ),
]

MinOwnLevels = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Own levels that a row without an occupation needs. Default: half of those compared (18 of 35 skills).",
    ),
]

Force = Annotated[bool, typer.Option("--force", help="Replace a file that exists.")]

llm = typer.Typer(name="llm", help="Levels derived by language models.", no_args_is_help=True)
app.add_typer(llm)


def main() -> None:
    """Run the command line."""
    gc.set_threshold(50_000)  # what is read stays to the end: looking for garbage in it took a quarter of the reading
    if sys.stdout is None:
        if sys.argv[1:2] != ["serve"]:  # which writes nothing there
            raise SystemExit("skillgap: standard output is closed")
        sys.stdout = io.StringIO()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without the bar's blocks shows ? for them
    app()


def _print_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(skillgap.__version__)  # noqa: TID251 - our own text
        raise typer.Exit


@app.callback()
def options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Take the options that stand before a command."""


@app.command(epilog="Example: skillgap init-db --recreate Skills")
def init_db(
    recreate: Annotated[
        list[str] | None, typer.Option(metavar="TABLE", help="Drop this table with its rows, and make it anew.")
    ] = None,
) -> None:
    """Make the tables and views that are missing. Nothing else is touched."""
    from skillgap.config.settings import read_settings
    from skillgap.store.engine import make_engine
    from skillgap.store.tables import init_tables

    made = init_tables(make_engine(read_settings().url), recreate=recreate or [])
    _note(f"made: {', '.join(made)}" if made else "all tables were there")


@app.command(epilog="Example: skillgap load 29.0")
def load(
    source: Annotated[
        str | None,
        typer.Argument(
            help="`starter`, a release number like 31.0, or a release folder or zip. If left out: SKILLGAP_RELEASE, or "
            "the starter if nothing is loaded yet."
        ),
    ] = None,
    accept_loss: Annotated[
        bool, typer.Option("--accept-loss", help="Load it even if it takes the ratings of many occupations away.")
    ] = False,
) -> None:
    """Load an O*NET release. Over another release, it tells what changed."""
    from skillgap.store.engine import make_engine, read
    from skillgap.store.rating_rows import get_data_version
    from skillgap.store.tables import init_tables

    settings = _settings()
    engine = make_engine(settings.url)
    source = source or settings.release
    if source is None:
        init_tables(engine)
        with read(engine) as connection:
            if version := get_data_version(connection):
                _note(f"data version {version} is loaded; to load another release, name it")
                return
    _load(engine, source or "starter", settings, accept_loss=accept_loss)


@app.command(epilog="Example: skillgap fetch --occupation 15-1252.00 --dry-run")
def fetch(
    occupation: Annotated[
        list[str] | None, typer.Option(metavar="CODE", help="Fetch this occupation only; may be repeated.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where a broken run of all occupations ended.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Fetch, say what would change, and write nothing.")
    ] = False,
    accept_loss: Annotated[
        bool, typer.Option("--accept-loss", help="Store it even if it takes the ratings of many occupations away.")
    ] = False,
) -> None:
    """Fetch ratings from O*NET Web Services. Needs an account, see SKILLGAP_ONET_API_KEY."""
    from skillgap.cli import printing
    from skillgap.nodes.extract_load_api_data import extract_load_api_data
    from skillgap.onet.codes import parse_code
    from skillgap.store.engine import make_engine

    settings = _settings()
    with printing.progress() as bars, _collector_paused():
        data, report = extract_load_api_data(
            make_engine(settings.url),
            settings.onet_credentials(),
            cache_dir=settings.cache_dir,
            codes=[parse_code(code) for code in occupation or ()],
            resume=resume,
            dry_run=dry_run,
            accept_loss=accept_loss,
            requests_per_second=settings.onet_requests_per_second,
            on_request=bars.on_request,
            on_rows=bars.on_rows,
        )
    facts = {"release": data.release.number, "requests": data.requests, "dry_run": dry_run}
    _tell("fetched", report, settings, lambda: printing.print_fetch(data, report, dry_run=dry_run), **facts)


@app.command(epilog="Example: skillgap status")
def status(
    unrated: Annotated[bool, typer.Option("--unrated", help="List the occupations without ratings.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what is loaded. Data version, release, rows, sources, unrated occupations."""
    from skillgap.cli import printing
    from skillgap.nodes.status import get_status
    from skillgap.store.engine import read

    with read(_engine()) as connection:
        state = get_status(connection)
    printing.print_status(state, unrated=unrated, as_json=as_json)


@app.command(epilog='Example: skillgap gap 29-1141.00 "Medical and Health Services Managers"')
def gap(
    occupations: Annotated[
        list[str], typer.Argument(metavar="[FROM] TO", help="O*NET-SOC codes or exact titles; with --profile only TO.")
    ],
    profile: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="A person in the place of FROM: a file as profile-template prints it."
        ),
    ] = None,
    ratings: Ratings = "onet+llm",
    domain: Domain = "skills",
    weight: Weight = "importance",
    stability: Stability = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, as GET /skill-gap answers.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the gaps as CSV.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print the gaps as a Markdown table.")] = False,
) -> None:
    """Show the skill gap between two occupations. By how much each skill differs, and how sure that is."""
    from skillgap.analysis.gap import identify_skill_gap
    from skillgap.analysis.person import identify_person_gap
    from skillgap.cli import printing

    if as_json + as_csv + as_markdown > 1:
        raise typer.BadParameter("choose one of --json, --csv, --markdown")
    if len(occupations) != (1 if profile else 2):
        raise typer.BadParameter("give TO alone with --profile" if profile else "give two occupations, FROM and TO")
    person = _read_profile(profile) if profile else None
    levels = _ratings(ratings, domain).weighted_by(weight)
    codes = [_code(each, levels) for each in occupations]
    report: GapReport | PersonGapReport
    if person:
        report = identify_person_gap(person, codes[-1], levels, stability=stability)
    else:
        report = identify_skill_gap(codes[0], codes[-1], levels, stability=stability)
    if as_json:
        printing.print_json(report)
    elif as_csv:
        printing.print_csv(report)
    elif as_markdown:
        printing.print_markdown(report)
    else:
        printing.print_report(report)


@app.command(epilog='Example: skillgap report "Registered Nurses" 11-9111.00 -o report.html')
def report(
    current: Annotated[str, typer.Argument(metavar="FROM", help="O*NET-SOC code or exact title.")],
    target: Annotated[str, typer.Argument(metavar="TO", help="Likewise.")],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            dir_okay=False,
            help="File to write: .html (one file to print or keep), .svg, .png, .xlsx.",
        ),
    ],
    ratings: Ratings = "onet+llm",
    domain: Domain = "skills",
    only_sure: Annotated[bool, typer.Option("--only-sure", help="Leave out what may be chance.")] = False,
    force: Force = False,
) -> None:
    """Write the skill gap between two occupations to a file. A page, a chart or a spreadsheet."""
    from datetime import UTC, datetime

    from skillgap.analysis.gap import identify_skill_gap
    from skillgap.export.phrases import in_plain_words
    from skillgap.export.report import WRITERS, write_report

    check_ending(output, WRITERS)
    refuse_replacing(output, force=force)
    levels = _ratings(ratings, domain)
    found = identify_skill_gap(_code(current, levels), _code(target, levels), levels)
    write_report(found, output, only_sure=only_sure, made=datetime.now(UTC).date())
    _note(f"{output}: {in_plain_words(found)[0]}")


@app.command(epilog='Example: skillgap profile-template "Registered Nurses" > me.json')
def profile_template(
    occupation: Annotated[
        str | None, typer.Argument(help="Occupation that the rest is taken from; none: the rest is unknown.")
    ] = None,
    domain: Domain = "skills",
) -> None:
    """Print a person's profile to be filled in. Own levels, 0 to 7; what is null stays unknown."""
    from skillgap.analysis.person import profile_template
    from skillgap.cli import printing

    levels = _ratings("onet+llm", domain)
    printing.print_profile(profile_template(levels, _code(occupation, levels) if occupation else None))


@app.command(epilog='Example: skillgap skills "Registered Nurses"')
def skills(
    occupation: Annotated[str, typer.Argument(help="O*NET-SOC code or exact title.")],
    ratings: Ratings = "onet+llm",
    domain: Domain = "skills",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, as GET /occupations/{code}/skills does.")
    ] = False,
) -> None:
    """Show the skills of an occupation. Level, error, importance, date and flags of each."""
    from skillgap.analysis.search import find_code
    from skillgap.cli import printing
    from skillgap.service.ratings import get_occupation_ratings
    from skillgap.store.engine import read
    from skillgap.store.queries import get_titles

    with read(_engine()) as connection:
        code = find_code(occupation, get_titles(connection))
        levels = get_occupation_ratings(connection, code, ratings, domain)
    provenance = levels.provenance_of(levels.row(code))
    printing.print_skills(levels.occupation(code), levels.skills(code), provenance, as_json=as_json)


@app.command(epilog='Example: skillgap search "software engneer"')
def search(
    words: Annotated[str, typer.Argument(help="A job title, whole or in part, or the beginning of a code.")],
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Most occupations to list.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Find occupations by what people call them. Each with the title that matched."""
    from skillgap.analysis.search import index_titles
    from skillgap.cli import printing
    from skillgap.service.ratings import get_profiles, get_ratings
    from skillgap.store.engine import read

    with read(_engine()) as connection:
        occupations, profiles = get_ratings(connection).occupations, get_profiles(connection)
    hits, total = index_titles(occupations.values(), profiles).find(words, limit)
    printing.print_hits([hit.listed(occupations) for hit in hits], total, as_json=as_json)


@app.command(epilog='Example: skillgap transitions "Registered Nurses" --limit 5 --only-rated')
def transitions(
    occupation: Annotated[str, typer.Argument(help="O*NET-SOC code or exact title.")],
    job_zone: Annotated[
        list[int] | None,
        typer.Option(min=1, max=5, help="Only this Job Zone of those that the release uses; may be repeated."),
    ] = None,
    major_group: Annotated[str | None, typer.Option(help="Only codes that begin with these two digits.")] = None,
    max_shortfall_percentile: Annotated[
        float, typer.Option(min=0, max=100, help="Only shortfalls up to this percentile.")
    ] = 100.0,
    only_rated: Annotated[bool, typer.Option("--only-rated", help="Leave out what is predicted.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=100, help="Most occupations to list.")] = 10,
    ratings: Ratings = "onet+llm",
    domain: Domain = "skills",
    weight: Weight = "importance",
    stability: Stability = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, as GET /occupations/{code}/transitions does.")
    ] = False,
) -> None:
    """Show where one can go from an occupation. The near ones, each with what stands between."""
    from skillgap.analysis.transitions import TransitionFilter, find_transitions
    from skillgap.cli import printing

    similarity, levels = _similarity(ratings, domain)
    levels = levels.weighted_by(weight)
    code = _code(occupation, levels)
    where = TransitionFilter(frozenset(job_zone or ()), major_group, max_shortfall_percentile, only_rated)
    near = find_transitions(code, similarity, levels, where=where, limit=limit, stability=stability)
    rows = [levels.row(each.occupation.onet_soc_code) for each in near]
    printing.print_transitions(
        levels.occupation(code),
        near,
        similarity.basis,
        levels,
        levels.provenance_of(levels.row(code), *rows),
        as_json=as_json,
    )


@app.command(epilog="Example: skillgap path 29-1141 11-9111")
def path(
    current: Annotated[str, typer.Argument(metavar="FROM", help="O*NET-SOC code or exact title.")],
    target: Annotated[str, typer.Argument(metavar="TO", help="O*NET-SOC code or exact title.")],
    neighbours: Annotated[
        int, typer.Option(min=1, max=50, help="A move leads to one of so many nearest, or from one.")
    ] = 20,
    limit: Annotated[int, typer.Option(min=1, max=20, help="Most paths to list.")] = 5,
    ratings: Ratings = "onet+llm",
    domain: Domain = "skills",
    weight: Weight = "importance",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, as GET /paths does.")] = False,
) -> None:
    """Show how to get from one occupation to another. In at most three moves, the hardest as easy as can be."""
    from skillgap.analysis.paths import find_paths
    from skillgap.cli import printing

    similarity, levels = _similarity(ratings, domain)
    levels = levels.weighted_by(weight)
    codes = [_code(each, levels) for each in (current, target)]
    report = find_paths(codes[0], codes[1], similarity, levels, neighbours=neighbours, limit=limit)
    printing.print_paths(report, as_json=as_json)


@app.command(epilog="Example: skillgap export pairs.parquet")
def export(
    file: Annotated[Path, typer.Argument(dir_okay=False, help="File to write: .csv, .parquet or .json.")],
    what: Annotated[
        Literal["pairs", "ratings", "transitions"],
        typer.Option(help="All pairs of occupations in a few numbers, all ratings, or the 20 nearest of each."),
    ] = "pairs",
    ratings: Ratings = "onet+llm",
    domain: Domain = "skills",
    force: Force = False,
) -> None:
    """Write figures of all occupations to a file. Pairs, ratings or near occupations, a row each."""
    from skillgap.cli import printing
    from skillgap.export import frames

    check_ending(file, frames.SUFFIXES)
    refuse_replacing(file, force=force)
    is_near = what == "transitions"
    similarity, levels = _similarity(ratings, domain) if is_near else (None, _ratings(ratings, domain))
    levels.check_levels()
    with printing.progress() as bars:
        if what == "pairs":
            rows = frames.write_frames(frames.pair_batches(levels, on_batch=bars.on_batch), file)
        else:
            frame = frames.transitions_frame(levels, similarity) if similarity else frames.ratings_frame(levels)
            rows = frames.write_frames([frame], file)
    _note(f"{file}: {rows:,} rows of {what}")


@app.command(epilog="Example: skillgap batch people.csv --to 11-9111.00 -o gaps.parquet")
def batch(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="INPUT",
            exists=True,
            dir_okay=False,
            help="People or positions, .csv or .parquet: an id, an occupation's code, own levels in columns named like "
            "elements.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="File to write, .csv or .parquet; or a folder, whose parts are kept."),
    ],
    to: Annotated[
        str | None, typer.Option(metavar="CODE|COLUMN", help="The target of all, or the column that has each one's.")
    ] = None,
    nearest: Annotated[
        int | None, typer.Option(min=1, max=1000, help="Rank so many near targets of each row, instead of gaps to one.")
    ] = None,
    each: Annotated[Literal["row", "gap"], typer.Option(help="Write a line per row, or one per gap.")] = "row",
    id_column: IdColumn = "id",
    occupation_column: OccupationColumn = None,
    min_own_levels: MinOwnLevels = None,
    ratings: Ratings = "onet+llm",
    domain: Domain = "skills",
    weight: Weight = "importance",
    engine: Annotated[
        Literal["here", "dask"], typer.Option(help="Where: in this process, or on a Dask cluster (extra `dask`).")
    ] = "here",
    scheduler: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Of the Dask scheduler.")] = None,
    force: Force = False,
) -> None:
    """Answer many people or positions at once. What cannot be answered goes to a file of rejects, with reasons."""
    from skillgap.cli import printing

    with needs("parquet"):
        from skillgap.batch.local import answer_file, rejects_of

    if (to is None) == (nearest is None):
        raise typer.BadParameter("give either --to or --nearest")
    if nearest and each == "gap":
        raise typer.BadParameter("--nearest ranks targets, and has no gaps to write with --each gap")
    if (engine == "dask") != (scheduler is not None):
        raise typer.BadParameter("--engine dask needs --scheduler, and nothing else does")
    if output.suffix:
        refuse_replacing(output, rejects_of(output), force=force)
    similarity, levels = _similarity(ratings, domain) if nearest else (None, _ratings(ratings, domain))
    with printing.progress() as bars:
        report, columns = answer_file(
            source,
            output,
            levels.weighted_by(weight),
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
        raise _nobody_answered(source, report.rows, columns)


@app.command(epilog="Example: skillgap workforce people.csv --to 11-9111.00 -o view.xlsx")
def workforce(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="INPUT",
            exists=True,
            dir_okay=False,
            help="People or positions, .csv or .parquet, as batch reads them.",
        ),
    ],
    to: Annotated[
        list[str],
        typer.Option(
            metavar="CODE|COLUMN",
            help="A target of all (may be repeated: each is proposed for one of them), or the column with each one's.",
        ),
    ],
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "--output",
            "-o",
            dir_okay=False,
            help="File to write: .json, .csv (who lacks what), .xlsx, .svg, .png; may be repeated.",
        ),
    ] = None,
    proposals: Annotated[int, typer.Option(min=1, help="People to propose for each target.")] = 10,
    id_column: IdColumn = "id",
    occupation_column: OccupationColumn = None,
    min_own_levels: MinOwnLevels = None,
    ratings: Ratings = "onet+llm",
    domain: Domain = "skills",
    weight: Weight = "importance",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    force: Force = False,
) -> None:
    """Show what a population lacks for some targets. How many lack what, and whom to retrain for which."""
    from datetime import UTC, datetime

    from skillgap.cli import printing
    from skillgap.export.workforce import WRITERS, write_workforce

    with needs("parquet"):
        from skillgap.batch.local import rejects_of
        from skillgap.batch.workforce import view_workforce
    outputs = output or []
    for file in outputs:
        check_ending(file, WRITERS)
    refuse_replacing(*outputs, *map(rejects_of, outputs[:1]), force=force)
    levels = _ratings(ratings, domain).weighted_by(weight)
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
        raise _nobody_answered(source, sum(report.rejected.values()), columns)


@app.command(epilog="Example: skillgap diff 26.1 29.0 --occupation 29-1141")
def diff(
    before: Annotated[
        str, typer.Argument(metavar="RELEASE_A", help="A release number, folder or zip, `starter`, or `loaded`.")
    ],
    after: Annotated[str, typer.Argument(metavar="RELEASE_B", help="The release to compare it with, likewise.")],
    occupation: Annotated[
        str | None, typer.Option(metavar="CODE", help="Only this occupation, with each pair that changed.")
    ] = None,
    pairs: Annotated[
        Path | None,
        typer.Option(dir_okay=False, help="Write every pair that changed to this file: .csv, .parquet or .json."),
    ] = None,
    domain: Domain = "skills",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    force: Force = False,
) -> None:
    """Show what changed between two releases. Nothing is loaded; `loaded` is what the database has."""
    from skillgap.analysis.release_diff import compare_releases
    from skillgap.cli import printing
    from skillgap.export import frames
    from skillgap.nodes.get_release_ratings import LOADED, get_release_ratings
    from skillgap.onet.codes import parse_code
    from skillgap.store.engine import make_engine

    if pairs:
        check_ending(pairs, frames.SUFFIXES)
        refuse_replacing(pairs, force=force)
    settings = _settings()
    engine = _engine() if LOADED in (before, after) else make_engine(settings.url)
    with printing.progress() as bars:
        old, new = (
            get_release_ratings(
                engine,
                source,
                domain,
                cache_dir=settings.cache_dir,
                download_url=settings.onet_download_url,
                on_bytes=bars.on_bytes,
            )
            for source in (before, after)
        )
    only = parse_code(occupation) if occupation else None
    changes = compare_releases(old, new, only=only, with_pairs=pairs is not None)
    if pairs:
        rows = frames.write_frames([frames.gap_changes_frame(changes)], pairs)
        _note(f"{pairs}: {rows:,} rows")
    printing.print_diff(changes, new, only, as_json=as_json)


@app.command(epilog="Example: skillgap enrich --occupation 15-1252.00")
def enrich(
    unrated: Annotated[
        bool, typer.Option("--unrated", help="Score what analysts have not rated; so it is without any option.")
    ] = False,
    all_: Annotated[
        bool, typer.Option("--all", help="Score rated occupations too, each without its own ratings.")
    ] = False,
    occupation: Annotated[
        list[str] | None, typer.Option(metavar="CODE", help="Score this occupation only; may be repeated.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Another model than the setting's; its levels are kept, not shown.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Score at most so many occupations.")] = None,
) -> None:
    """Predict levels that analysts have not rated. What a model has scored is not scored again."""
    from skillgap.cli import printing
    from skillgap.nodes.enrich_skill_data import enrich_skill_data
    from skillgap.onet.codes import parse_code

    if unrated + all_ + bool(occupation) > 1:
        raise typer.BadParameter("choose one of --unrated, --all, --occupation")
    settings = _settings()
    engine = _engine()
    with printing.progress() as bars:
        enrichment = enrich_skill_data(
            engine,
            _profiler(engine, model or settings.llm_model, settings, bars),
            codes=[parse_code(code) for code in occupation or ()],
            rated=all_,
            limit=limit,
            activate=model in (None, settings.llm_model),
        )
    facts = {"model": enrichment.model, "levels": len(enrichment.scoring.scores)}
    _tell("enriched", enrichment.report, settings, lambda: printing.print_enrichment(enrichment), **facts)
    if enrichment.scoring.failures:
        raise typer.Exit(1)


@llm.command(epilog="Example: skillgap llm evaluate 29.0 --model embedded:smollm2")
def evaluate(
    source: Annotated[
        str | None, typer.Argument(help="A release number, folder or zip, but the starter; what is loaded if left out.")
    ] = None,
    model: Annotated[
        list[str] | None, typer.Option(metavar="MODEL", help="Judge this model too; may be repeated.")
    ] = None,
    sample: Annotated[int, typer.Option(min=10, help="Rated occupations that a generative model is asked about.")] = 60,
    chart: Annotated[Path | None, typer.Option(help="Write a chart to this file, .svg or .png.")] = None,
    force: Force = False,
) -> None:
    """Measure how well levels can be derived. Each rated occupation is predicted from others."""
    from skillgap.cli import printing
    from skillgap.export.charts import error_chart
    from skillgap.export.notebook import Chart
    from skillgap.nodes.evaluate import evaluate_profilers

    if chart:
        check_ending(chart, (".svg", ".png"))
        refuse_replacing(chart, force=force)
    settings = _settings()
    engine = _engine()
    with printing.progress() as bars:
        scores = evaluate_profilers(
            engine,
            source,
            [_profiler(engine, name, settings, bars, sample=sample) for name in model or ()],
            cache_dir=settings.cache_dir,
            download_url=settings.onet_download_url,
            on_bytes=bars.on_bytes,
        )
    printing.print_scores(scores)
    if chart:
        Chart(error_chart([(each.model, each.folds, each.mae) for each in scores])).save(chart)


@llm.command(epilog="Example: skillgap llm audit > audit.csv")
def audit(
    least: Annotated[float, typer.Option(min=0, help="Least difference to list, in standard errors.")] = 3.0,
) -> None:
    """List levels that differ most from their prediction, as CSV. Some are stale, some odd: for a human to read."""
    from skillgap.cli import printing
    from skillgap.store.engine import read
    from skillgap.store.queries import list_disagreements

    with read(_engine()) as connection:
        found = list_disagreements(connection, least=least)
    printing.print_disagreements(found)


@app.command(epilog="Example: skillgap serve --port 8080")
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on (SKILLGAP_HOST).")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 takes a free one (SKILLGAP_PORT).")] = None,
    workers: Annotated[int | None, typer.Option(help="Worker processes (SKILLGAP_WORKERS).")] = None,
) -> None:
    """Serve the HTTP API. It ends on SIGINT or SIGTERM, requests in flight first."""
    from skillgap.api.server import run
    from skillgap.config.logs import detach_stderr
    from skillgap.config.settings import read_settings
    from skillgap.service.embedded import has_data

    detach_stderr()  # before the first line is written: a full disk must not end the service
    asked = {"host": host, "port": port, "workers": workers}
    settings = read_settings(**{name: value for name, value in asked.items() if value is not None})
    settings.check()
    if settings.database_url is not None or not has_data(settings.embedded_database):
        _engine()
    run(settings)


@app.command(epilog="Example: skillgap mcp --http --port 8001")
def mcp(
    http: Annotated[
        bool, typer.Option("--http", help="Serve by HTTP (/mcp), not on standard input and output.")
    ] = False,
    host: Annotated[str | None, typer.Option(help="Address to listen on with --http; 127.0.0.1 if left out.")] = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port to listen on with --http; 8001 if left out.")
    ] = None,
) -> None:
    """Serve tools to AI agents by the Model Context Protocol. Needs the extra `mcp`."""
    from skillgap.service.snapshot import CurrentData

    if (host or port) and not http:
        raise typer.BadParameter("--host and --port are of --http; without it standard input and output are used")
    with needs("mcp"):
        from skillgap.mcp.server import create_server
    _settings()
    current = CurrentData(_engine())
    current.refresh()
    server = create_server(current)
    if http:
        server.run(
            "streamable-http", host=host or "127.0.0.1", port=port or 8001, stateless_http=True, json_response=True
        )
    else:
        server.run("stdio")


@app.command(epilog="Example: skillgap new-key reporting --requests-per-minute 600")
def new_key(
    name: Annotated[str, typer.Argument(help="Whose key it is; the log and the file of keys call it so.")],
    requests_per_minute: Annotated[int, typer.Option(min=1, help="How often it may ask.")] = 600,
) -> None:
    """Make a key of the API and print it, once. Its hash is added to the file SKILLGAP_API_KEYS_FILE."""
    from skillgap.config.api_keys import new_key as make_key
    from skillgap.config.settings import read_settings
    from skillgap.errors import ConfigurationError

    file = read_settings().api_keys_file
    if file is None:
        raise ConfigurationError("set SKILLGAP_API_KEYS_FILE to the file of keys; it is made if it is not there")
    typer.echo(make_key(file, name, requests_per_minute=requests_per_minute))  # noqa: TID251 - our own text


@app.command(epilog="Example: skillgap doctor")
def doctor(
    online: Annotated[
        bool, typer.Option("--online", help="Ask O*NET Web Services too, if credentials are set.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Look for what is wrong. Settings, database, schema, data, credentials, disk, versions."""
    from skillgap.cli import printing
    from skillgap.config.doctor import examine

    checks = examine(online=online)
    printing.print_checks(checks, as_json=as_json)
    if any(check.outcome == "failed" for check in checks):
        raise typer.Exit(1)


def _ratings(choice: RatingsChoice, domain: DomainChoice) -> Levels:
    """Return the ratings that the database has."""
    from skillgap.service.ratings import get_ratings
    from skillgap.store.engine import read

    with read(_engine()) as connection:
        return get_ratings(connection, choice, domain)


def _similarity(choice: RatingsChoice, domain: DomainChoice) -> tuple[Similarity, Levels]:
    """Return which occupations are near which, and the ratings that their gaps are computed from."""
    from skillgap.analysis.similarity.model import compute_similarity
    from skillgap.service.ratings import get_all_ratings, get_profiles
    from skillgap.store.engine import read

    with read(_engine()) as connection:
        found, profiles = get_all_ratings(connection), get_profiles(connection)
    return compute_similarity(profiles, found["onet+llm"]), found[choice].of_domain(domain)


def _code(text: str, levels: Levels) -> str:
    """Return the code of an occupation given by code or title."""
    from skillgap.analysis.search import find_code

    return find_code(text, levels.titles)


def _nobody_answered(source: Path, rows: int, columns: Columns) -> SkillgapError:
    """Return the error for an input without any answerable row. The reasons have been printed."""
    from skillgap.errors import BatchInputError

    hint = f"; {columns.suggestion}" if columns.suggestion else ""
    return BatchInputError(f"{source}: none of {rows:,} rows could be answered, for the reasons above{hint}")


def _read_profile(file: Path) -> OwnProfile:
    """Return a person's profile. Raises InvalidProfile with every field that is wrong, and without its value."""
    from pydantic import TypeAdapter, ValidationError

    from skillgap.errors import InvalidProfile
    from skillgap.models.person import OwnProfile

    try:
        return TypeAdapter(OwnProfile).validate_json(file.read_bytes())
    except ValidationError as error:
        wrong = error.errors(include_input=False, include_url=False)
        fields = {".".join(map(str, each["loc"])) or str(file): each["msg"] for each in wrong}
        raise InvalidProfile(fields) from None


def _settings() -> Settings:
    """Return the settings, with the log set up as they say."""
    from skillgap.config.logs import configure_logging
    from skillgap.config.settings import read_settings

    settings = read_settings()
    configure_logging(log_format=settings.log_format or "console", log_level=settings.log_level)
    return settings


def _engine() -> Engine:
    """Return the engine of the settings; the embedded database is given the starter data on first use."""
    from skillgap.config.settings import read_settings
    from skillgap.errors import SchemaMismatch
    from skillgap.store.engine import make_engine, read
    from skillgap.store.rating_rows import get_data_version

    settings = read_settings()
    engine = make_engine(settings.url)
    if settings.database_url is None:
        try:
            is_empty = not settings.embedded_database.exists()
            if not is_empty:
                with read(engine) as connection:
                    is_empty = not get_data_version(connection)
        except SchemaMismatch:
            is_empty = True
        if is_empty:
            _note(f"first use: putting the starter data into {settings.embedded_database}")
            _load(engine, "starter", _settings())
    return engine


def _profiler(engine: Engine, name: str, settings: Settings, bars: LoadProgress, sample: int = 60) -> Profiler:
    from skillgap.nodes.find_profiler import find_profiler

    asked = settings.llm_arguments()
    return find_profiler(engine, name, sample=sample, on_text=bars.on_text, on_reply=bars.on_reply, **asked)


def _load(engine: Engine, source: str, settings: Settings, *, accept_loss: bool = False) -> None:
    from skillgap.cli import printing
    from skillgap.nodes.extract_load_text_files import extract_load_text_files
    from skillgap.nodes.status import list_missing
    from skillgap.store.engine import read

    with printing.progress() as bars, _collector_paused():
        data, report = extract_load_text_files(
            engine,
            source,
            cache_dir=settings.cache_dir,
            download_url=settings.onet_download_url,
            accept_loss=accept_loss,
            on_bytes=bars.on_bytes,
            on_rows=bars.on_rows,
        )
    with read(engine) as connection:
        missing = list_missing(connection)
    facts: dict[str, Any] = {"release": data.release.number, "missing": [each.input for each in missing]}
    if data.left_out:
        facts["left_out"] = dict(data.left_out)
    _tell("loaded", report, settings, lambda: printing.print_load(data, report, missing), **facts)


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Pause garbage collection, a tenth of a load's time. Only a process of our own may: a library must not."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _tell(event: str, report: LoadReport, settings: Settings, for_people: Callable[[], None], **facts: Any) -> None:
    """Say what was changed: to people, or, where JSON is asked for, as one line of the log."""
    import structlog

    if settings.log_format != "json":
        for_people()
        return
    changes = {
        each.table: {"new": each.inserted, "changed": each.updated, "gone": each.deleted}
        for each in report.tables
        if each.changed
    }
    structlog.get_logger("skillgap").info(event, **facts, rows_changed=report.rows_changed, changes=changes)
