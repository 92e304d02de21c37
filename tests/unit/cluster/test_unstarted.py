"""Actions whose manager ended before their turn: which are a warning, and what it says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, List, Optional, Tuple

import pytest

from adapter.engine import outcomes as words
from adapter.engine.model import JobStatus
from adapter.interface import MDSSpec, PlacementSpec, raise_if_exception
from tests.unit.reconcile.over_monitors import KeptCluster

WORDS = "not started, because the process that was to start it has ended; ask again"
# Later than all that was deployed before.
BEFORE = 2208988800.0


@pytest.fixture
def cluster() -> KeptCluster:
    """Return a cluster with an mds on h2 and on h3."""
    found = KeptCluster().serving()
    spec = MDSSpec(service_id="data", placement=PlacementSpec(hosts=["h2", "h3"]))
    raise_if_exception(found.orchestrator.apply([spec]))
    found.settle()
    found.engine.held.update(("h2", "h3"))
    return found


def ask(cluster: KeptCluster, action: str, of: str = "mds.data") -> str:
    """Ask for something that has to wait; return its job's id."""
    known = {each.id for each in cluster.engine.jobs()}
    call = cluster.orchestrator
    if of == "mds.data":
        raise_if_exception(call.service_action(action, of))
    elif action == "remove":
        raise_if_exception(call.remove_daemons([of]))
    else:
        raise_if_exception(call.daemon_action(action, of, force=True))
    (job,) = [each.id for each in cluster.engine.jobs() if each.id not in known]
    return job


def end_all(cluster: KeptCluster, began: Tuple[str, ...] = ()) -> None:
    """End what waits, as the next manager does that finds it; jobs are a second apart."""
    cluster.core.overtaken._dropped.clear()
    engine = cluster.engine
    queued = [each.id for each in engine.jobs() if each.status is JobStatus.QUEUED]
    for number, job_id in enumerate(sorted(queued)):
        done = engine._completions[job_id]
        done.update(replace(done.record, created=BEFORE + number), {})
    for job_id in queued:
        if job_id in began:
            continue
        engine._pending.remove(job_id)
        done = engine._completions[job_id]
        outcomes = words.settle(done.record.request, {}, set(), reason=WORDS)
        record = replace(
            done.record, status=JobStatus.CANCELLED, message=WORDS, finished=9e9, progress=1.0
        )
        done.update(record, outcomes)
        done.notify()


def warnings(cluster: KeptCluster) -> List[str]:
    found: Optional[Dict[str, Any]] = cluster.core.health().get("ANSIBLE_JOB_FAILED")
    return list(found["detail"]) if found else []


def mds(cluster: KeptCluster, host: str = "h2") -> str:
    (name,) = [each for where, kind, each in cluster.daemons if (where, kind) == (host, "mds")]
    return f"mds.{name}"


def keep_all(cluster: KeptCluster) -> None:
    """Let no job be overtaken when the next is asked for: they are of several programs."""
    cluster.core.overtaken.by = lambda *_: None  # type: ignore[method-assign]


def test_the_warning_says_what_was_asked_for_and_when(cluster: KeptCluster) -> None:
    job = ask(cluster, "stop")
    end_all(cluster)
    assert warnings(cluster) == [
        f"service_action (Stop the daemons of mds.data) on host {host} failed at "
        f"2040-01-01 00:00:00Z: cancelled: {WORDS} (ceph ansible job show {job})"
        for host in ("h2", "h3")
    ]


@pytest.mark.parametrize(
    ("older", "newer", "warned"),
    [
        ("stop", "start", ["Start"]),
        ("start", "stop", ["Stop"]),
        ("stop", "redeploy", []),
        ("start", "reconfig", []),
    ],
)
def test_who_asks_last_is_obeyed(
    cluster: KeptCluster, older: str, newer: str, warned: List[str]
) -> None:
    keep_all(cluster)
    ask(cluster, older)
    ask(cluster, newer)
    end_all(cluster)
    assert len(warnings(cluster)) == 2 * len(warned)
    for word in warned:
        assert all(f"({word} the daemons" in line for line in warnings(cluster))


@pytest.mark.parametrize(
    ("older", "newer", "warned"),
    [
        ("stop", "remove", []),
        ("restart", "remove", ["Restart"]),
        ("restart", "redeploy", ["Restart"]),
        ("stop", "start", ["Start"]),
    ],
)
def test_a_single_daemon(cluster: KeptCluster, older: str, newer: str, warned: List[str]) -> None:
    keep_all(cluster)
    daemon = mds(cluster)
    ask(cluster, older, daemon)
    ask(cluster, newer, daemon)
    end_all(cluster)
    assert [line.partition("(")[2].split(" ")[0] for line in warnings(cluster)] == warned
    assert all(f"{warned[0]} {daemon})" in line for line in warnings(cluster))


def test_one_daemon_that_is_asked_about_later_does_not_do_for_all(cluster: KeptCluster) -> None:
    keep_all(cluster)
    ask(cluster, "stop")
    ask(cluster, "redeploy", mds(cluster))
    end_all(cluster)
    assert len(warnings(cluster)) == 2


def test_an_earlier_act_counts_for_nothing(cluster: KeptCluster) -> None:
    keep_all(cluster)
    ask(cluster, "redeploy")
    ask(cluster, "stop")
    end_all(cluster)
    assert len(warnings(cluster)) == 2


def test_a_restart_of_a_service_goes_on_by_itself(cluster: KeptCluster) -> None:
    raise_if_exception(cluster.orchestrator.service_action("restart", "mds.data"))
    cluster.settle(3)
    end_all(cluster)
    assert warnings(cluster) == []
