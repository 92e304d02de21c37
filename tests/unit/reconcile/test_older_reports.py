"""A report that was read before a job changed a host does not take the place of its outcome."""

from __future__ import annotations

from typing import Any, Dict, List

import pytest

from adapter.engine.model import HostOutcome, Request, Target
from adapter.interface import PlacementSpec, RGWSpec, ServiceSpec, raise_if_exception
from tests.unit.reconcile.fake_cluster import Cluster, drive_group


class Slow(Cluster):
    """Hosts whose daemons are read long before the report arrives."""

    def __init__(self) -> None:
        self.read: List[Dict[str, HostOutcome]] = []
        super().__init__()

    def _answer(self, request: Request) -> Dict[str, HostOutcome]:
        if request.operation == "get_inventory" and self.read:
            return self.read.pop()
        return super()._answer(request)

    def states(self) -> Dict[str, Any]:
        found = raise_if_exception(self.orchestrator.list_daemons(daemon_type="crash"))
        return {daemon.name(): daemon.status_desc for daemon in found}


def outdated(cluster: Cluster) -> List[str]:
    with cluster.core.lock:
        return cluster.core.outdated()


def test_a_manager_that_takes_over_acts_on_no_report_of_its_last_turn() -> None:
    """Seen to fail before: a gateway that another manager had made was removed and made again."""
    cluster = Slow()
    cluster.serving()
    before = {name: cluster._report(name) for name in ("h1", "h2", "h3")}
    gateway = RGWSpec(service_id="a", placement=PlacementSpec(count=1))
    raise_if_exception(cluster.orchestrator.apply([gateway, drive_group("all")]))
    cluster.settle(20)
    made = sorted(cluster.daemons)
    cluster.start_anew(before=before)
    cluster.requests.clear()
    cluster.settle(5)
    assert [each.operation for each in cluster.requests if each.changes] == []
    assert outdated(cluster) == ["h1", "h2", "h3"]

    cluster.core.submit("get_inventory", cluster.core.hosts.all())
    cluster.settle(5)
    changed = [each.operation for each in cluster.requests if each.changes]
    assert "apply_rgw" not in changed
    assert "remove_daemons" not in changed
    assert sorted(cluster.daemons) == made
    assert outdated(cluster) == []


def test_a_report_that_is_dropped_is_none_of_this_managers_time() -> None:
    """Seen to fail before: what is held until hosts have reported was let go by it."""
    cluster = Slow()
    before = {name: cluster._report(name) for name in ("h1", "h2", "h3")}
    cluster.start_anew(before=before)
    host = cluster.core.hosts.get("h2")
    cluster.core.submit("add_host_label", [host], parameters={"record": {}})
    cluster.core.submit("get_inventory", cluster.core.hosts.all())
    # The label's job ends first, and says something of the host; the reading may be older.
    cluster.engine.poll()
    assert outdated(cluster) == ["h2"]
    assert cluster.core.refresh.due(cluster.now) == ["h2"]


def test_a_report_that_a_manager_before_has_asked_for_is_no_new_one() -> None:
    cluster = Slow()
    before = {name: cluster._report(name) for name in ("h1", "h2", "h3")}
    cluster.core.submit("get_inventory", cluster.core.hosts.all())
    cluster.start_anew(before=before, keep_jobs=True)
    cluster.engine.poll()
    assert outdated(cluster) == ["h1", "h2", "h3"]
    assert cluster.core.refresh.pending("h1")


@pytest.mark.parametrize("host", ["offline", "failed"])
def test_a_host_that_cannot_report_holds_nobody(host: str) -> None:
    cluster = Slow()
    cluster.start_anew(before={name: cluster._report(name) for name in ("h1", "h2", "h3")})
    cluster.core.submit("get_inventory", [cluster.core.hosts.get(name) for name in ("h1", "h2")])
    cluster.settle(2)
    assert outdated(cluster) == ["h3"]
    if host == "offline":
        cluster.offline("h3")
    else:
        cluster.core.refresh.failed("h3", "no Python", cluster.now)
    assert outdated(cluster) == []


@pytest.mark.parametrize("read_before", [True, False])
def test_what_a_job_has_brought_to_run_is_not_shown_stopped(read_before: bool) -> None:
    cluster = Slow()
    crash = ServiceSpec("crash", placement=PlacementSpec(hosts=["h2"]))
    raise_if_exception(cluster.orchestrator.apply([crash]))
    before = cluster._answer(Request("get_inventory", (Target("h2", "10.0.0.2"),)))
    cluster.orchestrator.reconciler.step(cluster.now)
    cluster.core.submit("get_inventory", [cluster.core.hosts.get("h2")])
    # The deployment ends first, then the report arrives.
    cluster.read = [before] if read_before else []
    cluster.engine.poll()
    assert cluster.states() == {"crash.h2": "running"}
    assert cluster.core.refresh.pending("h2")
    cluster.settle(2)
    assert cluster.states() == {"crash.h2": "running"}
