"""Before another manager takes over, its host is asked whether it has the backend."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import List, Tuple

import pytest

from adapter.errors import AdapterError
from adapter.interface import PlacementSpec, ServiceSpec, raise_if_exception
from adapter.reconcile.fresh_reports import ANSWER_SECONDS, HEARD_SECONDS
from adapter.reconcile.successors import Successors
from tests.unit.reconcile.fake_cluster import Cluster
from tests.unit.reconcile.test_services import apply, service, there

GONE = {"version": "1.0.0", "lacks": "/usr/share/ceph-orch-ansible is not there"}


@pytest.fixture
def pair(cluster: Cluster) -> Cluster:
    """Return a cluster with the managers h1 (active) and h2, kept by nobody."""
    cluster.daemons["h2", "mgr", "h2"] = "running"
    cluster.monitors.managers.append("h2")
    cluster.report()
    return cluster


def failed_over(cluster: Cluster) -> List[str]:
    return [line for line in cluster.monitors.log if "mgr fail" in line]


def restart_all(cluster: Cluster, rounds: int = 12) -> str:
    raise_if_exception(cluster.orchestrator.service_action("restart", "mgr"))
    cluster.settle(rounds)
    return " ".join(each.reason for each in cluster.core.actions.all())


def test_a_backend_that_was_taken_away_since_the_last_report_is_seen(pair: Cluster) -> None:
    pair.backends["h2"] = GONE
    reason = restart_all(pair)
    assert failed_over(pair) == []
    assert "mgr.h2: the backend on its host h2 is not whole: /usr/share/ceph-orch-ansible" in reason
    assert "`orch-ansible mgr install` on the host of mgr.h2" in reason
    assert "`ceph orch daemon redeploy mgr.h2`" in reason


def test_no_backend_at_all_is_seen_too(pair: Cluster) -> None:
    pair.backends["h2"] = None
    assert "the backend is not installed on its host h2" in restart_all(pair)
    assert failed_over(pair) == []


def test_what_is_mended_is_seen_at_once(pair: Cluster) -> None:
    pair.backends["h2"] = None
    pair.report(2)
    assert "the backend is not installed" in str(
        pair.orchestrator.health.checks()["ANSIBLE_MGR_UNABLE"]
    )
    pair.backends.clear()
    restart_all(pair)
    assert failed_over(pair) == ["mgr fail h1"]


def test_a_host_where_no_playbook_can_run_is_seen(pair: Cluster) -> None:
    lack = "/usr/bin/python3 lacks ansible (package ansible-core)"
    whole = {"version": "1.0.0", "lacks": "", "python": "/usr/bin/python3"}
    pair.backends["h2"] = {**whole, "job_lacks": lack}
    assert f"mgr.h2: no playbook can run on its host h2: {lack}" in restart_all(pair)
    assert failed_over(pair) == []


def test_a_backend_for_another_interpreter_is_none(pair: Cluster) -> None:
    """Nobody knows whether that one is there and has what it needs."""
    pair.core.settings = replace(pair.core.settings, python="/opt/ansible/bin/python")
    pair.backends["h2"] = {
        "version": "1.0.0",
        "lacks": "",
        "python": "/usr/bin/python3",
        "job_lacks": "",
    }
    reason = restart_all(pair)
    assert "installed for /usr/bin/python3, and managers run jobs with /opt/ansible" in reason
    assert failed_over(pair) == []


def test_another_version_is_fine(pair: Cluster) -> None:
    pair.backends["h2"] = {"version": "0.9.0", "lacks": ""}
    restart_all(pair)
    assert failed_over(pair) == ["mgr fail h1"]


def test_the_report_is_waited_for_and_named(pair: Cluster) -> None:
    pair.late.append("h2")
    reason = restart_all(pair)
    assert failed_over(pair) == []
    assert "waiting for the report of host h2" in reason
    pair.late.clear()
    pair.settle()
    assert failed_over(pair) == ["mgr fail h1"]


def test_a_report_that_had_begun_before_the_question_is_no_answer(pair: Cluster) -> None:
    core = pair.core
    successors = Successors(core)
    managers = core.maps.manager_map()
    with core.lock:
        core.refresh.started(["h2"], "before")
    with pytest.raises(AdapterError, match="waiting for the report of host h2"):
        successors.check(managers)
    core.reports.absorb("h2", pair._report("h2"), 2.0)
    core.refresh.reported("h2", 2.0)
    with pytest.raises(AdapterError, match="waiting for the report of host h2"):
        successors.check(managers)
    core.submit("get_inventory", [core.hosts.get("h2")])
    pair.engine.poll()
    successors.check(managers)


def timed(pair: Cluster) -> Tuple[List[float], Successors]:
    """Return who may take over, and the time (seconds from now on) that a test sets."""
    moments, begun = [0.0], time.time()
    successors = Successors(pair.core, lambda: moments[0], lambda: begun + moments[0])
    return moments, successors


def test_an_answer_does_not_hold_for_long(pair: Cluster) -> None:
    moments, successors = timed(pair)
    managers = pair.core.maps.manager_map()
    for moment in (0.0, 2 * ANSWER_SECONDS):
        moments[0] = moment
        with pytest.raises(AdapterError, match="waiting for the report of host h2"):
            successors.check(managers)
        # What the first report makes necessary is done before the next one is taken.
        pair.engine.poll()
        pair.core.submit("get_inventory", [pair.core.hosts.get("h2")])
        pair.engine.poll()
        successors.check(managers)


def test_an_answer_that_takes_longer_than_it_holds_is_one(pair: Cluster) -> None:
    """Slow hosts were asked again and again, and nothing went on."""
    moments, successors = timed(pair)
    managers = pair.core.maps.manager_map()
    for moment in (0.0, 2 * ANSWER_SECONDS):
        moments[0] = moment
        with pytest.raises(AdapterError, match="waiting for the report of host h2"):
            successors.check(managers)
    pair.engine.poll()
    pair.core.submit("get_inventory", [pair.core.hosts.get("h2")])
    pair.engine.poll()
    moments[0] += 1.0
    successors.check(managers)
    moments[0] += HEARD_SECONDS
    with pytest.raises(AdapterError, match="waiting for the report of host h2"):
        successors.check(managers)


def test_an_answer_that_nobody_looked_for_while_it_came_is_one(pair: Cluster) -> None:
    """`orch-ansible` waits for the job: where it took half a minute, it asked for ever."""
    begun, late = time.time(), 2 * ANSWER_SECONDS
    moments = [0.0]
    successors = Successors(pair.core, lambda: moments[0], lambda: begun + moments[0] - late)
    managers = pair.core.maps.manager_map()
    with pytest.raises(AdapterError, match="waiting for the report of host h2"):
        successors.check(managers)
    pair.engine.poll()
    pair.core.submit("get_inventory", [pair.core.hosts.get("h2")])
    pair.engine.poll()
    moments[0] = late
    successors.check(managers)


def test_a_host_that_cannot_report_is_not_taken_for_able(pair: Cluster) -> None:
    pair.mute["get_inventory"] = {"h2": "no Python"}
    reason = restart_all(pair)
    assert "its host h2 did not report whether the backend is installed: no Python" in reason
    assert failed_over(pair) == []


def test_a_host_that_does_not_say_it_is_not_taken_for_able(pair: Cluster) -> None:
    said = pair._report("h2")
    del said["identity"]["backend"]
    managers = pair.core.maps.manager_map()
    successors = Successors(pair.core)
    with pytest.raises(AdapterError, match="waiting"):
        successors.check(managers)
    with pair.core.lock:
        pair.core.refresh.started(["h2"], "job")
        pair.core.reports.absorb("h2", said, 2.0)
        pair.core.refresh.reported("h2", 2.0)
    with pytest.raises(AdapterError, match="its report does not say it"):
        successors.check(managers)


@pytest.mark.parametrize("action", ["restart", "stop"])
def test_a_standby_on_a_host_that_is_offline_is_not_taken_for_able(
    pair: Cluster, action: str
) -> None:
    pair.offline("h2")
    with pytest.raises(AdapterError, match=r"mgr\.h2: its host h2 is offline: no route"):
        raise_if_exception(pair.orchestrator.daemon_action(action, "mgr.h1"))


def test_a_standby_on_a_host_that_is_not_managed_is_not_taken_for_able(cluster: Cluster) -> None:
    cluster.monitors.managers.append("elsewhere")
    cluster.settle(2)
    reason = restart_all(cluster)
    assert "mgr.elsewhere: it is on no host that is managed here" in reason
    assert failed_over(cluster) == []


def test_stopping_the_active_one_is_a_hand_over_too(pair: Cluster) -> None:
    pair.backends["h2"] = GONE
    with pytest.raises(AdapterError, match="waiting for the report of host h2"):
        raise_if_exception(pair.orchestrator.daemon_action("stop", "mgr.h1"))
    pair.answer_questions()
    pair.engine.poll()
    with pytest.raises(AdapterError, match="the backend on its host h2 is not whole"):
        raise_if_exception(pair.orchestrator.daemon_action("stop", "mgr.h1"))


def test_a_standby_that_hangs_takes_over_from_nobody(pair: Cluster) -> None:
    """Its unit is active, and the manager map has it for half a minute more."""
    pair.said["h2", "mgr", "h2"] = {"answers": False}
    with pytest.raises(AdapterError, match="waiting for the report of host h2"):
        raise_if_exception(pair.orchestrator.daemon_action("stop", "mgr.h1"))
    pair.answer_questions()
    pair.engine.poll()
    with pytest.raises(AdapterError, match="it runs on its host h2, but does not answer"):
        raise_if_exception(pair.orchestrator.daemon_action("stop", "mgr.h1"))


def test_removing_the_active_one_is_a_hand_over_too(pair: Cluster) -> None:
    pair.backends["h2"] = GONE
    with pytest.raises(AdapterError, match="waiting for the report of host h2"):
        raise_if_exception(pair.orchestrator.remove_daemons(["mgr.h1"]))
    pair.answer_questions()
    pair.engine.poll()
    with pytest.raises(AdapterError, match="the backend on its host h2 is not whole"):
        raise_if_exception(pair.orchestrator.remove_daemons(["mgr.h1"]))
    assert failed_over(pair) == []


def test_a_placement_that_only_the_standby_is_in_gives_it_the_backend_first(
    pair: Cluster,
) -> None:
    pair.backends["h2"] = None
    apply(pair, ServiceSpec("mgr", placement=PlacementSpec(hosts=["h2"])))
    # Here no other manager takes over, and this one goes on after a while.
    pair.settle(60)
    deployed = [hosts for name, hosts in pair.operations() if name == "apply_mgr"]
    assert (deployed, pair.backends) == ([["h2"]], {})
    assert failed_over(pair) == ["mgr fail h1"]
    assert there(pair, "mgr") == ["h2"]


def test_a_placement_moves_to_none_that_could_not_manage(pair: Cluster) -> None:
    pair.backends["h2"] = None
    pair.break_on["apply_mgr"] = {"h2": "no packages"}
    apply(pair, ServiceSpec("mgr", placement=PlacementSpec(hosts=["h2"])))
    pair.settle(30)
    assert failed_over(pair) == []
    assert there(pair, "mgr") == ["h1", "h2"]
    assert any("no packages" in event.message for event in service(pair, "mgr").events)
