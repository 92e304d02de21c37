"""Fixtures: the lab's OSDs in a known state, and a constant write load."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab_tests.conftest import settle
from tests.lab_tests.lab_client import Lab
from tests.lab_tests.osds.osd_lab import Osds
from tests.lab_tests.osds.write_load import WriteLoad

POOL, PGS = "load", 32


@pytest.fixture(scope="session")
def osds_of_lab(lab: Lab) -> Iterator[Osds]:
    """Return the OSDs of a lab of three full hosts with three disks each."""
    machines = lab.machines.values()
    if min(len(machine.disks) for machine in machines) < 3 or len(machines) < 3:
        pytest.skip("needs three hosts with three disks: `tests/lab/lab up --disks 3`")
    if any(machine.image != "full" for machine in machines):
        pytest.skip("needs Ceph on all hosts")
    settle(lab)
    # No pool of the manager's own: it would lie on OSDs that are removed by force.
    lab.ok("config", "set", "mgr", "mgr_pool", "false")
    lab.ok("config", "set", "mon", "mon_allow_pool_delete", "true")
    # A short log: what moves is backfilled as in a cluster with years of data.
    for option in ("osd_min_pg_log_entries", "osd_max_pg_log_entries", "osd_pg_log_trim_min"):
        lab.ok("config", "set", "osd", option, "2")
    found = Osds(lab)
    if ".mgr" in found.door.ask("osd pool ls"):
        found.drop_pool(".mgr")
    yield found
    found.undo()
    found.close()


@pytest.fixture
def empty(osds_of_lab: Osds) -> Iterator[Osds]:
    """Return the lab without OSDs and OSD services, all disks available."""
    osds_of_lab.empty()
    yield osds_of_lab
    osds_of_lab.undo()


@pytest.fixture
def six(osds_of_lab: Osds) -> Iterator[Osds]:
    """Return the lab with two OSDs a host of the unmanaged service osd.lab, and a free disk."""
    osds_of_lab.six()
    # A manager that has not heard of the option yet makes its pool with the first OSDs.
    if ".mgr" in osds_of_lab.door.ask("osd pool ls"):
        osds_of_lab.drop_pool(".mgr")
    yield osds_of_lab
    osds_of_lab.undo()


@pytest.fixture
def load(six: Osds) -> Iterator[WriteLoad]:
    """Write into a replicated pool of size 3 all the time; nothing of it may fail or stand still.

    What no test asks is asked at the end.
    """
    six.door.ask("osd pool create", pool=POOL, pg_num=PGS, size=3, autoscale_mode="off")
    six.wait_clean(PGS)
    writing = WriteLoad(six.lab, POOL)
    try:
        yield writing
        writing.check()
    finally:
        writing.stop()
        six.drop_pool(POOL)
