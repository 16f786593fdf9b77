"""What O*NET 29.0 tells of its occupations, besides their ratings and by them."""

from __future__ import annotations

import pytest

from skillgap.analysis.profiles import Profile, read_profiles
from skillgap.llm.evidence import Levels, read_levels
from skillgap.sources.onet_text import OnetData


@pytest.fixture(autouse=True, scope="session")
def _texts_compared_once(texts_compared_once: None) -> None:
    """In all tests of this folder."""


@pytest.fixture(scope="session")
def profiles(whole_release: OnetData) -> dict[str, Profile]:
    return read_profiles(whole_release.tables)


@pytest.fixture(scope="session")
def levels(whole_release: OnetData) -> Levels:
    return read_levels(whole_release.tables)
