"""Predicted levels that come with the starter data, for occupations without ratings. See `make predictions`."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

STARTER = Path(__file__).parent / "starter"
_NUMBERS = ("level", "uncertainty", "lower_ci_bound", "upper_ci_bound")
_COLUMNS = ("onet_soc_code", "element_id", *_NUMBERS, "explanation")


@dataclass(frozen=True)
class PredictedLevels:
    """Predictions of one model, as rows of the database tables."""

    model: Mapping[str, Any]
    scores: Sequence[Mapping[str, Any]]
    abstentions: Sequence[Mapping[str, Any]]
    scored_at: datetime


def read_predictions(folder: Path = STARTER) -> PredictedLevels:
    """Return the predictions in a folder: levels from predictions.csv, all else from predictions.json."""
    stored = json.loads((folder / "predictions.json").read_text())
    key = {name: stored["model"][name] for name in ("model", "prompt_version")}
    with (folder / "predictions.csv").open(newline="") as lines:
        scores = [
            {
                **line,
                **{name: float(line[name]) for name in _NUMBERS},
                **key,
                "scale_id": "LV",
                "data_version": stored["data_version"],
                "reply": None,
            }
            for line in csv.DictReader(lines)
        ]
    abstentions = [
        {"onet_soc_code": code, "reason": reason, **key}
        for reason, codes in stored["abstentions"].items()
        for code in codes
    ]
    return PredictedLevels(stored["model"], scores, abstentions, datetime.fromisoformat(stored["scored_at"]))


def write_predictions(predicted: PredictedLevels, *, data_version: str, folder: Path = STARTER) -> None:
    """Write predictions in the form that `read_predictions` reads, sorted by key."""
    codes_by_reason: dict[str, list[str]] = {}
    for row in sorted(predicted.abstentions, key=lambda row: str(row["onet_soc_code"])):
        codes_by_reason.setdefault(row["reason"], []).append(row["onet_soc_code"])
    stored = {
        "model": dict(predicted.model),
        "data_version": data_version,
        "scored_at": f"{predicted.scored_at:%Y-%m-%d}",
        "abstentions": codes_by_reason,
    }
    (folder / "predictions.json").write_text(json.dumps(stored, indent=2, ensure_ascii=False) + "\n")
    with (folder / "predictions.csv").open("w", newline="") as lines:
        writer = csv.DictWriter(lines, _COLUMNS, extrasaction="ignore", lineterminator="\n")  # noqa: TID251 - read back here
        writer.writeheader()
        writer.writerows(sorted(predicted.scores, key=lambda row: (row["onet_soc_code"], row["element_id"])))
