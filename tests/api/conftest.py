from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.api.serving import UNCHANGED, Service, serve


@pytest.fixture(scope="session")
def service(starter_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service on the starter data, all of them read."""
    with serve(tmp_path_factory.mktemp("service"), starter_database, **UNCHANGED) as running:
        running.wait_for_all_data()
        yield running


@pytest.fixture
def client(service: Service) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.url) as client:
        yield client
