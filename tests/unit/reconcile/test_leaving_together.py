"""What several services have on a host that is emptied leaves it in one job."""

from __future__ import annotations

import time
from typing import Any, List

import pytest

from adapter.interface import (
    MDSSpec,
    PlacementSpec,
    RGWSpec,
    ServiceSpec,
    raise_if_exception,
)
from tests.unit.reconcile.drains import drain
from tests.unit.reconcile.fake_cluster import Cluster

EVERYWHERE = PlacementSpec(host_pattern="*")


@pytest.fixture
def several(whole: Cluster) -> Cluster:
    """Return a cluster with a monitor and a crash collector of a service on each host."""
    specs = [ServiceSpec(kind, placement=EVERYWHERE) for kind in ("mon", "crash")]
    raise_if_exception(whole.orchestrator.apply(specs))
    whole.settle()
    whole.requests.clear()
    return whole


def removals(cluster: Cluster) -> List[List[str]]:
    """Return the names of the daemons that each job removes."""
    return [
        sorted(f"{row['daemon_type']}.{row['daemon_id']}" for rows in each for row in rows)
        for request in cluster.requests
        if request.operation == "remove_daemons"
        for each in [request.variables["daemon_remove_daemons"].values()]
    ]


def after_pauses(cluster: Cluster) -> None:
    # Failures are noted with the machine's own clock.
    cluster.now = max(cluster.now, time.monotonic()) + 700
    cluster.report(30)


def on(cluster: Cluster, host: str, *kinds: str) -> List[Any]:
    return [key for key in cluster.daemons if key[0] == host and key[1] in kinds]


def said_of(cluster: Cluster, service: str) -> List[str]:
    return [each.message for each in cluster.core.events.of(service)]


def test_what_is_on_a_host_that_is_emptied_leaves_in_one_job(several: Cluster) -> None:
    drain(several)
    several.settle(4)
    assert removals(several) == [["crash.h3", "mon.h3"]]
    assert on(several, "h3", "mon", "crash") == []
    assert several.monitors.log.count("mon rm h3") <= 1
    assert said_of(several, "mon")[-1] == "removed mon.h3"
    assert said_of(several, "crash")[-1] == "removed crash.h3"
    several.settle(20)
    assert len(removals(several)) == 1
    assert several.store.items("unused_key") == several.store.items("removed_mon") == {}


def test_what_failed_together_is_tried_apart(several: Cluster) -> None:
    several.break_on["remove_daemons"] = {"h3": "/srv is mounted below it"}
    drain(several)
    several.settle(4)
    assert removals(several)[0] == ["crash.h3", "mon.h3"]
    several.break_on.clear()
    after_pauses(several)
    assert removals(several)[1:] == [["crash.h3"], ["mon.h3"]]
    assert on(several, "h3", "mon", "crash") == []


def test_what_speaks_against_one_holds_no_other(several: Cluster) -> None:
    several.monitors.out_of_quorum.append("h1")
    drain(several)
    several.settle(4)
    assert removals(several) == [["crash.h3"]]
    assert on(several, "h3", "mon") != []
    several.monitors.out_of_quorum.clear()
    after_pauses(several)
    assert removals(several)[1:] == [["mon.h3"]]


def test_a_gateway_that_may_take_long_goes_by_itself(several: Cluster) -> None:
    spec = RGWSpec(service_id="web", placement=EVERYWHERE)
    raise_if_exception(several.orchestrator.apply([spec]))
    several.settle()
    several.report()
    several.requests.clear()
    drain(several)
    several.settle(6)
    found = removals(several)
    assert ["crash.h3", "mon.h3"] in found
    assert [each for each in found if each[0].startswith("rgw.web.h3.")] == found[-1:]


def test_of_one_kind_each_service_has_its_own_job(several: Cluster) -> None:
    specs = [MDSSpec(service_id=name, placement=EVERYWHERE) for name in ("a", "b")]
    raise_if_exception(several.orchestrator.apply(specs))
    several.settle()
    several.report()
    several.requests.clear()
    drain(several)
    several.settle(6)
    servers = [[name for name in each if name.startswith("mds.")] for each in removals(several)]
    assert [len(each) for each in servers if each] == [1, 1]
    assert len(servers) == 2


def test_a_job_that_had_to_wait_is_not_begun_when_one_of_them_may_not_go(
    several: Cluster,
) -> None:
    several.engine.held.add("h3")
    drain(several)
    several.settle(2)
    jobs = [each.request for each in several.engine.jobs() if not each.status.final]
    assert [each.operation for each in jobs].count("remove_daemons") == 1
    several.orchestrator.pause()
    several.engine.held.clear()
    several.settle(3)
    assert removals(several) == []
    assert len(on(several, "h3", "mon", "crash")) == 2
    for service in ("mon", "crash"):
        assert "nothing is done by itself" in said_of(several, service)[-1]


def test_a_host_is_not_read_while_a_job_takes_its_monitor_away(several: Cluster) -> None:
    several.engine.held.add("h3")
    drain(several)
    several.settle(2)
    several.monitors.out_of_quorum.append("h3")
    several.settle(2)
    assert not several.core.refresh.pending("h3")
    several.engine.held.clear()
    several.settle(3)
    assert on(several, "h3", "mon") == []


def test_what_is_too_much_is_under_way_before_a_later_service_begins(several: Cluster) -> None:
    drain(several)
    spec = MDSSpec(service_id="z", placement=PlacementSpec(hosts=["h1"]))
    raise_if_exception(several.orchestrator.apply([spec]))
    several.settle(4)
    jobs = [name for name, _ in several.operations() if name in ("apply_mds", "remove_daemons")]
    assert jobs[0] == "remove_daemons"
    assert removals(several)[0][0] == "crash.h3"
