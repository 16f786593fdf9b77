"""What is read from the database besides ratings; each function reads one snapshot."""

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
    """What a generative model was asked, by the replies that are kept."""

    model: str
    requests: int
    input_tokens: int
    output_tokens: int


def count_ratings(connection: Connection) -> dict[Domain, RatingCounts]:
    """Return what of each domain's ratings is there; of skills, by the source that SkillsView takes."""
    return {
        domain: _count_ratings(connection, SKILLS_VIEW if domain == "skills" else Base.metadata.tables[name])
        for domain, name in DOMAIN_TABLES.items()
    }


def _count_ratings(connection: Connection, rows: FromClause) -> RatingCounts:
    each, is_there = rows.c, rows.c.data_value.is_not(None)
    is_level, is_importance = (and_(each.scale_id == scale, is_there) for scale in ("LV", "IM"))

    def has(condition: ColumnElement[bool], name: str) -> Label[int]:
        return func.max(case((condition, 1), else_=0)).label(name)

    ratings = select(
        has(is_level, "level"),
        has(and_(is_level, func.coalesce(each.not_relevant, "N") != "Y"), "relevant"),
        has(is_importance, "importance"),
        has(and_(is_level, each.standard_error.is_not(None), each.n.is_not(None)), "error"),
    )
    if rows is SKILLS_VIEW:
        ratings = ratings.where(HAS_RATING)
    found = ratings.group_by(each.onet_soc_code, each.element_id).subquery().c
    counts = (found.level, found.relevant, found.relevant * found.importance, found.error)
    row = connection.execute(select(*(func.coalesce(func.sum(count), 0) for count in counts))).one()
    return RatingCounts(*map(int, row))


def list_loads(connection: Connection) -> list[LoadRecord]:
    """Return all loads, the last one first; URLs are masked, as version 0.1.0 stored them with their passwords."""
    rows = connection.execute(select(*Loads.__table__.c).order_by(Loads.load_id.desc())).mappings()
    return [LoadRecord(**{**row, "origin": _masked(row["origin"])}) for row in rows]


def _masked(origin: str) -> str:
    return masked_url(origin) if "://" in origin else origin


def count_rows(connection: Connection) -> dict[str, int]:
    """Return the number of rows of every table."""
    return {
        name: connection.scalar(select(func.count()).select_from(each)) or 0
        for name, each in Base.metadata.tables.items()
    }


def count_skills_by_source(connection: Connection) -> dict[str, int]:
    """Return how many rows of SkillsView each source contributes."""
    source = SKILLS_VIEW.c.source
    rows = connection.execute(select(source, func.count()).group_by(source).order_by(source))
    return {name: count for name, count in rows}  # noqa: C416 - a Row is no pair to the type checker


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
    return {code: title for code, title in connection.execute(query)}  # noqa: C416 - a Row is no pair to mypy


# -- columns of O*NET's tables --------------------------------------------------------------------------------------


def get_columns(connection: Connection, columns: Mapping[str, Sequence[str]]) -> dict[str, dict[str, Sequence[Any]]]:
    """Return columns of the given tables as sequences by table and name, rows in the order of the key."""
    tables: dict[str, dict[str, Sequence[Any]]] = {}
    for name, names in columns.items():
        table = Base.metadata.tables[name]
        rows = connection.execute(select(*(table.c[column] for column in names)).order_by(*table.primary_key)).all()
        tables[name] = dict(zip(names, zip(*rows, strict=True) if rows else ((),) * len(names), strict=True))
    return tables


# -- what models are told, and what they said ---------------------------------------------------------------------


def get_tables(connection: Connection) -> dict[str, pd.DataFrame]:
    """Return the text tables but those of other domains; in Skills the newest levels of SkillsView that are rated."""
    domains = set(DOMAIN_TABLES.values())
    tables = {
        name: _frame(connection, select(*Base.metadata.tables[name].c)) for name in LOAD_ORDER if name not in domains
    }
    view = SKILLS_VIEW.c
    rating = (view.onet_soc_code, view.element_id, view.scale_id, view.data_value, view.n, view.standard_error)
    known = select(Occupations.onet_soc_code)
    tables["Skills"] = _frame(connection, select(*rating).where(IS_LEVEL, HAS_RATING, view.onet_soc_code.in_(known)))
    return tables


