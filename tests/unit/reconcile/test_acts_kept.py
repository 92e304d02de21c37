"""What is acknowledged for a daemon is done, by whichever manager is active then."""

from __future__ import annotations

import datetime
import errno
import time
from typing import Any, Callable, Dict, List

import pytest

from adapter.errors import NotReady
from adapter.interface import MDSSpec, OrchestratorError, PlacementSpec, raise_if_exception
from adapter.reconcile.parts import OTHERS_JOBS_END
from tests.unit.reconcile.fake_cluster import Cluster
from tests.unit.reconcile.over_monitors import KeptCluster

LONG = int(OTHERS_JOBS_END)


class Acting(KeptCluster):
    """Hosts on which units start and stop, as their next reports say."""

    def _on_daemon_action(self, host: str, variables: Any) -> Dict[str, Any]:
        action = variables["daemon_action_action"]
        for unit in variables["daemon_action_units"][host]:
            kind, _, identity = unit.partition("@")
            self.daemons[host, kind, identity] = "stopped" if action == "stop" else "running"
            self.started(host, kind, identity, time.time() if action == "restart" else 1.0)
        return super()._on_daemon_action(host, variables)

    _on_service_action = _on_daemon_action

    def started(self, host: str, kind: str, identity: str, when: float) -> None:
        moment = datetime.datetime.fromtimestamp(when, tz=datetime.timezone.utc).isoformat()
        self.said[host, kind, identity] = {"started": moment}

    def fail_over(self) -> None:
        """Let another manager take over; the jobs of this one that wait are never begun."""
        self.start_anew()
        self.engine.held.clear()
        self.engine.requests.clear()


@pytest.fixture
def cluster() -> Acting:
    """Return three hosts with a monitor and a metadata server each, of which h2 and h3 are busy."""
    found = Acting().serving()
    for name in ("h2", "h3"):
        found.daemons[name, "mon", name] = "running"
        found.monitors.mons.append(name)
    found.monitors.quorum_counts = True
    spec = MDSSpec(service_id="data", placement=PlacementSpec(host_pattern="*"))
    raise_if_exception(found.orchestrator.apply([spec]))
    found.settle()
    found.report()
    found.engine.held.update(("h2", "h3"))
    found.engine.requests.clear()
    return found


def mds(cluster: Acting, host: str = "h2") -> str:
    (name,) = [each for where, kind, each in cluster.daemons if (where, kind) == (host, "mds")]
    return f"mds.{name}"


def act(cluster: Acting, action: str, name: str, *, force: bool = False) -> str:
    return str(raise_if_exception(cluster.orchestrator.daemon_action(action, name, force=force)))


def acted(cluster: Acting) -> List[str]:
    """Return what hosts were told, each as ``stop mon@h2``, or as ``apply_mds h2``."""
    found = []
    for request in cluster.engine.requests:
        units = request.variables.get("daemon_action_units", {})
        action = request.variables.get("daemon_action_action")
        found += [f"{action} {unit}" for names in units.values() for unit in names]
        if request.operation.startswith("apply_"):
            found += [f"{request.operation} {host}" for host in request.hosts]
    return sorted(found)


def records(cluster: Acting) -> List[str]:
    return sorted(cluster.kept.items("daemon_action"))


def events(cluster: Acting, service: str) -> str:
    return " ".join(each.message for each in cluster.core.events.of(service))


def waits(cluster: Acting) -> str:
    return " ".join(
        cluster.orchestrator.health.checks().get("ANSIBLE_ACTION_WAITS", {"detail": []})["detail"]
    )


ASKED: Dict[str, Callable[[Acting], Any]] = {
    "stop a monitor": lambda c: c.orchestrator.daemon_action("stop", "mon.h2"),
    "start a monitor": lambda c: c.orchestrator.daemon_action("start", "mon.h2"),
    "restart a monitor": lambda c: c.orchestrator.daemon_action("restart", "mon.h2"),
    "redeploy a daemon": lambda c: c.orchestrator.daemon_action("redeploy", mds(c)),
    "reconfig a daemon": lambda c: c.orchestrator.daemon_action("reconfig", mds(c)),
    "stop a service": lambda c: c.orchestrator.service_action("stop", "mds.data"),
    "start a service": lambda c: c.orchestrator.service_action("start", "mds.data"),
    "redeploy a service": lambda c: c.orchestrator.service_action("redeploy", "mds.data"),
    "reconfig a service": lambda c: c.orchestrator.service_action("reconfig", "mds.data"),
}


