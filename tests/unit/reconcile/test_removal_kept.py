"""A removal that was acknowledged is done, whatever the manager that takes over was told before."""

from __future__ import annotations

from typing import Any, Dict, List

import pytest

from adapter.interface import PlacementSpec, ServiceSpec, raise_if_exception
from adapter.reconcile.parts import OTHERS_JOBS_END
from tests.unit.reconcile.fake_cluster import Cluster

ALL = PlacementSpec(host_pattern="*")


def crashes(cluster: Cluster) -> List[str]:
    return sorted(host for host, kind, _ in cluster.daemons if kind == "crash")


def services(cluster: Cluster) -> List[str]:
    return [each.name for each in cluster.core.specs.all()]


@pytest.fixture
def taken_over(cluster: Cluster) -> Cluster:
    """Return a cluster whose manager knows what hosts had before there was a service crash.

    The daemons are in no record: a version deployed them that kept none.
    """
    old: Dict[str, Dict[str, Any]] = {h: cluster._report(h) for h in ("h1", "h2", "h3")}
    raise_if_exception(cluster.orchestrator.apply([ServiceSpec("crash", placement=ALL)]))
    cluster.settle()
    raise_if_exception(cluster.orchestrator.remove_service("crash"))
    for host, each in list(cluster.core.deployments.all()):
        cluster.core.deployments.forget(host, [each.daemon])
    cluster.start_anew()
    for host, said in old.items():
        cluster.core.reports.absorb(host, said, 1.0)
    return cluster


def test_a_kept_report_does_not_say_that_a_service_is_gone(taken_over: Cluster) -> None:
    taken_over.settle(3)
    assert services(taken_over) == ["crash"]
    assert crashes(taken_over) == ["h1", "h2", "h3"]
    taken_over.settle(int(OTHERS_JOBS_END))
    assert crashes(taken_over) == []
    assert services(taken_over) == []


def test_a_host_that_is_cut_off_keeps_the_removal(taken_over: Cluster) -> None:
    taken_over.offline("h2")
    taken_over.late.append("h2")
    taken_over.settle(int(OTHERS_JOBS_END))
    assert crashes(taken_over) == ["h2"]
    assert services(taken_over) == ["crash"]
    events = " ".join(each.message for each in taken_over.core.events.of("crash"))
    assert "waits until host h2 has said which daemons it has" in events
    assert "`ceph orch host rm h2 --offline --force`" in events
    taken_over.late.clear()
    taken_over.core.liveness.seen("h2", taken_over.now)
    taken_over.report(int(OTHERS_JOBS_END))
    assert crashes(taken_over) == []
    assert services(taken_over) == []


def test_a_job_of_the_manager_before_may_bring_one_up_late(taken_over: Cluster) -> None:
    """It is reported only after the new manager has begun."""
    taken_over.daemons = {k: v for k, v in taken_over.daemons.items() if k[1] != "crash"}
    taken_over.settle(int(OTHERS_JOBS_END / 2) - 4)
    assert services(taken_over) == ["crash"]
    taken_over.daemons["h3", "crash", "h3"] = "running"
    taken_over.settle(int(OTHERS_JOBS_END))
    assert crashes(taken_over) == []
    assert services(taken_over) == []


def test_a_host_outside_the_placement_that_cannot_have_one_is_not_waited_for(
    cluster: Cluster,
) -> None:
    placement = PlacementSpec(hosts=["h1"])
    raise_if_exception(cluster.orchestrator.apply([ServiceSpec("crash", placement=placement)]))
    cluster.settle()
    cluster.offline("h3")
    raise_if_exception(cluster.orchestrator.remove_service("crash"))
    cluster.settle(int(OTHERS_JOBS_END))
    assert services(cluster) == []
