"""Whoever asks for something after a restart is obeyed: the restart ends, and says so."""

from __future__ import annotations

from typing import Any, Callable, Dict, List

import pytest

from adapter.cluster.osd_removals import Removal
from adapter.cluster.service_actions import ServiceAction
from adapter.interface import MDSSpec, PlacementSpec, raise_if_exception
from tests.unit.reconcile.fake_cluster import Cluster

Act = Callable[[Any], Any]
LATER: Dict[str, Act] = {
    "stop": lambda call: call.service_action("stop", "mds.data"),
    "start": lambda call: call.service_action("start", "mds.data"),
    "redeploy": lambda call: call.service_action("redeploy", "mds.data"),
    "reconfig": lambda call: call.service_action("reconfig", "mds.data"),
    "removal": lambda call: call.remove_service("mds.data"),
}


@pytest.fixture
def restarting(cluster: Cluster) -> Cluster:
    """Return a cluster with three mds, the first of which is being restarted."""
    spec = MDSSpec(service_id="data", placement=PlacementSpec(host_pattern="*"))
    raise_if_exception(cluster.orchestrator.apply([spec]))
    cluster.settle()
    raise_if_exception(cluster.orchestrator.service_action("restart", "mds.data"))
    cluster.orchestrator.reconciler.step(cluster.now)
    assert len(units(cluster, "restart")) == 1
    return cluster


def units(cluster: Cluster, action: str) -> List[str]:
    return [
        unit
        for request in cluster.engine.requests
        if request.variables.get("daemon_action_action") == action
        for names in request.variables["daemon_action_units"].values()
        for unit in names
    ]


def events(cluster: Cluster, service: str) -> str:
    return " ".join(each.message for each in cluster.core.events.of(service))


@pytest.mark.parametrize("later", LATER)
def test_what_is_asked_later_ends_the_restart(restarting: Cluster, later: str) -> None:
    said = raise_if_exception(LATER[later](restarting.orchestrator))
    text = f"The restart of mds.data is ended by the {later}: 2 daemon(s) were not restarted (mds."
    assert text in (said if isinstance(said, str) else said[-1])
    assert restarting.core.actions.all() == []
    assert restarting.store.items("service_action") == {}
    assert text in events(restarting, "mds.data")
    restarting.settle(30)
    assert len(units(restarting, "restart")) == 1
    assert restarting.core.actions.all() == []


def test_an_unmanaged_drive_group_ends_its_restart(full: Cluster) -> None:
    raise_if_exception(full.orchestrator.service_action("restart", "osd.all"))
    text = raise_if_exception(full.orchestrator.remove_service("osd.all", force=True))
    assert "The restart of osd.all is ended by the removal: 6 daemon(s)" in text
    full.settle()
    assert units(full, "restart") == []


@pytest.mark.parametrize("where", ["left", "doing"])
def test_a_daemon_that_is_stopped_is_not_started_again(full: Cluster, where: str) -> None:
    """It would be waited for without end, too: it does not come back."""
    named = {"left": (), "doing": (), where: ("osd.4",)}
    full.core.actions.save(ServiceAction("osd.all", "restart", **named))
    text = raise_if_exception(full.orchestrator.daemon_action("stop", "osd.4"))
    assert "osd.4 is left out of the restart of osd.all: it is stopped." in text
    full.settle(20)
    assert units(full, "restart") == []
    assert full.core.actions.all() == []


def test_a_daemon_that_is_gone_holds_up_no_other(restarting: Cluster) -> None:
    action = restarting.core.actions.get("mds.data")
    assert action is not None
    kind, _, identity = action.left[0].partition(".")
    (key,) = [each for each in restarting.daemons if each[1:] == (kind, identity)]
    restarting.engine.poll()
    del restarting.daemons[key]
    raise_if_exception(restarting.orchestrator.set_unmanaged("mds.data", True))
    restarting.core.submit("get_inventory", restarting.core.hosts.all())
    restarting.engine.poll()
    restarting.settle(20)
    assert len(units(restarting, "restart")) == 2
    assert restarting.core.actions.all() == []
    assert f"{action.left[0]} is left out" in events(restarting, "mds.data")


def test_a_daemon_of_a_host_that_has_not_reported_is_not_gone(restarting: Cluster) -> None:
    restarting.start_anew()
    action = restarting.core.actions.get("mds.data")
    for host in restarting.core.hosts.all():
        restarting.core.reports.forget(host.hostname)
    restarting.settle(3)
    assert restarting.core.actions.get("mds.data") == action


def test_an_osd_that_is_being_removed_is_not_started_again(full: Cluster) -> None:
    osd = full.monitors.osds[4]
    full.core.removals.save(Removal(osd_id=4, uuid=osd.uuid, host=osd.host))
    full.core.actions.save(ServiceAction("osd.all", "restart", ("osd.4", "osd.5")))
    full.orchestrator.reconciler.restarts.step(full.now)
    full.engine.poll()
    assert units(full, "restart") == ["ceph-osd@5.service"]


def test_a_restart_that_ends_while_the_monitors_are_asked_stays_so(full: Cluster) -> None:
    """They answer for seconds; whoever asks for something else meanwhile is obeyed."""
    full.core.actions.save(ServiceAction("osd.all", "restart", ("osd.4", "osd.5")))
    full.monitors.before_stop = lambda: full.orchestrator.remove_service("osd.all", force=True)
    full.settle()
    assert units(full, "restart") == []
    assert full.core.actions.all() == []