@pytest.mark.parametrize("what", ASKED)
def test_the_next_manager_does_what_was_acknowledged(cluster: Acting, what: str) -> None:
    raise_if_exception(ASKED[what](cluster))
    wanted = acted(cluster)
    assert wanted
    assert records(cluster)
    cluster.fail_over()
    cluster.settle(LONG // 2 - 3)
    assert acted(cluster) == [], "a job of the manager before may still be at it"
    cluster.settle(20)
    assert acted(cluster) == wanted
    assert records(cluster) == []
    assert waits(cluster) == ""


@pytest.mark.parametrize("what", ASKED)
@pytest.mark.parametrize("good", [True, False])
def test_what_ended_before_the_managers_eyes_is_forgotten(
    cluster: Acting, what: str, good: bool
) -> None:
    if not good:
        broken = {"h2": "it broke", "h3": "it broke"}
        names = ("daemon_action", "service_action", "apply_mds")
        cluster.break_on = dict.fromkeys(names, broken)
    raise_if_exception(ASKED[what](cluster))
    cluster.engine.held.clear()
    cluster.engine.poll()
    assert records(cluster) == []
    assert ("it broke" in str(cluster.orchestrator.health.checks())) is not good


def is_so(cluster: Acting, action: str) -> None:
    """Let h2's monitor be as the action would have it."""
    cluster.daemons["h2", "mon", "h2"] = "stopped" if action == "stop" else "running"
    cluster.started("h2", "mon", "h2", time.time() + 1.0)


@pytest.mark.parametrize("action", ["start", "stop", "restart"])
def test_what_is_done_already_is_not_done_again(cluster: Acting, action: str) -> None:
    act(cluster, action, "mon.h2")
    is_so(cluster, action)
    cluster.fail_over()
    cluster.report(LONG)
    assert acted(cluster) == []
    assert records(cluster) == []


def test_a_report_from_before_the_command_does_not_say_that_it_is_done(cluster: Acting) -> None:
    act(cluster, "start", "mon.h2")
    cluster.fail_over()
    cluster.settle(LONG)
    assert acted(cluster) == ["start mon@h2"]


def test_nothing_is_done_before_the_host_has_reported(cluster: Acting) -> None:
    act(cluster, "stop", "mon.h2")
    cluster.fail_over()
    cluster.core.refresh._hosts["h2"].last = None
    cluster.settle(LONG)
    assert acted(cluster) == []
    cluster.report(2)
    assert acted(cluster) == ["stop mon@h2"]


def come_back(cluster: Acting) -> None:
    """Let the same machine be active again: it finds the jobs that it began."""
    Cluster.start_anew(cluster, cluster.kept, keep_jobs=True)  # type: ignore[arg-type]


def test_what_a_report_of_the_manager_before_shows_counts_for_nothing(cluster: Acting) -> None:
    act(cluster, "start", "mon.h2")
    cluster.fail_over()
    cluster.core.reports.absorb("h2", cluster._report("h2"), time.time() + 1.0)
    cluster.core.refresh._hosts["h2"].last = None
    cluster.daemons["h2", "mon", "h2"] = "stopped"
    cluster.settle(LONG)
    assert records(cluster) == ["mon.h2"]
    cluster.report(2)
    assert acted(cluster) == ["start mon@h2"]


def test_a_job_of_the_manager_before_is_waited_for(cluster: Acting) -> None:
    act(cluster, "stop", "mon.h2")
    come_back(cluster)
    cluster.settle(LONG)
    assert acted(cluster) == ["stop mon@h2"], "only the job that waits"
    cluster.engine.held.clear()
    cluster.report(3)
    assert acted(cluster) == ["stop mon@h2"]
    assert records(cluster) == []


@pytest.mark.parametrize("what", ["stop a monitor", "stop a service"])
def test_one_that_never_began_is_begun_and_no_warning(cluster: Acting, what: str) -> None:
    raise_if_exception(ASKED[what](cluster))
    wanted = acted(cluster)
    come_back(cluster)
    for job in cluster.engine.jobs():
        cluster.engine.cancel(job.id)
    cluster.engine.held.clear()
    cluster.engine.requests.clear()
    assert "ANSIBLE_JOB_FAILED" not in cluster.orchestrator.health.checks()
    cluster.settle(LONG)
    assert acted(cluster) == wanted
    assert records(cluster) == []


def test_the_warning_of_one_that_somebody_cancelled_says_what_it_was(cluster: Acting) -> None:
    act(cluster, "stop", mds(cluster))
    (job,) = [each for each in cluster.engine.jobs() if not each.status.final]
    cluster.engine.cancel(job.id)
    (line,) = cluster.orchestrator.health.checks()["ANSIBLE_JOB_FAILED"]["detail"]
    assert line.startswith(f"daemon_action (Stop {mds(cluster)}) on host h2 failed at ")


@pytest.mark.parametrize("then", ["start", "restart", "redeploy"])
def test_whoever_asked_last_is_obeyed(cluster: Acting, then: str) -> None:
    daemon = mds(cluster)
    act(cluster, "stop", daemon)
    act(cluster, then, daemon)
    assert records(cluster) == [daemon]
    cluster.fail_over()
    cluster.settle(LONG)
    unit = daemon.replace("mds.", "mds@")
    assert acted(cluster) == ["apply_mds h2" if then == "redeploy" else f"{then} {unit}"]


def test_of_a_service_only_what_nobody_asked_otherwise_about_is_done(cluster: Acting) -> None:
    raise_if_exception(cluster.orchestrator.service_action("stop", "mds.data"))
    act(cluster, "start", mds(cluster))
    assert records(cluster) == [mds(cluster), "service.mds.data"]
    cluster.fail_over()
    cluster.settle(LONG)
    others = [f"stop {mds(cluster, host).replace('.', '@', 1)}" for host in ("h1", "h3")]
    assert acted(cluster) == sorted([f"start {mds(cluster).replace('.', '@', 1)}", *others])


def test_a_restart_of_the_service_is_asked_for_later(cluster: Acting) -> None:
    act(cluster, "stop", mds(cluster))
    raise_if_exception(cluster.orchestrator.service_action("restart", "mds.data"))
    assert records(cluster) == []


def test_what_ends_later_than_it_was_replaced_takes_nothing_away(cluster: Acting) -> None:
    raise_if_exception(cluster.orchestrator.service_action("stop", "mds.data"))
    cluster.core.overtaken.by = lambda *_: None  # type: ignore[method-assign]
    act(cluster, "start", mds(cluster))
    first = next(each for each in cluster.engine.jobs() if each.request.hosts == ["h1", "h2", "h3"])
    cluster.engine.cancel(first.id)
    cluster.settle(10)
    assert records(cluster) == [mds(cluster)]


def test_what_cannot_be_submitted_leaves_what_was_asked_before(
    cluster: Acting, monkeypatch: pytest.MonkeyPatch
) -> None:
    act(cluster, "stop", "mon.h2")
    before = cluster.kept.get("daemon_action.mon.h2")

    def full(*_: Any) -> Any:
        raise NotReady("The job cannot be recorded.", "Is the disk full?")

    with monkeypatch.context() as patch:
        patch.setattr(cluster.engine, "submit", full)
        with pytest.raises(NotReady):
            act(cluster, "start", "mon.h2")
    assert cluster.kept.get("daemon_action.mon.h2") == before
    cluster.engine.held.clear()
    cluster.settle(2)
    assert records(cluster) == []


def test_of_a_service_that_cannot_be_kept_nothing_is_changed(cluster: Acting) -> None:
    act(cluster, "stop", mds(cluster))
    before = dict(cluster.keys.values)
    cluster.keys.refuse = lambda prefix, key: (
        errno.EACCES if prefix != "config-key get" and key.endswith(mds(cluster)) else 0
    )
    with pytest.raises(OrchestratorError, match="is not kept"):
        raise_if_exception(cluster.orchestrator.service_action("start", "mds.data"))
    assert cluster.keys.values == before
    assert [each.name for each in cluster.core.daemon_actions.all()] == [mds(cluster)]


def test_what_is_not_safe_any_more_waits_and_says_why(cluster: Acting) -> None:
    act(cluster, "stop", "mon.h2")
    cluster.fail_over()
    cluster.monitors.out_of_quorum = ["h3"]
    cluster.settle(LONG)
    assert acted(cluster) == []
    assert records(cluster) == ["mon.h2"]
    line = waits(cluster)
    assert line.startswith("stop of mon.h2, asked for at ")
    assert "mon.h2 cannot be stopped now: " in line
    assert "`ceph config-key rm mgr/ansible/daemon_action.mon.h2` ends it" in line
    assert "cannot be stopped now" in events(cluster, "mon")
    cluster.monitors.out_of_quorum = []
    cluster.settle(150)
    assert acted(cluster) == ["stop mon@h2"]
    assert waits(cluster) == ""


def test_what_waits_is_tried_again_less_and_less_often(
    cluster: Acting, monkeypatch: pytest.MonkeyPatch
) -> None:
    act(cluster, "stop", "mon.h2")
    cluster.fail_over()
    cluster.monitors.out_of_quorum = ["h3"]
    asked: List[float] = []
    guards = cluster.orchestrator.reconciler.services.guards
    check = guards.check_stop

    def counted(*arguments: Any, **named: Any) -> None:
        asked.append(cluster.now)
        check(*arguments, **named)

    monkeypatch.setattr(guards, "check_stop", counted)
    cluster.settle(300)
    pauses = [int(after - before) for before, after in zip(asked, asked[1:])]
    assert pauses == sorted(pauses)
    assert 4 <= len(asked) <= 8


def test_with_force_nobody_is_asked_by_the_next_manager_either(cluster: Acting) -> None:
    cluster.monitors.out_of_quorum = ["h3"]
    act(cluster, "stop", "mon.h2", force=True)
    cluster.fail_over()
    cluster.settle(LONG)
    assert acted(cluster) == ["stop mon@h2"]


def test_a_daemon_that_nobody_has_any_more_is_let_go(cluster: Acting) -> None:
    act(cluster, "stop", "mon.h2")
    cluster.fail_over()
    del cluster.daemons["h2", "mon", "h2"]
    cluster.monitors.mons.remove("h2")
    cluster.report(LONG)
    assert acted(cluster) == []
    assert records(cluster) == []
    assert "stop of mon.h2 is not done: no host has it" in events(cluster, "mon")
