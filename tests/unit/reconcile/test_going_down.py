"""What is being stopped counts as stopped, and who waited for a turn is asked about again."""

from __future__ import annotations

import time
from typing import Any, List

import pytest

from adapter import operations
from adapter.cluster.going_down import MAPS_FOLLOW
from adapter.engine.model import Request
from adapter.errors import AdapterError
from adapter.interface import OrchestratorError, PlacementSpec, ServiceSpec, raise_if_exception
from tests.unit.reconcile.fake_cluster import Cluster
from tests.unit.reconcile.over_monitors import KeptCluster


@pytest.fixture
def three(cluster: Cluster) -> Cluster:
    """Return a cluster with three monitors, three managers and three mds, one of them active."""
    for name in ("h2", "h3"):
        for kind in ("mon", "mgr"):
            cluster.daemons[name, kind, name] = "running"
        cluster.monitors.mons.append(name)
        cluster.monitors.managers.append(name)
    for name in ("h1", "h2", "h3"):
        cluster.daemons[name, "mds", name] = "running"
    cluster.monitors.filesystems = {"data": ["h1"]}
    cluster.monitors.standbys = {5: "h2", 6: "h3"}
    cluster.monitors.quorum_counts = True
    cluster.report()
    cluster.requests.clear()
    return cluster


def act(cluster: Cluster, action: str, name: str, *, force: bool = False) -> str:
    return str(raise_if_exception(cluster.orchestrator.daemon_action(action, name, force=force)))


def remove(cluster: Cluster, name: str) -> str:
    return str(raise_if_exception(cluster.orchestrator.remove_daemons([name])))


def acted(cluster: Cluster) -> List[str]:
    return [
        f"{request.variables['daemon_action_action']} {unit}"
        for request in cluster.requests
        if request.operation in ("daemon_action", "service_action")
        for units in request.variables["daemon_action_units"].values()
        for unit in units
    ]


@pytest.mark.parametrize("first", ["stop", "restart"])
@pytest.mark.parametrize("then", ["stop", "restart"])
def test_a_monitor_that_is_being_stopped_is_no_part_of_the_quorum(
    three: Cluster, first: str, then: str
) -> None:
    act(three, first, "mon.h2")
    with pytest.raises(AdapterError, match=r"mon.h3 cannot be stopped now: .*mon\.h2 is going"):
        act(three, then, "mon.h3")
    three.settle(1)
    assert acted(three) == [f"{first} mon@h2"]


def test_it_counts_for_a_while_after_its_job_until_the_map_shows_it(three: Cluster) -> None:
    act(three, "stop", "mon.h2")
    three.settle(3)
    with pytest.raises(AdapterError, match="cannot be stopped now"):
        act(three, "stop", "mon.h3")
    three.settle(30)
    assert act(three, "stop", "mon.h3").startswith("Scheduled")


@pytest.mark.parametrize(("kind", "name"), [("mon", "mon.h3"), ("mds", "mds.h2")])
def test_a_daemon_whose_host_was_just_lost_counts_as_down(
    three: Cluster, kind: str, name: str
) -> None:
    """The maps show it up to half a minute later."""
    three.monitors.standbys = {5: "h2"}
    lost = "h2" if kind == "mon" else "h1"
    for _ in range(2):
        three.core.liveness.missed(lost, "no route", three.now, time.time())
    with pytest.raises(
        AdapterError, match=rf"{name} cannot be stopped now: .*{kind}\.{lost} is going"
    ):
        act(three, "stop", name)
    three.core.liveness.of(lost).since = time.time() - 60
    assert act(three, "stop", name).startswith("Scheduled")


def test_nor_is_an_osd_stopped_right_after_a_fail_over(full: Cluster) -> None:
    full.core.going_down.began = full.now - 1.0
    with pytest.raises(AdapterError, match="just taken over"):
        act(full, "stop", "osd.0")
    full.now += 60
    assert act(full, "stop", "osd.0").startswith("Scheduled")


@pytest.mark.parametrize(("kind", "name"), [("mon", "mon.h3"), ("mds", "mds.h2")])
def test_what_a_manager_before_has_stopped_may_still_be_in_the_maps(
    three: Cluster, kind: str, name: str
) -> None:
    three.core.going_down.began = three.now - 1.0
    with pytest.raises(AdapterError, match=r"just taken over.* Try again in 29 s, or give --force"):
        act(three, "stop", name)
    with pytest.raises(AdapterError, match=r"just taken over.* Try again in 29 s\.$"):
        remove(three, "mon.h3")
    assert "mon rm h3" not in three.monitors.log
    assert act(three, "stop", name, force=True).startswith("Scheduled")
    three.now += 60
    assert act(three, "restart", name).startswith("Scheduled")


def test_one_that_is_started_again_counts_no_more(three: Cluster) -> None:
    act(three, "stop", "mon.h2")
    three.settle(1)
    act(three, "start", "mon.h2")
    three.settle(1)
    assert act(three, "stop", "mon.h3").startswith("Scheduled")


