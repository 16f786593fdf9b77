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
from skillgap.cli.setup import connect
from skillgap.files import check_ending, refuse_replacing

if TYPE_CHECKING:
    from skillgap.models import GapReport, PersonGapReport
    from skillgap.models.person import OwnProfile

commands = typer.Typer()


@commands.command(epilog='Example: skillgap gap 29-1141.00 "Medical and Health Services Managers"')
def gap(
    occupations: Annotated[
        list[str],
        typer.Argument(metavar="[FROM] TO", help="O*NET-SOC codes or exact titles. With --profile, only TO."),
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
    from skillgap.cli import printing

    if as_json + as_csv + as_markdown > 1:
        raise typer.BadParameter("choose one of --json, --csv and --markdown")
    if len(occupations) != (1 if profile else 2):
        raise typer.BadParameter("with --profile, give TO alone" if profile else "give two occupations, FROM and TO")
    report: GapReport | PersonGapReport
    if profile:
        person = _read_profile(profile)
        report = connect().person_gap(
            person, occupations[0], domain=domain, ratings=ratings, weight=weight, stability=stability
        )
    else:
        current, target = occupations
        report = connect().gap(current, target, domain=domain, ratings=ratings, weight=weight, stability=stability)
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
    only_sure: Annotated[bool, typer.Option("--only-clear", "--only-sure", help="Show clear gaps only.")] = False,
    force: ForceOption = False,
) -> None:
    """Write the skill gap between two occupations to a file. As a page, a chart or a spreadsheet."""
    from datetime import UTC, datetime

    from skillgap.export.phrases import in_plain_words
    from skillgap.export.report import WRITERS, write_report

    check_ending(output, WRITERS)
    refuse_replacing(output, force=force)
    report = connect().gap(current, target, domain=domain, ratings=ratings)
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
    from skillgap.cli import printing

    printing.print_profile(connect().profile_template(occupation, domain=domain))


@commands.command(epilog='Example: skillgap skills "Registered Nurses"')
def skills(
    occupation: OccupationArgument,
    ratings: RatingsOption = "onet+llm",
    domain: DomainOption = "skills",
    as_json: ApiJsonOption = False,
) -> None:
    """Show the skills of an occupation. Lists level, standard error, importance, date and flags."""
    from skillgap.cli import printing

    printing.print_skills(connect().skills(occupation, domain=domain, ratings=ratings), as_json=as_json)


@commands.command(epilog='Example: skillgap search "software engneer"')
def search(
    words: Annotated[str, typer.Argument(help="A job title, part of one, or the beginning of a code.")],
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Maximum number of occupations to list.")] = 10,
    as_json: JsonOption = False,
) -> None:
    """Find occupations by everyday job titles. Tolerates typos and shows the title that matched."""
    from skillgap.cli import printing

    printing.print_hits(connect().search(words, limit=limit), as_json=as_json)


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
    """Show the occupations most similar to one. Each comes with a summary of its skill gap."""
    from skillgap.cli import printing

    report = connect().transitions(
        occupation,
        job_zones=frozenset(job_zone or ()),
        major_group=major_group,
        max_shortfall_percentile=max_shortfall_percentile,
        only_rated=only_rated,
        limit=limit,
        domain=domain,
        ratings=ratings,
        weight=weight,
        stability=stability,
    )
    printing.print_transitions(report, as_json=as_json)


@commands.command(epilog="Example: skillgap path 29-1141 11-9111")
def path(
    current: CurrentArgument,
    target: TargetArgument,
    neighbors: Annotated[
        int,
        typer.Option(
            "--neighbours", min=1, max=50, help="Number of most similar occupations to consider for each move."
        ),
    ] = 20,
    limit: Annotated[int, typer.Option(min=1, max=20, help="Maximum number of paths to list.")] = 5,
    ratings: RatingsOption = "onet+llm",
    domain: DomainOption = "skills",
    weight: WeightOption = "importance",
    as_json: ApiJsonOption = False,
) -> None:
    """Show paths of up to three moves between two occupations. Minimizes the hardest move of each path."""
    from skillgap.cli import printing

    report = connect().paths(
        current, target, neighbors=neighbors, limit=limit, domain=domain, ratings=ratings, weight=weight
    )
    printing.print_paths(report, as_json=as_json)


def _read_profile(file: Path) -> OwnProfile:
    """Return a person's profile. Raises InvalidProfile naming every invalid field, without its value."""
    from pydantic import TypeAdapter, ValidationError

    from skillgap.errors import InvalidProfile
    from skillgap.models.person import OwnProfile

    try:
        return TypeAdapter(OwnProfile).validate_json(file.read_bytes())
    except ValidationError as error:
        details = error.errors(include_input=False, include_url=False)
        fields = {".".join(map(str, detail["loc"])) or str(file): detail["msg"] for detail in details}
        raise InvalidProfile(fields) from None
