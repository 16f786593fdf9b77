"""Read levels from replies."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import BaseModel, BeforeValidator, Field, StringConstraints, TypeAdapter, ValidationError

from skillgap.analysis.similarity.profiles import Profile
from skillgap.llm.generative.reply_json import find_by_id
from skillgap.llm.training_data import Skill

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelResponse

_HIGHEST_DIGIT = 7
_DIGITS = tuple(str(digit) for digit in range(_HIGHEST_DIGIT + 1))


@dataclass(frozen=True)
class RawLevel:
    """A level as the model gave it, before calibration."""

    onet_soc_code: str
    element_id: str
    level: float
    explanation: str
    reply: str
    """The part of the reply about this skill."""


def _reject_boolean(value: object) -> object:
    if isinstance(value, bool):  # it would count as 0 or 1
        raise ValueError("Input should be a valid number")  # noqa: TRY004 - pydantic reports ValueError alone
    return value


class _Level(BaseModel):
    level: Annotated[float, Field(ge=0, le=_HIGHEST_DIGIT, allow_inf_nan=False), BeforeValidator(_reject_boolean)]
    """A number, or a number as text: "4.5"."""
    explanation: Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]


_LEVELS = TypeAdapter(dict[str, _Level])


def read_levels_reply(text: str, profile: Profile, skills: Sequence[Skill]) -> list[RawLevel]:
    """Return the levels in a JSON reply and ignore any text around the JSON. Raises ValueError with the reason."""
    try:
        levels = _LEVELS.validate_python(find_by_id(text, {skill.element_id: skill.name for skill in skills}))
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, item['loc'])) or 'the reply'}: {item['msg']}" for item in error.errors()[:3]]
        raise ValueError("; ".join(wrong)) from None
    if missing := [skill.element_id for skill in skills if skill.element_id not in levels]:
        raise ValueError(f"no level of {', '.join(missing)}")
    return [
        RawLevel(
            onet_soc_code=profile.onet_soc_code,
            element_id=skill.element_id,
            level=levels[skill.element_id].level,
            explanation=levels[skill.element_id].explanation,
            reply=json.dumps({skill.element_id: levels[skill.element_id].model_dump()}, ensure_ascii=False),
        )
        for skill in skills
    ]


def read_digit_reply(text: str, profile: Profile, skill: Skill) -> list[RawLevel]:
    """Return the level in a one-digit reply: the expected value over the digits if their probabilities are known.

    Raises ValueError with the reason.
    """
    reply = json.loads(text)
    probabilities = {token: np.exp(logarithm) for token, logarithm in reply["digits"].items()}
    if probabilities:
        total = sum(probabilities.values())
        level = sum(int(digit) * probability for digit, probability in probabilities.items()) / total
        explanation = f"expected value over the digits, which have {total:.0%} of the chance"
    elif reply["text"].strip() in _DIGITS:
        level, explanation = float(reply["text"]), "the digit in the reply"
    else:
        raise ValueError(f"not one digit from 0 to {_HIGHEST_DIGIT}: {reply['text'][:60]!r}")
    return [
        RawLevel(
            onet_soc_code=profile.onet_soc_code,
            element_id=skill.element_id,
            level=float(level),
            explanation=explanation,
            reply=text,
        )
    ]


def digit_reply(response: ModelResponse) -> str:
    """Return a response as JSON: its text, and the log-probability of each digit among the top first tokens."""
    [first, *_] = (response.provider_details or {}).get("logprobs") or [{}]
    digits = {
        top["token"].strip(): top["logprob"]
        for top in reversed(first.get("top_logprobs") or [])  # of `4` and ` 4`, the likelier one wins
        if top["token"].strip() in _DIGITS
    }
    return json.dumps({"text": response.text or "", "digits": digits})


def encodable(text: str) -> str:
    """Join the surrogate pairs of a text and replace lone surrogates, which UTF-8 cannot encode, with U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
