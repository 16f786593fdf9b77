"""Pivot long rating rows to arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import compress, repeat
from typing import Any

import numpy as np
import numpy.typing as npt

from skillgap.analysis.arrays import NO_MONTH, BoolArray, FloatArray, IntArray

RATING_COLUMNS = (
    "onet_soc_code",
    "element_id",
    "scale_id",
    "element_name",
    "data_value",
    "n",
    "standard_error",
    "recommend_suppress",
    "not_relevant",
    "date_updated",
)
"""Columns of analysts' ratings that `Ratings.from_frame` requires."""


def columns_of(frame: Any, names: Sequence[str] = RATING_COLUMNS) -> dict[str, Sequence[Any]]:
    """Return columns of a DataFrame or of a mapping of columns as lists, with None for missing values."""
    return {name: _with_none(frame[name]) for name in names}


def _with_none(column: Any) -> list[Any]:
    if hasattr(column, "isna"):  # a pandas column; the analysis does not import pandas
        column = column.astype(object).where(column.notna(), None)
    return [None if value is None or value != value else value for value in column]


class Pivot:
    """Rating rows as arrays (occupations with levels, elements), one per field and scale.

    `columns` need at least onet_soc_code, element_id, scale_id and data_value, with None for missing values.
    """

    def __init__(self, columns: Mapping[str, Sequence[Any]]) -> None:
        self._columns = columns
        self._numbers: dict[str, tuple[list[Any], IntArray]] = {}
        self._of_scale: dict[str, BoolArray] = {
            scale: self._mapped("scale_id", {scale: True}, np.bool_, False) for scale in ("LV", "IM")
        }
        has_level = self._of_scale["LV"] & ~np.isnan(self._numeric("data_value"))
        codes, number = self._numbered("onet_soc_code")
        self.codes = tuple(sorted(codes[i] for i in np.unique(number[has_level])))
        self._row = self._mapped("onet_soc_code", {code: i for i, code in enumerate(self.codes)}, np.intp, -1)
        is_wanted = (self._row >= 0) & (self._of_scale["LV"] | self._of_scale["IM"])
        self.element_ids = tuple(sorted(set(compress(columns["element_id"], is_wanted))))
        self._column = self._mapped(
            "element_id", {element_id: k for k, element_id in enumerate(self.element_ids)}, np.intp, -1
        )
        self._is_wanted = is_wanted

    def arrays(self) -> dict[str, Any]:
        """Return the fields of Ratings that come from these rows."""
        names = self._element_names()
        sources = sorted(self._numbered("source")[0]) if "source" in self._columns else ["text"]
        data_value = self.numbers("LV", "data_value")
        unknown = np.full_like(data_value, np.nan)
        return {
            "codes": self.codes,
            "element_ids": self.element_ids,
            "element_names": tuple(names[element_id] for element_id in self.element_ids),
            "sources": tuple(sources),
            "data_value": data_value,
            "standard_error": self.numbers("LV", "standard_error"),
            "n": self.counts("LV", "n"),
            "importance": self.numbers("IM", "data_value"),
            "importance_standard_error": self.numbers("IM", "standard_error"),
            "importance_n": self.counts("IM", "n"),
            "not_relevant": self._array("LV", "not_relevant", np.bool_, False, "Y".__eq__),
            "recommend_suppress": self._array("LV", "recommend_suppress", np.bool_, False, "Y".__eq__),
            "month": self._array("LV", "date_updated", np.int32, NO_MONTH, lambda day: 12 * day.year + day.month - 1),
            "source": (
                self._array("LV", "source", np.int8, 0, sources.index)
                if "source" in self._columns
                else np.zeros(data_value.shape, dtype=np.int8)
            ),
            "lower": self.numbers("LV", "lower") if "lower" in self._columns else unknown,
            "upper": self.numbers("LV", "upper") if "upper" in self._columns else unknown,
        }

    def numbers(self, scale_id: str, field: str) -> FloatArray:
        """Return a field of a scale, NaN where missing."""
        return self._array(scale_id, field, np.float64, np.nan)

    def counts(self, scale_id: str, field: str) -> npt.NDArray[np.int32]:
        """Return an integer field of a scale, 0 where missing."""
        return self._array(scale_id, field, np.int32, 0)

    def texts(self, field: str) -> dict[tuple[str, str], str]:
        """Return the texts of a field by code and element id."""
        keys = zip(self._columns["onet_soc_code"], self._columns["element_id"], strict=True)
        return {key: text for key, text in zip(keys, self._columns[field], strict=True) if text}

    def _element_names(self) -> dict[str, str]:
        """Return the name of each element; where sources differ, that of the text release."""
        source = self._columns.get("source") or repeat("text")
        rows = zip(self._columns["element_id"], source, self._columns["element_name"], strict=False)
        return {element_id: name for element_id, _, name in sorted(set(compress(rows, self._is_wanted)))}

    def _array(
        self,
        scale_id: str,
        field: str,
        dtype: type[np.generic],
        missing: Any,
        value_of: Callable[[Any], Any] | None = None,
    ) -> np.ndarray[Any, Any]:
        """Return a field of a scale, with `missing` for null values and absent rows."""
        is_wanted = self._of_scale[scale_id] & (self._row >= 0)
        out = np.full((len(self.codes), len(self.element_ids)), missing, dtype=dtype)
        if value_of is None:
            values = self._numeric(field)
            values[np.isnan(values)] = missing
        else:
            mapped = {value: value_of(value) for value in self._numbered(field)[0] if value is not None}
            values = self._mapped(field, mapped, dtype, missing)
        out[self._row[is_wanted], self._column[is_wanted]] = values[is_wanted]
        return out

    def _numeric(self, field: str) -> FloatArray:
        """Return the numbers of a field, NaN where missing."""
        return np.array(self._columns[field], dtype=np.float64)

    def _mapped(
        self, field: str, values: Mapping[Any, Any], dtype: type[np.generic], otherwise: Any
    ) -> np.ndarray[Any, Any]:
        distinct, number = self._numbered(field)
        mapped: np.ndarray[Any, Any] = np.array([values.get(value, otherwise) for value in distinct], dtype)[number]
        return mapped

    def _numbered(self, field: str) -> tuple[list[Any], IntArray]:
        """Return the few distinct values of a field, and the index of each row's value among them."""
        if field not in self._numbers:
            places = {value: place for place, value in enumerate(dict.fromkeys(self._columns[field]))}
            number = np.fromiter(map(places.__getitem__, self._columns[field]), np.intp, len(self._columns[field]))
            self._numbers[field] = list(places), number
        return self._numbers[field]
