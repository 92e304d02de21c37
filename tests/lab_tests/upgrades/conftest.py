"""Fixtures: hosts that are offered no later version of Ceph when a test begins."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab_tests.lab_client import Lab
from tests.lab_tests.upgrades.upgrade_lab import Upgrades


@pytest.fixture
def upgrades(ready: Lab) -> Iterator[Upgrades]:
    """Return the lab; what a host was offered and what was held is taken back at the end."""
    found = Upgrades(ready)
    found.take_back()
    yield found
    found.take_back()
