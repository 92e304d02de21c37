"""Fixtures: two OSDs a host, a pool of two copies under a write load, daemons on each host."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab_tests.lab_client import wait_until
from tests.lab_tests.osds.conftest import osds_of_lab as osds_of_lab
from tests.lab_tests.osds.conftest import six as six
from tests.lab_tests.osds.osd_lab import STEP_SECONDS, Osds
from tests.lab_tests.osds.write_load import WriteLoad

POOL, PGS = "load", 32
HOST = "h3"


@pytest.fixture
def hosts(six: Osds) -> Iterator[Osds]:
    """Return the lab with two OSDs a host, and the service crash on all hosts."""
    six.lab.ok("orch", "apply", "crash")
    wait_until("crash runs on all hosts", lambda: crash_hosts(six) == {"h1", "h2", "h3"}, 120)
    yield six
    leave(six)


@pytest.fixture
def load(hosts: Osds) -> Iterator[WriteLoad]:
    """Write into a pool of size 2 all the time; nothing of it may fail or stand still."""
    hosts.door.ask("osd pool create", pool=POOL, pg_num=PGS, size=2, autoscale_mode="off")
    hosts.wait_clean()
    writing = WriteLoad(hosts.lab, POOL)
    try:
        yield writing
        writing.check()
    finally:
        writing.stop()
        hosts.drop_pool(POOL)


def crash_hosts(osds: Osds) -> set[str]:
    """Return the hosts on which crash runs."""
    rows = osds.lab.ceph_json("orch", "ps", "--daemon-type", "crash")
    return {row["hostname"] for row in rows if row["status_desc"] == "running"}


def leave(osds: Osds) -> None:
    """Stop drains, and have all hosts as they were."""
    lab = osds.lab
    for flag in ("nobackfill", "norecover"):
        osds.door.ask("osd unset", key=flag)
    known = lab.listed_hosts()
    for name, machine in lab.machines.items():
        if name not in known:
            lab.ok("orch", "host", "add", name, machine.addr)
        elif known[name]["status"] in ("draining", "drained"):
            lab.ok("orch", "host", "drain", "stop", name)
    lab.ceph("orch", "rm", "crash")
    wait_until("nothing is being removed", lambda: not osds.queue(), STEP_SECONDS)
