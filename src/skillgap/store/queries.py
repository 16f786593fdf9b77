"""Read queries other than ratings. Each takes a Connection with one consistent snapshot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Label,
    Select,
    and_,
    case,
    func,
    select,
)

from skillgap.errors import NoData
from skillgap.models import LoadRecord, ModelRecord, Predictions, RatingCounts
from skillgap.onet.domains import DOMAIN_TABLES, Domain
from skillgap.onet.tables import LOAD_ORDER
from skillgap.store.rating_rows import (
    HAS_RATING,
    IS_LEVEL,
    MODEL_COLUMNS,
    OCCUPATIONS_VIEW,
    SKILLS_VIEW,
)
from skillgap.store.schema import (
    Base,
    LLMAbstentions,
    LLMModels,
    LLMReplies,
    LLMSkillScores,
    Loads,
    Occupations,
)
from skillgap.urls import masked_url

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class ModelUsage:
    """Requests to a generative model, counted from the stored replies."""

    model: str
    requests: int
    input_tokens: int
    output_tokens: int


def count_ratings(connection: Connection) -> dict[Domain, RatingCounts]:
    """Return the rating counts of each domain; those of skills are counted in SkillsView."""
    return {
        domain: _count_ratings(connection, SKILLS_VIEW if domain == "skills" else Base.metadata.tables[name])
        for domain, name in DOMAIN_TABLES.items()
    }


def _count_ratings(connection: Connection, rows: FromClause) -> RatingCounts:
    rating, has_value = rows.c, rows.c.data_value.is_not(None)
    is_level, is_importance = (and_(rating.scale_id == scale, has_value) for scale in ("LV", "IM"))

    def has(condition: ColumnElement[bool], name: str) -> Label[int]:
        return func.max(case((condition, 1), else_=0)).label(name)

    ratings = select(
        has(is_level, "level"),
        has(and_(is_level, func.coalesce(rating.not_relevant, "N") != "Y"), "relevant"),
        has(is_importance, "importance"),
        has(and_(is_level, rating.standard_error.is_not(None), rating.n.is_not(None)), "error"),
    )
    if rows is SKILLS_VIEW:
        ratings = ratings.where(HAS_RATING)
    element = ratings.group_by(rating.onet_soc_code, rating.element_id).subquery().c
    counts = (element.level, element.relevant, element.relevant * element.importance, element.error)
    row = connection.execute(select(*(func.coalesce(func.sum(count), 0) for count in counts))).one()
    levels, relevant, with_importance, with_errors = map(int, row)
    return RatingCounts(levels=levels, relevant=relevant, with_importance=with_importance, with_errors=with_errors)


def list_loads(connection: Connection) -> list[LoadRecord]:
    """Return all loads, the last one first. URLs are masked, since version 0.1.0 stored passwords in them."""
    rows = connection.execute(select(*Loads.__table__.c).order_by(Loads.load_id.desc())).mappings()
    return [LoadRecord(**{**row, "origin": _masked(row["origin"])}) for row in rows]


def _masked(origin: str) -> str:
    return masked_url(origin) if "://" in origin else origin


def count_rows(connection: Connection) -> dict[str, int]:
    """Return the number of rows of every table."""
    return {
        name: connection.scalar(select(func.count()).select_from(table)) or 0
        for name, table in Base.metadata.tables.items()
    }


def count_skills_by_source(connection: Connection) -> dict[str, int]:
    """Return how many rows of SkillsView each source contributes."""
    source = SKILLS_VIEW.c.source
    rows = connection.execute(select(source, func.count()).group_by(source).order_by(source))
    return {name: count for name, count in rows}  # noqa: C416 - mypy does not accept a Row as a pair


def list_unrated_occupations(connection: Connection) -> list[tuple[str, str]]:
    """Return code and title of every occupation without a level, codes ascending."""
    occupation = OCCUPATIONS_VIEW.c
    rated = select(SKILLS_VIEW.c.onet_soc_code).where(IS_LEVEL)
    query = select(occupation.onet_soc_code, occupation.title).where(occupation.onet_soc_code.not_in(rated))
    return [(code, title) for code, title in connection.execute(query.order_by(occupation.onet_soc_code))]


def get_titles(connection: Connection) -> dict[str, str]:
    """Return the title of every occupation by code, codes ascending."""
    occupation = OCCUPATIONS_VIEW.c
    query = select(occupation.onet_soc_code, occupation.title).order_by(occupation.onet_soc_code)
    return {code: title for code, title in connection.execute(query)}  # noqa: C416 - mypy does not accept a Row as a pair


# -- columns of O*NET's tables --------------------------------------------------------------------------------------


def get_columns(connection: Connection, columns: Mapping[str, Sequence[str]]) -> dict[str, dict[str, Sequence[Any]]]:
    """Return columns of the given tables as sequences by table and name, rows in the order of the key."""
    tables: dict[str, dict[str, Sequence[Any]]] = {}
    for name, names in columns.items():
        table = Base.metadata.tables[name]
        rows = connection.execute(select(*(table.c[column] for column in names)).order_by(*table.primary_key)).all()
        tables[name] = dict(zip(names, zip(*rows, strict=True) if rows else ((),) * len(names), strict=True))
    return tables


# -- language models --------------------------------------------------------------------------------------------------


def get_tables(connection: Connection) -> dict[str, pd.DataFrame]:
    """Return the text tables except those of other domains. Skills holds the rated levels of SkillsView."""
    domains = set(DOMAIN_TABLES.values())
    tables = {
        name: _frame(connection, select(*Base.metadata.tables[name].c)) for name in LOAD_ORDER if name not in domains
    }
    view = SKILLS_VIEW.c
    rating = (view.onet_soc_code, view.element_id, view.scale_id, view.data_value, view.n, view.standard_error)
    codes = select(Occupations.onet_soc_code)
    tables["Skills"] = _frame(connection, select(*rating).where(IS_LEVEL, HAS_RATING, view.onet_soc_code.in_(codes)))
    return tables


def _frame(connection: Connection, query: Select[Any]) -> pd.DataFrame:
    import pandas as pd  # 0.2 s that the service does not need

    result = connection.execute(query)
    # Plain tuples: attribute lookups by pandas on a Row are slow, since each is tried as a column name.
    return pd.DataFrame([tuple(row) for row in result.all()], columns=list(result.keys()))


def count_scores(connection: Connection, *, model: str, prompt_version: str, data_version: str) -> dict[str, int]:
    """Return how many skills of each occupation a model has scored from the ratings of a data version."""
    score = LLMSkillScores
    query = select(score.onet_soc_code, func.count()).where(
        score.model == model, score.prompt_version == prompt_version, score.data_version == data_version
    )
    rows = connection.execute(query.group_by(score.onet_soc_code))
    return {code: count for code, count in rows}  # noqa: C416 - mypy does not accept a Row as a pair


def get_scores(connection: Connection) -> tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the active model's row of LLMModels and its rows of LLMSkillScores and LLMAbstentions.

    Raises NoData if no model is active.
    """
    model = (
        connection.execute(
            select(*(column for column in LLMModels.__table__.c if column.name != "is_active")).where(
                LLMModels.is_active == 1
            )
        )
        .mappings()
        .first()
    )
    if model is None:
        raise NoData("no model has scored anything yet; run `skillgap enrich`")
    rows = (
        connection.execute(
            select(*table.__table__.c).where(
                table.model == model["model"], table.prompt_version == model["prompt_version"]
            )
        )
        for table in (LLMSkillScores, LLMAbstentions)
    )
    scores, abstentions = ([dict(row) for row in result.mappings()] for result in rows)
    return dict(model), scores, abstentions


