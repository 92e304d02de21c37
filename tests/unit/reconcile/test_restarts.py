"""Restarts of services beside other restarts, and after another manager has begun them."""

from __future__ import annotations

import time
from typing import List

import pytest

from adapter.cluster.service_actions import ServiceAction
from adapter.interface import PlacementSpec, ServiceSpec, raise_if_exception
from adapter.interface.times import datetime_now
from adapter.reconcile.parts import OTHERS_JOBS_END
from tests.unit.reconcile.fake_cluster import Cluster


def restarted(cluster: Cluster) -> List[str]:
    """Return the units that were told to restart, in order."""
    return [
        unit
        for request in cluster.engine.requests
        if request.operation == "service_action"
        for units in request.variables["daemon_action_units"].values()
        for unit in units
    ]


@pytest.fixture
def left_behind(cluster: Cluster) -> Cluster:
    """Return a cluster whose manager ended while a job restarted the first of three monitors."""
    spec = ServiceSpec("mon", placement=PlacementSpec(hosts=["h1", "h2", "h3"]))
    raise_if_exception(cluster.orchestrator.apply([spec]))
    cluster.settle(20)
    action = ServiceAction("mon", "restart", ("mon.h2", "mon.h3"), ("mon.h1",), asked=time.time())
    cluster.core.actions.save(action)
    cluster.start_anew()
    return cluster


def look(cluster: Cluster, seconds: float) -> None:
    """Let time go by in which no job ends."""
    for _ in range(int(seconds / 2)):
        cluster.now += 2.0
        cluster.orchestrator.reconciler.step(cluster.now)


def test_a_job_of_the_manager_before_is_waited_for(left_behind: Cluster) -> None:
    """The monitor is in the quorum because the job has not come to it yet."""
    parameters = {"action": "restart", "units": {"h1": ["mon@h1"]}}
    left_behind.core.submit(
        "service_action", [left_behind.core.hosts.get("h1")], parameters=parameters
    )
    look(left_behind, OTHERS_JOBS_END + 10)
    assert restarted(left_behind) == ["mon@h1"]
    (action,) = left_behind.core.actions.all()
    assert action.reason.startswith("waiting for job ")

    left_behind.settle(20)
    assert restarted(left_behind) == ["mon@h1", "mon@h2", "mon@h3"]
    assert left_behind.core.actions.all() == []


def test_a_job_of_a_manager_on_another_host_has_time_to_end(left_behind: Cluster) -> None:
    look(left_behind, OTHERS_JOBS_END - 5)
    assert restarted(left_behind) == []
    left_behind.said["h1", "mon", "h1"] = {"started": datetime_now().isoformat()}
    left_behind.report(20)
    assert restarted(left_behind) == ["mon@h2", "mon@h3"]


def test_whom_no_job_has_come_to_is_told_again(left_behind: Cluster) -> None:
    """The manager before ended with its job in the queue; the monitor is in the quorum."""
    left_behind.settle(40)
    assert restarted(left_behind) == ["mon@h1", "mon@h2", "mon@h3"]
    assert left_behind.core.actions.all() == []


@pytest.mark.parametrize("kind", ["mds", "crash"])
def test_of_every_kind(cluster: Cluster, kind: str) -> None:
    """Seen on hosts: `restart: done`, and neither was ever restarted."""
    spec = ServiceSpec(kind, "x" if kind == "mds" else None, placement=PlacementSpec(hosts=["h1"]))
    raise_if_exception(cluster.orchestrator.apply([spec]))
    cluster.settle(20)
    ((_, _, name),) = [key for key in cluster.daemons if key[1] == kind]
    action = ServiceAction(spec.service_name(), "restart", (), (f"{kind}.{name}",), time.time())
    cluster.core.actions.save(action)
    cluster.start_anew()
    look(cluster, OTHERS_JOBS_END + 4)
    cluster.settle(20)
    assert restarted(cluster) == [f"{kind}@{name}"]
    assert cluster.core.actions.all() == []


def test_two_services_of_osds_are_not_restarted_beside_each_other(full: Cluster) -> None:
    """What is being restarted still counts as up in the statistics."""
    full.monitors.stale = True
    full.core.actions.save(ServiceAction("osd.a", "restart", ("osd.0",)))
    full.core.actions.save(ServiceAction("osd.b", "restart", ("osd.4",)))
    full.now += 2.0
    full.orchestrator.reconciler.step(full.now)
    assert restarted(full) == ["ceph-osd@0.service"]
    full.settle(20)
    assert restarted(full) == ["ceph-osd@0.service", "ceph-osd@4.service"]
    assert full.core.actions.all() == []
