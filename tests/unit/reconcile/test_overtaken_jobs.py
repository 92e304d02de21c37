"""Jobs that wait for their host are dropped when a newer one makes them needless."""

from __future__ import annotations

from typing import Any, List

import pytest

from adapter.engine.model import JobStatus
from adapter.interface import MDSSpec, PlacementSpec, raise_if_exception
from tests.unit.reconcile.fake_cluster import Cluster

LABELS = ("add_host_label", "remove_host_label")


@pytest.fixture
def busy(cluster: Cluster) -> Cluster:
    """Return a cluster of which h2 is at something, with a metadata server on each host."""
    spec = MDSSpec(service_id="data", placement=PlacementSpec(host_pattern="*"))
    raise_if_exception(cluster.orchestrator.apply([spec]))
    cluster.settle()
    cluster.requests.clear()
    cluster.engine.held.add("h2")
    return cluster


def mds(cluster: Cluster) -> str:
    return next(
        f"mds.{name}" for host, kind, name in cluster.daemons if (host, kind) == ("h2", "mds")
    )


def free(cluster: Cluster) -> List[Any]:
    """Let the host have time again; return what ran there."""
    cluster.engine.held.clear()
    cluster.settle(3)
    return [each for each in cluster.requests if "h2" in each.hosts]


def calm(cluster: Cluster) -> bool:
    names = ("ANSIBLE_JOB_FAILED", "ANSIBLE_SERVICE_FAILED")
    return not any(name in cluster.orchestrator.health.checks() for name in names)


def test_ten_labels_are_one_job(busy: Cluster) -> None:
    for number in range(10):
        raise_if_exception(busy.orchestrator.add_host_label("h2", f"l{number}"))
        raise_if_exception(busy.orchestrator.add_host_label("h3", f"l{number}"))
    raise_if_exception(busy.orchestrator.remove_host_label("h2", "l3"))
    (job,) = [each for each in free(busy) if each.operation in LABELS]
    wanted = sorted({f"l{number}" for number in range(10)} - {"l3"})
    assert job.variables["host_record_labels"] == wanted
    assert calm(busy)


def test_the_jobs_that_are_dropped_say_which_one_does_it(busy: Cluster) -> None:
    for label in ("a", "b"):
        raise_if_exception(busy.orchestrator.add_host_label("h2", label))
    last, first = [each for each in busy.engine.jobs() if each.request.operation in LABELS][:2]
    assert first.status is JobStatus.CANCELLED
    assert first.message == f"overtaken: job {last.id} was asked for later and does it"
    assert last.status is JobStatus.QUEUED


def test_a_label_that_comes_and_goes_meanwhile_is_told_as_it_is_at_last(busy: Cluster) -> None:
    raise_if_exception(busy.orchestrator.add_host_label("h2", "a"))
    raise_if_exception(busy.orchestrator.remove_host_label("h2", "a"))
    (job,) = [each for each in free(busy) if each.operation in LABELS]
    assert job.variables["host_record_labels"] == []


@pytest.mark.parametrize("actions", [("stop", "start"), ("start", "stop"), ("stop", "restart")])
def test_of_queued_actions_the_last_one_is_done(busy: Cluster, actions: Any) -> None:
    for action in actions:
        raise_if_exception(busy.orchestrator.daemon_action(action, mds(busy)))
    done = [each.variables["daemon_action_action"] for each in free(busy)]
    assert done == [actions[-1]]
    assert calm(busy)


def test_a_service_that_is_stopped_and_started_is_not_stopped(busy: Cluster) -> None:
    busy.engine.held.update(("h1", "h3"))
    for action in ("stop", "start"):
        raise_if_exception(busy.orchestrator.service_action(action, "mds.data"))
    assert [each.variables["daemon_action_action"] for each in free(busy)] == ["start"]
    assert calm(busy)


def test_an_action_on_one_daemon_does_not_drop_what_others_are_to_do(busy: Cluster) -> None:
    raise_if_exception(busy.orchestrator.service_action("stop", "mds.data"))
    raise_if_exception(busy.orchestrator.daemon_action("start", mds(busy)))
    assert [each.variables["daemon_action_action"] for each in free(busy)] == ["stop", "start"]


def test_what_runs_is_not_overtaken(cluster: Cluster) -> None:
    raise_if_exception(cluster.orchestrator.add_host_label("h2", "a"))
    raise_if_exception(cluster.orchestrator.add_host_label("h2", "b"))
    cluster.settle(2)
    jobs = [each for each in cluster.requests if each.operation in LABELS and each.hosts == ["h2"]]
    assert [each.variables["host_record_labels"] for each in jobs[-2:]] == [["a"], ["a", "b"]]


def test_a_deployment_that_waits_is_given_up_when_its_service_is_left_alone(busy: Cluster) -> None:
    spec = MDSSpec(service_id="new", placement=PlacementSpec(hosts=["h2"]))
    raise_if_exception(busy.orchestrator.apply([spec]))
    busy.settle(2)
    raise_if_exception(busy.orchestrator.set_unmanaged("mds.new", True))
    assert [each.operation for each in free(busy) if each.operation.startswith("apply")] == []
    raise_if_exception(busy.orchestrator.set_unmanaged("mds.new", False))
    assert len([each for each in free(busy) if each.operation.startswith("apply")]) == 1
    assert any("new" in key for key in busy.monitors.keys)


def test_what_was_asked_for_by_hand_is_done_whatever_becomes_of_the_spec(busy: Cluster) -> None:
    spec = MDSSpec(service_id="new", placement=PlacementSpec(hosts=["h2"]))
    raise_if_exception(busy.orchestrator.add_daemon(spec))
    again = MDSSpec(service_id="new", placement=PlacementSpec(hosts=["h3"]), unmanaged=True)
    raise_if_exception(busy.orchestrator.apply([again]))
    busy.settle(2)
    assert len([each for each in free(busy) if each.operation.startswith("apply")]) == 1


def test_a_deployment_that_waits_is_given_up_with_its_service(busy: Cluster) -> None:
    spec = MDSSpec(service_id="new", placement=PlacementSpec(hosts=["h2"]))
    raise_if_exception(busy.orchestrator.apply([spec]))
    busy.settle(2)
    raise_if_exception(busy.orchestrator.remove_service("mds.new"))
    busy.settle(2)
    assert [each.operation for each in free(busy) if each.operation.startswith("apply")] == []
    assert busy.core.specs.find("mds.new") is None
    busy.report(3)
    assert [key for key in busy.monitors.keys if "new" in key] == []
    assert busy.core.deployments.of_service("mds.new") == []
    assert calm(busy)


def test_a_deployment_that_waits_follows_a_spec_that_is_applied_again(busy: Cluster) -> None:
    spec = MDSSpec(service_id="new", placement=PlacementSpec(hosts=["h2"]))
    raise_if_exception(busy.orchestrator.apply([spec]))
    busy.settle(2)
    spec = MDSSpec(service_id="new", placement=PlacementSpec(hosts=["h3"]))
    raise_if_exception(busy.orchestrator.apply([spec]))
    busy.settle(2)
    there = [host for host, kind, name in busy.daemons if kind == "mds" and name.startswith("new")]
    assert there == ["h3"], "it waits for the host that it shall not be on any more"
    assert [each.operation for each in free(busy) if each.operation.startswith("apply")] == []
    assert calm(busy)