def get_reply(connection: Connection, request_sha256: str) -> Mapping[str, Any] | None:
    """Return the row of LLMReplies with the valid reply to a request, or None."""
    query = select(*LLMReplies.__table__.c).where(
        LLMReplies.request_sha256 == request_sha256, LLMReplies.error.is_(None)
    )
    row = connection.execute(query).mappings().first()
    return dict(row) if row else None


@dataclass(frozen=True)
class Disagreement:
    """A rated level and the active model's prediction of it, made without that rating."""

    onet_soc_code: str
    title: str
    element_id: str
    element_name: str
    data_value: float
    standard_error: float | None
    n: int | None
    date_updated: date | None
    recommend_suppress: str | None
    predicted: float
    predicted_error: float
    standard_errors: float
    """Rated minus predicted, in standard errors of the difference."""


def list_disagreements(connection: Connection, *, least: float) -> list[Disagreement]:
    """Return ratings that differ from their predictions by at least `least` standard errors, largest first.

    Raises NoData if no rated occupation has been scored.
    """
    view, titles = SKILLS_VIEW.c, get_titles(connection)
    columns = (
        *(view.onet_soc_code, view.element_id, view.element_name, view.data_value, view.standard_error, view.n),
        *(view.date_updated, view.recommend_suppress),
        *(view.llm_data_value.label("predicted"), view.llm_uncertainty.label("predicted_error")),
    )
    is_both = and_(IS_LEVEL, HAS_RATING, view.llm_data_value.is_not(None))
    pairs = _frame(connection, select(*columns).where(is_both))
    if pairs.empty:
        raise NoData("no rated occupation has been scored; run `skillgap enrich --all`")
    disagreements = []
    for pair in pairs.to_dict("records"):
        difference = pair["data_value"] - pair["predicted"]
        standard_errors = difference / np.hypot(np.nan_to_num(pair["standard_error"]), pair["predicted_error"])
        if abs(standard_errors) >= least:
            disagreements.append(
                Disagreement(
                    title=titles[pair["onet_soc_code"]],
                    standard_errors=round(float(standard_errors), 2),
                    **{str(name): value for name, value in pair.items()},
                )
            )
    return sorted(disagreements, key=lambda pair: (-abs(pair.standard_errors), pair.onet_soc_code, pair.element_id))


def list_models(connection: Connection) -> list[ModelRecord]:
    """Return every model with stored scores, the active one first."""
    model, score = LLMModels, LLMSkillScores
    occupations = (
        select(func.count(func.distinct(score.onet_soc_code)))
        .where(score.model == model.model, score.prompt_version == model.prompt_version)
        .scalar_subquery()
    )
    rows = connection.execute(
        select(*MODEL_COLUMNS, model.is_active, occupations.label("occupations")).order_by(
            model.is_active.is_(None), model.model, model.prompt_version
        )
    )
    names = [column.name for column in MODEL_COLUMNS]
    return [
        ModelRecord(
            predictions=Predictions(**{name: row._mapping[name] for name in names}),
            is_active=bool(row.is_active),
            occupations=row.occupations,
        )
        for row in rows
    ]


def get_model_usage(connection: Connection) -> list[ModelUsage]:
    """Return the requests to each generative model."""
    spent = (func.sum(LLMReplies.input_tokens), func.sum(LLMReplies.output_tokens))
    query = select(LLMReplies.model, func.count(), *spent).group_by(LLMReplies.model).order_by(LLMReplies.model)
    return [ModelUsage(model, *map(int, counts)) for model, *counts in connection.execute(query)]
