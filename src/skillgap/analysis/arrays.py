"""Shared array types, and conversion of arrays to Python values."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import fields
from functools import lru_cache
from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]

NO_MONTH = int(np.iinfo(np.int32).min)
"""Placeholder for a missing month."""


def python_numbers(values: FloatArray) -> list[Any]:
    """Return the array as (nested) lists of Python numbers, None for NaN."""
    numbers: list[Any] = values.tolist()
    if np.isnan(values).any():
        as_objects = values.astype(object)
        as_objects[np.isnan(values)] = None
        numbers = as_objects.tolist()
    return numbers


Row = TypeVar("Row")


def rows_by_name(row_type: type[Row], **columns: Iterable[Any]) -> list[Row]:
    """Build one dataclass object per row from columns passed by field name.

    Raises TypeError if a field has no column or a column has no field.
    """
    names = _field_names(cast(Hashable, row_type))
    if columns.keys() != set(names):
        raise TypeError(f"columns {sorted(columns.keys() ^ set(names))} differ from the fields of {row_type.__name__}")
    return list(map(row_type, *map(columns.__getitem__, names)))


@lru_cache
def _field_names(row_type: Hashable) -> tuple[str, ...]:
    row: Any = row_type
    return tuple(field.name for field in fields(row))
