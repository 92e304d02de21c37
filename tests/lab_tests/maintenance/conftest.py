"""Fixtures: a cluster whose hosts can each be missed."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.maintenance.ground import Ground
from tests.lab_tests.services.service_lab import Services, with_osds

SHORT = os.environ.get("SHORT") == "1"


@pytest.fixture(scope="module")
def ground(lab: Lab) -> Iterator[Ground]:
    """Return three hosts with monitors, managers and OSDs; all else too but in the short form."""
    if len(lab.machines) < 3:
        pytest.skip("needs three hosts")
    with_osds(lab)
    services = Services(lab)
    wait_until("the backend answers", services.ls, 60)
    found = Ground(services)
    found.prepare(whole=not SHORT)
    yield found
    services.close()
