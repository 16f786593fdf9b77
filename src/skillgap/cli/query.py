"""Commands that answer questions about occupations: gap, skills, transitions, path, search, reports and profiles."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skillgap.cli.messages import note
from skillgap.cli.options import (
    ApiJsonOption,
    CurrentArgument,
    DomainOption,
    ForceOption,
    JsonOption,
    OccupationArgument,
    RatingsOption,
    StabilityOption,
    TargetArgument,
    WeightOption,
)
from skillgap.cli.setup import open_engine, read_ratings, read_similarity
from skillgap.files import check_ending, refuse_replacing

if TYPE_CHECKING:
    from skillgap.analysis.person import OwnProfile
    from skillgap.analysis.ratings import Ratings as Levels
    from skillgap.models import GapReport, PersonGapReport

commands = typer.Typer()


@commands.command(epilog='Example: skillgap gap 29-1141.00 "Medical and Health Services Managers"')
def gap(
    occupations: Annotated[
        list[str],
        typer.Argument(metavar="[FROM] TO", help="O*NET-SOC codes or exact titles. With --profile, TO alone."),
    ],
    profile: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="A person's own levels in place of FROM; see profile-template."),
    ] = None,
    ratings: RatingsOption = "onet+llm",
    domain: DomainOption = "skills",
    weight: WeightOption = "importance",
    stability: StabilityOption = False,
    as_json: ApiJsonOption = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the gaps as CSV.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print the gaps as a Markdown table.")] = False,
) -> None:
    """Show the skill gap between two occupations. Lists the size and certainty of each gap."""
    from skillgap.analysis.gap import identify_skill_gap
    from skillgap.analysis.person import identify_person_gap
    from skillgap.cli import printing

    if as_json + as_csv + as_markdown > 1:
        raise typer.BadParameter("choose one of --json, --csv and --markdown")
    if len(occupations) != (1 if profile else 2):
        raise typer.BadParameter("with --profile, give TO alone" if profile else "give two occupations, FROM and TO")
    person = _read_profile(profile) if profile else None
    levels = read_ratings(ratings, domain).weighted_by(weight)
    codes = [_code(occupation, levels) for occupation in occupations]
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


@commands.command(epilog='Example: skillgap report "Registered Nurses" 11-9111.00 -o report.html')
def report(
    current: CurrentArgument,
    target: TargetArgument,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            dir_okay=False,
            help="File to write: .html (self-contained, printable), .svg, .png, .xlsx.",
        ),
    ],
    ratings: RatingsOption = "onet+llm",
    domain: DomainOption = "skills",
    only_sure: Annotated[bool, typer.Option("--only-sure", help="Leave out gaps that may be due to chance.")] = False,
    force: ForceOption = False,
) -> None:
    """Write the skill gap between two occupations to a file. As a page, a chart or a spreadsheet."""
    from datetime import UTC, datetime

    from skillgap.analysis.gap import identify_skill_gap
    from skillgap.export.phrases import in_plain_words
    from skillgap.export.report import WRITERS, write_report

    check_ending(output, WRITERS)
    refuse_replacing(output, force=force)
    levels = read_ratings(ratings, domain)
    report = identify_skill_gap(_code(current, levels), _code(target, levels), levels)
    write_report(report, output, only_sure=only_sure, made=datetime.now(UTC).date())
    note(f"{output}: {in_plain_words(report)[0]}")


@commands.command(epilog='Example: skillgap profile-template "Registered Nurses" > me.json')
def profile_template(
    occupation: Annotated[
        str | None,
        typer.Argument(help="Occupation whose levels stand in for unknown ones. [default: they stay unknown]"),
    ] = None,
    domain: DomainOption = "skills",
) -> None:
    """Print a profile to fill in with a person's own levels. Levels run from 0 to 7; null means unknown."""
    from skillgap.analysis.person import profile_template
    from skillgap.cli import printing

    levels = read_ratings("onet+llm", domain)
    printing.print_profile(profile_template(levels, _code(occupation, levels) if occupation else None))


@commands.command(epilog='Example: skillgap skills "Registered Nurses"')
def skills(
    occupation: OccupationArgument,
    ratings: RatingsOption = "onet+llm",
    domain: DomainOption = "skills",
    as_json: ApiJsonOption = False,
) -> None:
    """Show the skills of an occupation. Lists level, standard error, importance, date and flags."""
    from skillgap.analysis.search import find_code
    from skillgap.cli import printing
    from skillgap.store.engine import read
    from skillgap.store.queries import get_titles
    from skillgap.store.ratings import get_occupation_ratings

    with read(open_engine()) as connection:
        code = find_code(occupation, get_titles(connection))
        levels = get_occupation_ratings(connection, code, ratings, domain)
    provenance = levels.provenance_of(levels.row(code))
    printing.print_skills(levels.occupation(code), levels.skills(code), provenance, as_json=as_json)


