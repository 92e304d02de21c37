"""Fixtures: hosts whose kernel settings are as before when a test begins, and when it has ended."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab_tests.lab_client import Lab
from tests.lab_tests.tuned.tuned_lab import Tuned


@pytest.fixture
def tuned(cluster: Lab) -> Iterator[Tuned]:
    """Return the lab without profiles; everything of them is gone when a test has ended."""
    found = Tuned(cluster)
    found.remove_all()
    before = {host: found.values(host) for host in cluster.hosts()}
    yield found
    found.remove_all()
    assert {host: found.values(host) for host in cluster.hosts()} == before
