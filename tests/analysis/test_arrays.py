"""Rows built from columns by field name, and arrays as Python values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from skillgap.analysis.arrays import python_numbers, rows_by_name


@dataclass
class Rated:
    """Two fields of one type: a type checker cannot see them swapped."""

    level: float
    importance: float


def test_each_column_goes_to_the_field_of_its_name_in_any_order():
    expected = [Rated(level=1.0, importance=4.0), Rated(level=2.0, importance=5.0)]
    assert rows_by_name(Rated, level=[1.0, 2.0], importance=[4.0, 5.0]) == expected
    assert rows_by_name(Rated, importance=[4.0, 5.0], level=[1.0, 2.0]) == expected


@pytest.mark.parametrize(
    ("columns", "names"),
    [
        ({"level": [1.0]}, "importance"),
        ({"level": [1.0], "importance": [4.0], "n": [8]}, "n"),
        ({"level": [1.0], "importence": [4.0]}, "importance', 'importence"),
    ],
)
def test_a_missing_or_unknown_column_is_an_error(columns: dict[str, list[float]], names: str):
    with pytest.raises(TypeError, match=rf"columns \['{names}'\] differ from the fields of Rated"):
        rows_by_name(Rated, **columns)


def test_missing_numbers_are_none_as_python_values():
    assert python_numbers(np.array([[1.5, np.nan], [2.0, 3.0]])) == [[1.5, None], [2.0, 3.0]]
    assert python_numbers(np.array([1.5])) == [1.5]