def test_a_monitor_is_not_removed_beside_one_that_is_being_stopped(three: Cluster) -> None:
    act(three, "stop", "mon.h2")
    with pytest.raises(AdapterError, match=r"mon\.h3 cannot be removed now: .*mon\.h2 is going"):
        remove(three, "mon.h3")
    assert "mon rm h3" not in three.monitors.log


def test_the_loop_removes_no_monitor_beside_one_that_is_being_stopped(three: Cluster) -> None:
    spec = ServiceSpec("mon", placement=PlacementSpec(hosts=["h1", "h2"]))
    act(three, "stop", "mon.h2")
    raise_if_exception(three.orchestrator.apply([spec]))
    three.orchestrator.reconciler.services.step(three.now)
    assert "mon rm h3" not in three.monitors.log


def test_the_monitors_are_asked_again_when_a_stop_had_to_wait(three: Cluster) -> None:
    three.engine.held.add("h2")
    act(three, "stop", "mon.h2")
    three.monitors.out_of_quorum.append("h3")
    three.engine.held.clear()
    three.settle(2)
    assert acted(three) == []
    assert "not enough monitors would be available" in str(three.orchestrator.health.checks())


def test_with_force_nobody_is_asked_again(three: Cluster) -> None:
    three.engine.held.add("h2")
    act(three, "stop", "mon.h2", force=True)
    three.monitors.out_of_quorum.append("h3")
    three.engine.held.clear()
    three.settle(2)
    assert acted(three) == ["stop mon@h2"]


def test_what_waited_and_is_still_right_is_done(three: Cluster) -> None:
    three.engine.held.add("h2")
    act(three, "stop", "mon.h2")
    three.settle(2)
    assert acted(three) == []
    three.engine.held.clear()
    three.settle(2)
    assert acted(three) == ["stop mon@h2"]


def test_a_forced_stop_counts_for_who_is_asked_about_later(three: Cluster) -> None:
    three.engine.held.add("h2")
    act(three, "stop", "mon.h2", force=True)
    with pytest.raises(AdapterError, match="cannot be stopped now"):
        act(three, "stop", "mon.h3")


def test_standbys_that_are_being_stopped_take_over_from_no_mds(three: Cluster) -> None:
    act(three, "stop", "mds.h2")
    act(three, "stop", "mds.h3")
    with pytest.raises(AdapterError, match=r"insufficient standby .*mds\.h2, mds\.h3 are going"):
        act(three, "stop", "mds.h1")


def test_an_mds_that_waited_is_asked_about_again(three: Cluster) -> None:
    three.engine.held.add("h1")
    act(three, "stop", "mds.h1")
    three.monitors.standbys.clear()
    three.engine.held.clear()
    three.settle(2)
    assert acted(three) == []


def test_an_osd_that_waited_is_asked_about_again(full: Cluster) -> None:
    full.engine.held.add("h1")
    act(full, "stop", "osd.0")
    full.monitors.osds[4].up = False
    full.engine.held.clear()
    full.settle(2)
    assert acted(full) == []
    # It was acknowledged: its service says what came of it.
    service = full.core.daemon_services.of("h1", "osd", "0")
    said = " ".join(event.message for event in full.core.events.of(service))
    assert "stop of osd.0 is not done" in said


def test_a_batch_of_a_restart_that_waited_is_asked_about_again(full: Cluster) -> None:
    full.engine.held.add("h1")
    raise_if_exception(full.orchestrator.service_action("restart", "osd.all"))
    full.step()
    full.monitors.osds[4].up = False
    full.engine.held.clear()
    full.settle(3)
    assert acted(full) == []
    full.monitors.osds[4].up = True
    full.settle(60)
    assert len(acted(full)) == 6


def test_the_last_manager_is_not_stopped_while_another_one_goes(three: Cluster) -> None:
    act(three, "stop", "mgr.h2")
    act(three, "stop", "mgr.h3")
    with pytest.raises(AdapterError, match=r"mgr\.h1 cannot be stopped now"):
        act(three, "stop", "mgr.h1")
    three.settle(1)
    with pytest.raises(AdapterError, match=r"mgr\.h1 cannot be stopped now"):
        act(three, "stop", "mgr.h1")


def test_no_standby_goes_while_the_active_manager_does(three: Cluster) -> None:
    three.monitors.managers.remove("h3")
    three.engine.held.add("h1")
    act(three, "stop", "mgr.h1", force=True)
    with pytest.raises(AdapterError, match="no manager would be left"):
        act(three, "stop", "mgr.h2")
    with pytest.raises(AdapterError, match="no manager would be left"):
        remove(three, "mgr.h2")


