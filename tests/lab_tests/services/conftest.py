"""Fixtures: a cluster with OSDs, and the services of the tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab_tests.conftest import settle
from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.services.service_lab import Services
from tests.lab_tests.services.sudo_user import let_in, let_out


@pytest.fixture(scope="session")
def cluster(lab: Lab) -> Lab:
    """Return three full hosts with at least one OSD each, and pools of two copies."""
    if any(machine.image != "full" for machine in lab.machines.values()) or len(lab.machines) < 3:
        pytest.skip("needs three hosts with Ceph")
    settle(lab)
    up = {row["hostname"] for row in lab.ceph_json("osd", "metadata") if "hostname" in row}
    for name, _machine in lab.machines.items():
        if name not in up:
            free = [p for p, d in lab.listed_devices()[name].items() if d["available"]]
            assert free, f"{name} has no free disk"
            lab.ok("orch", "daemon", "add", "osd", f"{name}:{free[0]}")
    wait_until(
        "an OSD on each host",
        lambda: len({r.get("hostname") for r in lab.ceph_json("osd", "metadata")} - {None}) == 3,
        180,
    )
    for section, option, value in (
        ("global", "osd_pool_default_size", "2"),
        ("global", "osd_pool_default_pg_num", "8"),
        ("mon", "mon_allow_pool_delete", "true"),
    ):
        lab.ok("config", "set", section, option, value)
    return lab


@pytest.fixture(scope="module")
def services(cluster: Lab) -> Iterator[Services]:
    """Return the services of the lab."""
    found = Services(cluster)
    wait_until("the backend answers", found.ls, 60)
    yield found
    found.close()


@pytest.fixture(scope="module")
def as_user(services: Services) -> Iterator[Services]:
    """Return the services of a lab whose hosts let only a user with sudo in."""
    let_in(services)
    yield services
    let_out(services)
