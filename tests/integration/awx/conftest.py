"""An AWX for each test."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Iterator

import pytest

from tests.awx import fixtures
from tests.awx.store import Store


@pytest.fixture
def site(tmp_path: Path) -> Iterator[fixtures.Site]:
    yield from fixtures.site(tmp_path, tls=False)


@pytest.fixture(scope="session")
def applied_store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """What AWX keeps after ``apply``."""
    for found in fixtures.site(tmp_path_factory.mktemp("applied"), tls=False):
        found.ok("apply")
    return found.server.store


@pytest.fixture
def applied(site: fixtures.Site, applied_store: Store) -> fixtures.Site:
    """An AWX that has everything."""
    site.server.keep(copy.deepcopy(applied_store))
    return site


@pytest.fixture(scope="session")
def engine_store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """What AWX keeps after ``apply`` with an engine in an instance group."""
    for found in fixtures.site(tmp_path_factory.mktemp("made"), tls=False):
        found.server.store.add("instance_groups", {"name": fixtures.GROUP})
        found.write(engine=True, instance_group=fixtures.GROUP)
        found.ok("apply")
    return found.server.store
