"""A job that waits and takes the id of a destroyed OSD asks the monitors again before it begins."""

from __future__ import annotations

from typing import Any, List

import pytest

from adapter.interface import raise_if_exception
from tests.unit.reconcile.fake_cluster import Cluster, device_on
from tests.unit.reconcile.removals import remove


def jobs(cluster: Cluster) -> List[Any]:
    """Return the jobs that make OSDs, the oldest first."""
    found = [each for each in cluster.engine.jobs() if each.request.operation == "create_osds"]
    return found[::-1]


@pytest.fixture
def destroyed(full: Cluster) -> Cluster:
    """Return a cluster where osd.3 of h2 is destroyed and waits for a disk."""
    remove(full, "3", replace=True, zap=True)
    full.settle()
    full.monitors.osds[1].pgs = full.monitors.pg_num = 3
    full.engine.held.add("h2")
    return full


def by_drive_group(cluster: Cluster) -> None:
    cluster.free["h2"].append("/dev/sdn")
    cluster.core.submit("get_inventory", cluster.core.hosts.all())
    cluster.settle(3)


def by_hand(cluster: Cluster) -> None:
    path = cluster.free["h2"][0]
    raise_if_exception(cluster.orchestrator.create_osds(device_on("h2", path)))


def go_on(cluster: Cluster, rounds: int = 12) -> None:
    """Let the job's turn come before anything else is looked at, then all else happen."""
    cluster.engine.held.clear()
    cluster.engine.poll()
    cluster.settle(rounds)


@pytest.mark.parametrize("act", [by_drive_group, by_hand])
def test_it_is_not_taken_that_placement_groups_have_come_to_wait_for(
    destroyed: Cluster, act: Any
) -> None:
    """With the id they went on without the data that only the destroyed OSD's disk has."""
    act(destroyed)
    (*_, job) = jobs(destroyed)
    assert job.status.value == "queued"
    destroyed.monitors.states = "down"
    go_on(destroyed)
    assert destroyed.monitors.osds[3].destroyed
    assert "may wait for a destroyed OSD" in destroyed.engine.completion(job.id).message
    destroyed.monitors.states = "active+clean"
    destroyed.report(20)
    assert not destroyed.monitors.osds[3].destroyed


def test_a_disk_that_was_named_does_not_take_an_id_that_somebody_has(destroyed: Cluster) -> None:
    """Whoever named it is told; what else is to be made on its host is made."""
    path = destroyed.free["h2"][0]
    raise_if_exception(destroyed.orchestrator.set_unmanaged("osd.all", True))
    destroyed.free["h2"].append("/dev/sdn")
    destroyed.report(2)
    for each in (path, "/dev/sdn"):
        raise_if_exception(destroyed.orchestrator.create_osds(device_on("h2", each)))
    destroyed.monitors.osds[3].destroyed = False
    go_on(destroyed)
    destroyed.report(15)
    assert destroyed.core.intents.all() == []
    made = {osd.disk: osd_id for osd_id, osd in destroyed.monitors.osds.items() if osd.host == "h2"}
    assert made["/dev/sdn"] == 6
    text = "\n".join(map(str, destroyed.core.events.of("osd.all")))
    assert f"h2: no OSD is made on {path}: osd.3 is no destroyed OSD any more" in text
