"""The texts and the ratings of the occupations of O*NET 29.0."""

from __future__ import annotations

from typing import Any

import pytest

from skillgap.analysis.similarity.profiles import Profile, read_profiles
from skillgap.llm.training_data import Levels, read_levels
from skillgap.sources.text_files import OnetData


@pytest.fixture(autouse=True, scope="session")
def _texts_compared_once(texts_compared_once: None) -> None:
    """In all tests of this folder."""


@pytest.fixture
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the small model's threads from waiting for each other, busily, where other tests have the processors."""
    import xllamacpp

    make = xllamacpp.CommonParams

    def parameters() -> Any:
        made = make()
        made.cpuparams.n_threads = 1
        return made

    monkeypatch.setattr(xllamacpp, "CommonParams", parameters)
    monkeypatch.setattr("skillgap.llm.encoder._THREADS", 1)


@pytest.fixture(scope="session")
def profiles(whole_release: OnetData) -> dict[str, Profile]:
    return read_profiles(whole_release.tables)


@pytest.fixture(scope="session")
def levels(whole_release: OnetData) -> Levels:
    return read_levels(whole_release.tables)