@commands.command(epilog='Example: skillgap search "software engneer"')
def search(
    words: Annotated[str, typer.Argument(help="A job title, part of one, or the beginning of a code.")],
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Maximum number of occupations to list.")] = 10,
    as_json: JsonOption = False,
) -> None:
    """Find occupations by everyday job titles. Tolerates typos and shows the title that matched."""
    from skillgap.analysis.search import index_titles
    from skillgap.cli import printing
    from skillgap.store.engine import read
    from skillgap.store.queries import get_profiles
    from skillgap.store.ratings import get_ratings

    with read(open_engine()) as connection:
        occupations, profiles = get_ratings(connection).occupations, get_profiles(connection)
    hits, total = index_titles(occupations.values(), profiles).find(words, limit)
    printing.print_hits([hit.listed(occupations) for hit in hits], total, as_json=as_json)


@commands.command(epilog='Example: skillgap transitions "Registered Nurses" --limit 5 --only-rated')
def transitions(
    occupation: OccupationArgument,
    job_zone: Annotated[
        list[int] | None, typer.Option(min=1, max=5, help="Only this Job Zone; may be repeated.")
    ] = None,
    major_group: Annotated[str | None, typer.Option(help="Only codes that begin with these two digits.")] = None,
    max_shortfall_percentile: Annotated[
        float, typer.Option(min=0, max=100, help="Only shortfalls up to this percentile.")
    ] = 100.0,
    only_rated: Annotated[
        bool, typer.Option("--only-rated", help="Leave out occupations with predicted levels.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=100, help="Maximum number of occupations to list.")] = 10,
    ratings: RatingsOption = "onet+llm",
    domain: DomainOption = "skills",
    weight: WeightOption = "importance",
    stability: StabilityOption = False,
    as_json: ApiJsonOption = False,
) -> None:
    """Show the occupations closest to an occupation. Each comes with a summary of its skill gap."""
    from skillgap.analysis.transitions import TransitionFilter, find_transitions
    from skillgap.cli import printing

    similarity, levels = read_similarity(ratings, domain)
    levels = levels.weighted_by(weight)
    code = _code(occupation, levels)
    where = TransitionFilter(frozenset(job_zone or ()), major_group, max_shortfall_percentile, only_rated)
    near = find_transitions(code, similarity, levels, where=where, limit=limit, stability=stability)
    rows = [levels.row(transition.occupation.onet_soc_code) for transition in near]
    printing.print_transitions(
        levels.occupation(code),
        near,
        similarity.basis,
        levels,
        levels.provenance_of(levels.row(code), *rows),
        as_json=as_json,
    )


@commands.command(epilog="Example: skillgap path 29-1141 11-9111")
def path(
    current: CurrentArgument,
    target: TargetArgument,
    neighbors: Annotated[
        int,
        typer.Option("--neighbours", min=1, max=50, help="Consider moves among this many nearest occupations."),
    ] = 20,
    limit: Annotated[int, typer.Option(min=1, max=20, help="Maximum number of paths to list.")] = 5,
    ratings: RatingsOption = "onet+llm",
    domain: DomainOption = "skills",
    weight: WeightOption = "importance",
    as_json: ApiJsonOption = False,
) -> None:
    """Show paths of up to three moves between two occupations. Minimizes the hardest move of each path."""
    from skillgap.analysis.paths import find_paths
    from skillgap.cli import printing

    similarity, levels = read_similarity(ratings, domain)
    levels = levels.weighted_by(weight)
    report = find_paths(
        _code(current, levels), _code(target, levels), similarity, levels, neighbours=neighbors, limit=limit
    )
    printing.print_paths(report, as_json=as_json)


def _code(text: str, levels: Levels) -> str:
    """Return the code of an occupation given by code or title."""
    from skillgap.analysis.search import find_code

    return find_code(text, levels.titles)


def _read_profile(file: Path) -> OwnProfile:
    """Return a person's profile. Raises InvalidProfile naming every invalid field, without its value."""
    from pydantic import TypeAdapter, ValidationError

    from skillgap.analysis.person import OwnProfile
    from skillgap.errors import InvalidProfile

    try:
        return TypeAdapter(OwnProfile).validate_json(file.read_bytes())
    except ValidationError as error:
        details = error.errors(include_input=False, include_url=False)
        fields = {".".join(map(str, detail["loc"])) or str(file): detail["msg"] for detail in details}
        raise InvalidProfile(fields) from None
