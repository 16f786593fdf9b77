"""The public face of the package."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

import skillgap

TOP = Path(__file__).parents[1]


def test_every_public_name_is_there_and_documented():
    for name in skillgap.__all__:
        assert getattr(skillgap, name).__doc__


def test_public_names_are_listed():
    assert dir(skillgap) == sorted(skillgap.__all__)


def test_another_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'skillgap' has no attribute 'nonsense'"):
        _ = skillgap.nonsense


def test_the_version_is_the_projects():
    assert skillgap.__version__ == tomllib.loads((TOP / "pyproject.toml").read_text())["project"]["version"]


@pytest.mark.slow
def test_a_gap_from_functions_as_the_python_page_shows(starter_database: str):
    engine = skillgap.make_engine(starter_database)
    with engine.connect() as connection:
        ratings = skillgap.get_ratings(connection)
    engine.dispose()
    report = skillgap.identify_skill_gap("29-1141.00", "11-9111.00", ratings)
    assert report.skill_gaps[0].element_name == "Operations Analysis"
