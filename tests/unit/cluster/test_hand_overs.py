"""A manager that hands over tells the next one what goes down; who knows nothing waits."""

from __future__ import annotations

import math
from typing import Any, Dict, Mapping, Optional

import pytest

from adapter.cluster.going_down import MAPS_FOLLOW
from adapter.cluster.hand_overs import GOES_ON, KEY
from adapter.cluster.store import MemoryStore
from adapter.cluster.turns import KEY as TURNS
from adapter.errors import AdapterError, NotKept, NotReady, ReportAwaited
from adapter.interface import HostSpec, OrchestratorError, raise_if_exception
from adapter.reconcile.left_jobs import LeftJobs
from tests.unit.reconcile.fake_cluster import Cluster


class Refused(Exception):
    pass


class Full(MemoryStore):
    """A store that keeps nothing while ``is_full``."""

    is_full = False

    def set(self, key: str, record: Optional[Mapping[str, Any]]) -> None:
        if self.is_full:
            raise NotKept(key, 16, "the monitors refuse it", "Ask again.")
        super().set(key, record)


@pytest.fixture
def three() -> Cluster:
    """Return a cluster with monitors and managers on three hosts, h1's active for some time."""
    cluster = Cluster()
    cluster.store = Full()
    cluster.start_anew()
    for number in (1, 2, 3):
        spec = HostSpec(f"h{number}", f"10.0.0.{number}")
        raise_if_exception(cluster.orchestrator.add_host(spec))
    for name in ("h2", "h3"):
        for kind in ("mon", "mgr"):
            cluster.daemons[name, kind, name] = "running"
        cluster.monitors.mons.append(name)
        cluster.monitors.managers.append(name)
    cluster.monitors.quorum_counts = True
    cluster.report()
    active(cluster, "h1")
    return cluster


def active(cluster: Cluster, name: str) -> None:
    """Let the manager of a host be the active one, and be kept as that."""
    cluster.engine.controller = name
    cluster.orchestrator.reconciler.left_jobs = LeftJobs(cluster.core, f"mgr.{name}")
    cluster.step()


def act(cluster: Cluster, action: str, name: str) -> str:
    return str(raise_if_exception(cluster.orchestrator.daemon_action(action, name)))


def full(cluster: Cluster) -> None:
    """Let the store keep nothing more."""
    assert isinstance(cluster.store, Full)
    cluster.store.is_full = True


def fill_and_fail(cluster: Cluster) -> None:
    """Hand over to nobody, while the store fills."""
    with cluster.core.hand_overs.telling():
        full(cluster)
        raise Refused


def hand_over(cluster: Cluster) -> None:
    """Hand over, when the other managers' hosts have said that they have the backend."""
    guards = cluster.orchestrator.reconciler.services.guards
    with pytest.raises(ReportAwaited):
        guards.hand_over("h1")
    cluster.answer_questions()
    cluster.engine.poll()
    guards.hand_over("h1")


def next_manager(cluster: Cluster, name: str = "h2") -> float:
    """Let another manager take over; return for how long it knows nothing."""
    cluster.start_anew()
    cluster.engine.controller = name
    cluster.core.hand_overs.take_over()
    return cluster.core.going_down.unknown_for()


def test_who_takes_over_by_a_hand_over_need_not_wait(three: Cluster) -> None:
    hand_over(three)
    assert next_manager(three) == 0.0
    assert three.store.get(KEY) is None
    assert act(three, "stop", "mon.h2").startswith("Scheduled")


def test_it_is_told_once_only(three: Cluster) -> None:
    hand_over(three)
    next_manager(three)
    assert next_manager(three) == MAPS_FOLLOW


def test_what_was_stopped_just_before_is_told(three: Cluster) -> None:
    act(three, "stop", "mon.h2")
    three.step()
    three.step()
    hand_over(three)
    assert next_manager(three) == 0.0
    assert three.core.going_down.of("mon") == ["h2"]
    with pytest.raises(AdapterError, match=r"mon\.h3 cannot be stopped now: .*mon\.h2 is going"):
        act(three, "stop", "mon.h3")
    three.now += 60
    assert three.core.going_down.of("mon") == []


def test_nothing_is_told_while_a_job_stops_something(three: Cluster) -> None:
    three.engine.held.add("h2")
    act(three, "stop", "mon.h2")
    three.step()
    hand_over(three)
    assert three.store.get(KEY) is None
    assert next_manager(three) == MAPS_FOLLOW


def test_nothing_is_told_by_one_that_knows_nothing_itself(three: Cluster) -> None:
    three.core.going_down.began = three.now - 1.0
    hand_over(three)
    assert next_manager(three) == MAPS_FOLLOW


def test_nothing_is_stopped_by_one_that_hands_over(three: Cluster) -> None:
    hand_over(three)
    with pytest.raises(NotReady, match="Another manager is taking over"):
        act(three, "stop", "mon.h2")
    # What takes nothing down is done.
    three.core.submit("get_inventory", three.core.online_hosts(["h2"]))


def test_one_that_stays_takes_it_back_and_goes_on(three: Cluster) -> None:
    hand_over(three)
    three.now += GOES_ON
    assert act(three, "stop", "mon.h2").startswith("Scheduled")
    assert three.store.get(KEY) is None


def test_one_that_cannot_hand_over_takes_it_back(three: Cluster) -> None:
    three.monitors.refuse = "mgr fail"
    with pytest.raises(OrchestratorError):
        hand_over(three)
    assert three.store.get(KEY) is None
    assert act(three, "stop", "mon.h2").startswith("Scheduled")


def test_where_it_cannot_be_taken_back_nothing_is_stopped(three: Cluster) -> None:
    with pytest.raises(Refused):
        fill_and_fail(three)
    with pytest.raises(AdapterError):
        act(three, "stop", "mon.h2")
    three.now += GOES_ON
    with pytest.raises(NotKept):
        act(three, "stop", "mon.h2")


@pytest.mark.parametrize(
    "changed",
    [
        {"going": None},
        {"going": ["mon.h1"]},
        {"going": {"mon.h1": "45"}},
        {"going": {"mon.h1": 1e9}},
        {"going": {"mon.h1": math.nan}},
        {"controller": 5},
        # Somebody else was active after it, who did not take it away.
        {"controller": "h3"},
        None,
    ],
)
def test_what_cannot_be_used_is_as_if_nothing_was_told(
    three: Cluster, changed: Optional[Dict[str, Any]]
) -> None:
    hand_over(three)
    record = three.store.get(KEY)
    assert record == {"controller": "h1", "going": {}}
    three.store.set(KEY, {**record, **changed} if changed is not None else {})
    assert next_manager(three) == MAPS_FOLLOW
    assert three.store.get(KEY) is None


def test_without_the_turns_of_managers_it_is_not_used(three: Cluster) -> None:
    hand_over(three)
    three.store.set(TURNS, None)
    assert next_manager(three) == MAPS_FOLLOW
