"""The levels that the starter data carry for occupations which analysts have not rated; made by `make predictions`."""

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
    """What one model said, as rows of the store's tables."""

    model: Mapping[str, Any]
    scores: Sequence[Mapping[str, Any]]
    abstentions: Sequence[Mapping[str, Any]]
    scored_at: datetime


def read_predictions(folder: Path = STARTER) -> PredictedLevels:
    """Return the predictions of a folder: predictions.csv, and predictions.json, which holds the rest."""
    known = json.loads((folder / "predictions.json").read_text())
    key = {name: known["model"][name] for name in ("model", "prompt_version")}
    with (folder / "predictions.csv").open(newline="") as lines:
        scores = [
            {
                **line,
                **{name: float(line[name]) for name in _NUMBERS},
                **key,
                "scale_id": "LV",
                "data_version": known["data_version"],
                "reply": None,
            }
            for line in csv.DictReader(lines)
        ]
    abstentions = [
        {"onet_soc_code": code, "reason": reason, **key}
        for reason, codes in known["abstentions"].items()
        for code in codes
    ]
    return PredictedLevels(known["model"], scores, abstentions, datetime.fromisoformat(known["scored_at"]))


def write_predictions(predicted: PredictedLevels, *, data_version: str, folder: Path = STARTER) -> None:
    """Write what `read_predictions` reads, in the order of the keys."""
    codes_by_reason: dict[str, list[str]] = {}
    for row in sorted(predicted.abstentions, key=lambda row: str(row["onet_soc_code"])):
        codes_by_reason.setdefault(row["reason"], []).append(row["onet_soc_code"])
    known = {
        "model": dict(predicted.model),
        "data_version": data_version,
        "scored_at": f"{predicted.scored_at:%Y-%m-%d}",
        "abstentions": codes_by_reason,
    }
    (folder / "predictions.json").write_text(json.dumps(known, indent=2, ensure_ascii=False) + "\n")
    with (folder / "predictions.csv").open("w", newline="") as lines:
        writer = csv.DictWriter(lines, _COLUMNS, extrasaction="ignore", lineterminator="\n")  # noqa: TID251 - read back here
        writer.writeheader()
        writer.writerows(sorted(predicted.scores, key=lambda row: (row["onet_soc_code"], row["element_id"])))
