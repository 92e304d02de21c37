"""The parts of a round: what goes wrong unexpectedly in one does not stop the others."""

from __future__ import annotations

import logging
import threading
from typing import Any

import pytest

from adapter.interface import (
    DeviceSelection,
    MDSSpec,
    OrchestratorError,
    PlacementSpec,
    raise_if_exception,
)
from adapter.loop import Loop
from adapter.reconcile.parts import Parts, for_each
from tests.unit.reconcile.fake_cluster import drive_group
from tests.unit.reconcile.over_monitors import KeptCluster


def boom(*_: Any) -> Any:
    raise RuntimeError("odd")


@pytest.fixture
def cluster() -> KeptCluster:
    cluster = KeptCluster()
    group = drive_group("x", data_devices=DeviceSelection(size="1G:"))
    raise_if_exception(cluster.orchestrator.apply([group]))
    cluster.settle()
    return cluster


@pytest.mark.part_fails
def test_parts_after_one_that_fails_do_their_work_in_the_same_round(
    cluster: KeptCluster, caplog: pytest.LogCaptureFixture
) -> None:
    cluster.monitors.before_safety = boom
    raise_if_exception(cluster.orchestrator.remove_osds(["2"]))
    mds = MDSSpec(service_id="x", placement=PlacementSpec(count=1))
    raise_if_exception(cluster.orchestrator.apply([mds]))
    with caplog.at_level(logging.ERROR):
        cluster.settle()

    assert [kind for _, kind, _ in cluster.daemons if kind == "mds"] == ["mds"]
    problems = cluster.orchestrator.reconciler.problems
    assert problems == {"removing OSDs": "RuntimeError: odd"}
    records = [each for each in caplog.records if each.exc_info]
    assert len(records) == 1, "it is logged once, with its traceback"

    cluster.monitors.before_safety = lambda: None
    cluster.settle()
    assert cluster.orchestrator.reconciler.problems == {}
    assert 2 not in cluster.monitors.osds


@pytest.mark.part_fails
def test_health_names_the_part_for_as_long_as_it_fails(cluster: KeptCluster) -> None:
    cluster.monitors.before_safety = boom
    raise_if_exception(cluster.orchestrator.remove_osds(["2"]))
    loop, stopped = Loop(cluster.core, cluster.orchestrator.reconciler), threading.Event()

    def until_told() -> None:
        cluster.core.wake_event.set()
        if loop.problems():
            stopped.set()

    loop.run(stopped, after=until_told)
    loop.close()

    assert loop.problems() == ["removing OSDs: RuntimeError: odd"]


@pytest.mark.part_fails
def test_maps_that_cannot_be_understood_stop_no_part(cluster: KeptCluster) -> None:
    cluster.monitors._mgr_dump = boom  # type: ignore[method-assign]
    mds = MDSSpec(service_id="x", placement=PlacementSpec(count=1))
    raise_if_exception(cluster.orchestrator.apply([mds]))
    cluster.settle()

    assert [kind for _, kind, _ in cluster.daemons if kind == "mds"] == ["mds"]
    assert cluster.orchestrator.reconciler.problems == {
        "reading the cluster's maps": "RuntimeError: odd"
    }


@pytest.mark.part_fails
def test_a_part_that_failed_is_tried_again_after_a_pause() -> None:
    parts, tried = Parts(), []

    def act() -> None:
        tried.append(1)
        raise RuntimeError("odd")

    pauses = [parts.run("a part", act, now) for now in (0.0, 1.0, 5.0)]
    assert len(tried) == 2
    assert pauses == [5.0, 4.0, 5.0]
    assert parts.problems == {"a part": "RuntimeError: odd"}
    assert parts.run("a part", lambda: 3.0, 10.0) == 3.0
    assert parts.problems == {}


def test_one_that_fails_leaves_its_neighbours_their_turn() -> None:
    seen = []

    def act(number: int) -> None:
        seen.append(number)
        if number < 3:
            raise ValueError(f"no {number}")

    with pytest.raises(ValueError, match="no 2") as caught:
        for_each((1, 2, 3), act)
    assert seen == [1, 2, 3]
    assert str(caught.value.__context__) == "no 1", "the log shows it too"
    for_each((4,), act)


def test_any_number_of_them_may_fail() -> None:
    seen = []

    def act(number: int) -> None:
        seen.append(number)
        raise ValueError(f"no {number}")

    with pytest.raises(ValueError, match="no 4999"):
        for_each(range(5000), act)
    assert len(seen) == 5000


def test_what_the_monitors_refuse_is_no_problem_of_a_part(cluster: KeptCluster) -> None:
    def refuse() -> None:
        raise OrchestratorError("no")

    cluster.monitors.before_safety = refuse
    raise_if_exception(cluster.orchestrator.remove_osds(["2"]))
    cluster.settle()

    assert cluster.orchestrator.reconciler.problems == {}
