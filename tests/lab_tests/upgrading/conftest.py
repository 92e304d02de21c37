"""Fixtures: a cluster of three hosts with all kinds of daemons, and what its hosts are offered."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.maintenance.ground import Ground
from tests.lab_tests.services.service_lab import Services, with_osds
from tests.lab_tests.upgrades.upgrade_lab import Upgrades

SHORT = os.environ.get("SHORT") == "1"


@pytest.fixture(scope="module")
def ground(lab: Lab) -> Iterator[Ground]:
    """Return the cluster; without files and gateways in the short form."""
    with_osds(lab)
    services = Services(lab)
    wait_until("the backend answers", services.ls, 60)
    found = Ground(services)
    found.prepare(whole=not SHORT)
    yield found
    services.close()


@pytest.fixture
def upgrades(ground: Ground) -> Iterator[Upgrades]:
    """Return what hosts are offered; no upgrade is left under way."""
    found = Upgrades(ground.lab)
    yield found
    ground.lab.ok("orch", "upgrade", "stop")
    found.take_back()
