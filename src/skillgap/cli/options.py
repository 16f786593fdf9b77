"""Options and arguments that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from skillgap.models import RatingsChoice, WeightChoice
from skillgap.onet.domains import DomainChoice

OccupationArgument = Annotated[str, typer.Argument(help="O*NET-SOC code or exact title.")]
CurrentArgument = Annotated[str, typer.Argument(metavar="FROM", help="O*NET-SOC code or exact title.")]
TargetArgument = Annotated[str, typer.Argument(metavar="TO", help="O*NET-SOC code or exact title.")]
PeopleArgument = Annotated[
    Path,
    typer.Argument(
        metavar="INPUT",
        exists=True,
        dir_okay=False,
        help="People or positions, .csv or .parquet: an id, an occupation, and own levels in columns named after "
        "elements.",
    ),
]

RatingsOption = Annotated[
    RatingsChoice,
    typer.Option(
        "--ratings",
        help="Levels to use: analysts' ratings (onet), predictions (llm), or both, ratings first (onet+llm).",
    ),
]
DomainOption = Annotated[
    DomainChoice, typer.Option("--domain", help="Elements to compare; `all` means every loaded domain.")
]
WeightOption = Annotated[
    WeightChoice,
    typer.Option(
        "--weight", help="Weight of each gap: importance in the target, its O*NET standard score, or equal weights."
    ),
]
StabilityOption = Annotated[
    bool, typer.Option("--stability", help="Show how the ranking changes under rater noise and other weights.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
ApiJsonOption = Annotated[bool, typer.Option("--json", help="Print JSON in the format of the HTTP API.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Overwrite existing files.")]
AcceptLossOption = Annotated[
    bool, typer.Option("--accept-loss", help="Store the data even if many occupations lose their ratings.")
]

IdColumnOption = Annotated[str, typer.Option("--id", metavar="COLUMN", help="Column that identifies a row.")]
OccupationColumnOption = Annotated[
    str | None,
    typer.Option(
        "--occupation", metavar="COLUMN", help="Column of current occupations, codes or titles. [default: occupation]"
    ),
]
MinOwnLevelsOption = Annotated[
    int | None,
    typer.Option(
        "--min-own-levels",
        min=1,
        help="Own levels required of a row without an occupation. [default: half of those compared, 18 of 35 skills]",
    ),
]