def test_a_standby_whose_unit_does_not_run_is_no_successor(three: Cluster) -> None:
    """The manager map has it for half a minute longer."""
    three.daemons["h2", "mgr", "h2"] = "stopped"
    with pytest.raises(AdapterError):
        act(three, "stop", "mgr.h1")
    three.answer_questions()
    three.engine.poll()
    with pytest.raises(AdapterError, match=r"mgr\.h2: it does not run on its host h2"):
        act(three, "stop", "mgr.h1")
    three.monitors.managers.remove("h2")
    assert act(three, "stop", "mgr.h1").startswith("Scheduled")


def test_no_other_manager_takes_over_by_a_removal_where_none_runs(three: Cluster) -> None:
    for name in ("h2", "h3"):
        three.daemons[name, "mgr", name] = "stopped"
    for _ in range(2):
        with pytest.raises(AdapterError):
            remove(three, "mgr.h1")
        three.answer_questions()
        three.engine.poll()
    assert three.monitors.log == []


def test_a_redeployment_is_not_begun_beside_a_monitor_that_goes(three: Cluster) -> None:
    spec = ServiceSpec("mon", placement=PlacementSpec(hosts=["h1", "h2", "h3"]))
    raise_if_exception(three.orchestrator.apply([spec]))
    three.settle()
    assert act(three, "redeploy", "mon.h3").startswith("Scheduled")
    three.settle()
    act(three, "stop", "mon.h2")
    with pytest.raises(AdapterError, match="cannot be stopped now"):
        act(three, "redeploy", "mon.h3")


def test_two_that_ask_at_the_same_time_do_so_one_after_the_other(three: Cluster) -> None:
    """Whoever asks while another one asks meets that one's job."""
    asked: List[Any] = []
    guards = three.orchestrator.reconciler.services.guards
    real = three.monitors._mon_ok_to_stop

    def ask(arguments: Any) -> str:
        asked.append(guards.acting.locked())
        return real(arguments)

    three.monitors._mon_ok_to_stop = ask  # type: ignore[method-assign]
    act(three, "stop", "mon.h2")
    assert asked == [True]


def test_what_the_monitors_say_ends_as_a_sentence(three: Cluster) -> None:
    act(three, "stop", "mds.h2", force=True)
    three.monitors.standbys.clear()
    with pytest.raises(AdapterError, match=r"going down or just did\. Wait until the cluster"):
        act(three, "stop", "mds.h1")
    three.settle(40)
    with pytest.raises(AdapterError, match=r"active gids \['h1'\]\. Wait until the cluster"):
        act(three, "stop", "mds.h1")


def test_a_question_ends_with_its_own_mark(three: Cluster) -> None:
    for _ in range(2):
        three.core.liveness.missed(
            "h2", "no answer. Does a firewall let ssh through?", three.now, 0
        )
    with pytest.raises(AdapterError, match=r"let ssh through\?$"):
        act(three, "start", "mon.h2")


def test_what_another_program_stops_counts_too(three: Cluster) -> None:
    """`orch-ansible` on the manager's host shares the jobs with it."""
    host = three.core.hosts.get("h2").target("root")
    request = operations.get("daemon_action").request(
        [host], actor="root", parameters={"action": "stop", "units": {"h2": ["mon@h2"]}}
    )
    three.engine.submit(request)
    with pytest.raises(AdapterError, match=r"mon\.h2 is going down"):
        act(three, "stop", "mon.h3")
    three.engine.poll()
    with pytest.raises(AdapterError, match=r"mon\.h2 is going down"):
        act(three, "stop", "mon.h3")
    three.settle(40)
    assert act(three, "stop", "mon.h3").startswith("Scheduled")


@pytest.mark.parametrize("kind", ["mon", "mgr", "mds"])
def test_one_that_is_restarted_for_its_changed_spec_is_going_down(
    three: Cluster, kind: str
) -> None:
    going = three.core.going_down
    rows = {"h2": [{"id": "h2", "since": 12.5}], "h3": [{"id": "h3", "since": 0}]}
    going.by(Request(f"apply_{kind}", (), {"daemon_deploy_daemons": rows}), "restarts")
    assert going.of(kind) == ["h2"]
    assert going.of(kind, ["restarts"]) == []


def test_a_monitor_stays_when_another_one_is_lost_while_its_removal_is_written_down() -> None:
    cluster = KeptCluster().serving()
    for name in ("h2", "h3"):
        cluster.daemons[name, "mon", name] = "running"
        cluster.monitors.mons.append(name)
    cluster.monitors.quorum_counts = True
    cluster.report()
    cluster.settle(int(MAPS_FOLLOW))

    def lose(prefix: str, key: str) -> int:
        if prefix == "config-key set" and "removed_mon" in key:
            cluster.monitors.out_of_quorum = ["h2"]
        return 0

    cluster.keys.refuse = lose
    with pytest.raises(OrchestratorError, match="not enough monitors would be left"):
        remove(cluster, "mon.h3")
    assert "mon rm h3" not in cluster.monitors.log
    cluster.keys.refuse = lambda prefix, key: 0
    cluster.settle(30)
    assert "mon rm h3" not in cluster.monitors.log
    assert cluster.core.removed_mons.all() == []
