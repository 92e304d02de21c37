"""Fixtures for the tests of the command."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli.door import Door
from tests.unit.cli.managers_ceph import ManagersCeph
from tests.unit.cli.monitors_door import MonitorsCeph
from tests.unit.reconcile.fake_cluster import Cluster
from tests.unit.reconcile.fake_crush import Daemon


@pytest.fixture
def door(tmp_path: Path) -> Door:
    """Return the command on an empty directory, with an engine that answers at once."""
    return Door(tmp_path)


@pytest.fixture
def cluster(door: Door) -> ManagersCeph:
    """Return the managers that ``door`` asks."""
    found = ManagersCeph()
    door.ceph = found
    return found


@pytest.fixture
def three(door: Door) -> Door:
    """Return the command on a directory with the hosts h1, h2, h10."""
    for number in (1, 2, 10):
        door.run("host", "add", f"h{number}", f"10.0.0.{number}", "--labels", "osd")
    door.requests.clear()
    return door


@pytest.fixture
def osds() -> Cluster:
    """Return two hosts with an OSD each, osd.0 on h1 and osd.1 on h2, and no free disk."""
    made = Cluster(hosts=2, disks=1)
    for osd_id, host in enumerate(("h1", "h2")):
        made.free[host] = []
        made.monitors.osds[osd_id] = Daemon(host, "/dev/sdb", f"uuid-{osd_id}")
    made.monitors.log.clear()
    return made


@pytest.fixture
def kept(tmp_path: Path, osds: Cluster) -> Door:
    """Return the command on a directory with these hosts, without a manager's backend."""
    door = Door(tmp_path, answer=osds._answer, ceph=MonitorsCeph(osds.monitors))
    for host in ("h1", "h2"):
        door.run("host", "add", host, f"10.0.0.{host[1:]}")
    door.requests.clear()
    return door