def _frame(connection: Connection, query: Select[Any]) -> pd.DataFrame:
    import pandas as pd  # 0.2 s that the service does not need

    result = connection.execute(query)
    # Plain tuples: what pandas asks of each Row is looked up as the name of a column, which takes longer than all else.
    return pd.DataFrame([tuple(row) for row in result.all()], columns=list(result.keys()))


def count_scores(connection: Connection, *, model: str, prompt_version: str, data_version: str) -> dict[str, int]:
    """Return how many skills of each occupation a model has scored with the ratings of a data version."""
    score = LLMSkillScores
    query = select(score.onet_soc_code, func.count()).where(
        score.model == model, score.prompt_version == prompt_version, score.data_version == data_version
    )
    rows = connection.execute(query.group_by(score.onet_soc_code))
    return {code: count for code, count in rows}  # noqa: C416 - a Row is no pair to the type checker


def get_scores(connection: Connection) -> tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]]]:
    """Return what the active model said: its row of LLMModels, and its rows of LLMSkillScores and LLMAbstentions.

    Raises NoData where no model is active.
    """
    model = (
        connection.execute(
            select(*(each for each in LLMModels.__table__.c if each.name != "is_active")).where(
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
            select(*each.__table__.c).where(
                each.model == model["model"], each.prompt_version == model["prompt_version"]
            )
        )
        for each in (LLMSkillScores, LLMAbstentions)
    )
    scores, abstentions = ([dict(row) for row in result.mappings()] for result in rows)
    return dict(model), scores, abstentions


def get_reply(connection: Connection, request_sha256: str) -> Mapping[str, Any] | None:
    """Return the row of LLMReplies for a request, None where it has no valid reply."""
    query = select(*LLMReplies.__table__.c).where(
        LLMReplies.request_sha256 == request_sha256, LLMReplies.error.is_(None)
    )
    row = connection.execute(query).mappings().first()
    return dict(row) if row else None


@dataclass(frozen=True)
class Disagreement:
    """A level that analysts rated, and what the active model says of it without having seen it."""

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
    """Return where ratings and the active model disagree by `least` standard errors or more, most first.

    Raises NoData where no rated occupation has been scored.
    """
    view, titles = SKILLS_VIEW.c, get_titles(connection)
    rated = (view.onet_soc_code, view.element_id, view.element_name, view.data_value, view.standard_error, view.n)
    said = (view.date_updated, view.recommend_suppress, view.llm_data_value, view.llm_uncertainty)
    both = _frame(connection, select(*rated, *said).where(IS_LEVEL, HAS_RATING, view.llm_data_value.is_not(None)))
    if both.empty:
        raise NoData("no rated occupation has been scored; run `skillgap enrich --all`")
    found = []
    for code, element_id, name, value, error, n, day, suppress, predicted, uncertainty in both.itertuples(index=False):
        away = (value - predicted) / np.hypot(np.nan_to_num(error), uncertainty)
        if abs(away) >= least:
            known = (value, error, n, day, suppress, predicted, uncertainty, round(float(away), 2))
            found.append(Disagreement(code, titles[code], element_id, name, *known))
    return sorted(found, key=lambda each: (-abs(each.standard_errors), each.onet_soc_code, each.element_id))


def list_models(connection: Connection) -> list[ModelRecord]:
    """Return every model whose scores are kept, the active one first."""
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
    """Return what each generative model was asked."""
    spent = (func.sum(LLMReplies.input_tokens), func.sum(LLMReplies.output_tokens))
    query = select(LLMReplies.model, func.count(), *spent).group_by(LLMReplies.model).order_by(LLMReplies.model)
    return [ModelUsage(model, *map(int, counts)) for model, *counts in connection.execute(query)]
