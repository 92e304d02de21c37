"""Fixtures: a cluster of three hosts with all kinds of daemons, and what its hosts are offered."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.maintenance.ground import Ground
from tests.lab_tests.services.service_lab import Services, with_osds
from tests.lab_tests.upgrades.upgrade_lab import Upgrades
from tests.lab_tests.upgrading.upgrading_lab import LATEST, OSDS_EACH, go_back, versions

SHORT = os.environ.get("SHORT") == "1"


def two_osds_each(lab: Lab) -> None:
    """Have two OSDs on each host: they are restarted together."""
    rows = [row["hostname"] for row in lab.ceph_json("osd", "metadata") if "hostname" in row]
    for name in lab.machines:
        free = [p for p, d in lab.listed_devices()[name].items() if d["available"]]
        if rows.count(name) < OSDS_EACH:
            lab.ok("orch", "daemon", "add", "osd", f"{name}:{free[0]}")
    count = OSDS_EACH * len(lab.machines)
    wait_until(
        "two OSDs on each host", lambda: lab.ceph_json("osd", "stat")["num_up_osds"] == count, 180
    )


@pytest.fixture(scope="module")
def ground(lab: Lab) -> Iterator[Ground]:
    """Return the cluster; without files and gateways in the short form."""
    with_osds(lab)
    two_osds_each(lab)
    services = Services(lab)
    wait_until("the backend answers", services.ls, 60)
    found = Ground(services)
    found.prepare(whole=not SHORT)
    yield found
    services.close()


@pytest.fixture(scope="module")
def at_first(ground: Ground) -> Ground:
    """Return the cluster with the version that it was made with."""
    go_back(ground)
    return ground


@pytest.fixture(scope="module")
def not_latest(ground: Ground) -> Ground:
    """Return the cluster with a version that is not the latest one, and no package halfway."""
    lab = ground.lab
    if LATEST in versions(lab) or any(lab.sh(host, "dpkg --audit") for host in lab.machines):
        go_back(ground)
    return ground


@pytest.fixture
def upgrades(ground: Ground) -> Iterator[Upgrades]:
    """Return what hosts are offered; no upgrade is left under way."""
    found = Upgrades(ground.lab)
    yield found
    ground.lab.ok("orch", "upgrade", "stop")
    found.take_back()
