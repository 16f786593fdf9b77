"""Query parameters that several endpoints share."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from skillgap.models import RatingsChoice, WeightChoice
from skillgap.onet.codes import CODE_PATTERN, parse_code
from skillgap.onet.domains import DOMAINS, DomainChoice

CodeParameter = Annotated[
    str,
    AfterValidator(parse_code),
    WithJsonSchema({"type": "string", "pattern": CODE_PATTERN}),
]
"""An O*NET-SOC code in any accepted form; the handler receives the dashed form."""

FromParameter = Annotated[
    CodeParameter,
    Query(
        alias="from",
        description="Code of the current occupation.",
        openapi_examples={"Registered Nurses": {"value": "29-1141.00"}},
    ),
]
ToParameter = Annotated[
    CodeParameter,
    Query(
        alias="to",
        description="Code of the target occupation.",
        openapi_examples={"Medical and Health Services Managers": {"value": "11-9111.00"}},
    ),
]

RatingsParameter = Annotated[
    RatingsChoice,
    BeforeValidator(lambda text: text.replace(" ", "+")),  # a bare + in a query is decoded as a space
    Query(
        alias="ratings",
        description="Which levels to use: analysts' ratings (`onet`), predictions (`llm`), or analysts' ratings with "
        "predictions where there are none (`onet+llm`).",
    ),
]

DomainParameter = Annotated[
    DomainChoice,
    Query(
        description=f"The domain to compare: {', '.join(f'`{domain.name}`' for domain in DOMAINS)}, or `all` loaded "
        "domains."
    ),
]

WeightParameter = Annotated[
    WeightChoice,
    Query(
        description="The weight of each gap in the order and the shortfall: `importance` in the target, `standard` "
        "(O*NET's standardized importance, 0 if not important), or `none` for equal weights."
    ),
]
StabilityParameter = Annotated[
    bool,
    Query(description="Add the stability of the ranking under rater noise and other weights. Takes about 20 ms more."),
]
