"""A job that waits long for another one is heard: in health, in the job list, in its service."""

from __future__ import annotations

import time
from typing import List

import pytest

from adapter import jobs_view
from adapter.cluster.waiting_jobs import LONG
from adapter.engine.model import JobRecord, JobStatus, Request, Target
from adapter.interface import MDSSpec, PlacementSpec, raise_if_exception
from tests.unit.reconcile.fake_cluster import Cluster


def lines(cluster: Cluster) -> List[str]:
    check = cluster.orchestrator.health.checks().get("ANSIBLE_JOB_WAITS") or {"detail": []}
    return list(check["detail"])


def said(cluster: Cluster) -> str:
    return " ".join(each.message for each in cluster.core.events.of("mds.fs"))


@pytest.fixture
def waiting(cluster: Cluster) -> Cluster:
    """Return a cluster in which a service's job waits for the host of an older one."""
    cluster.serving()
    cluster.engine.held.add("h3")
    disks = {"h3": [{"path": "/dev/sdb", "size": 1, "device_id": "x"}]}
    parameters = {"devices": disks, "cluster": cluster.core.cluster}
    hosts = cluster.core.online_hosts(["h3"])
    cluster.core.submit("zap_device", hosts, parameters=parameters, summary="Erase a disk")
    spec = MDSSpec(service_id="fs", placement=PlacementSpec(hosts=["h3"]))
    raise_if_exception(cluster.orchestrator.apply([spec]))
    cluster.settle(3)
    return cluster


def later(cluster: Cluster) -> None:
    """Let all jobs be older than somebody is told of."""
    cluster.engine._clock = lambda: time.time() - LONG - 1
    for completion in cluster.engine._completions.values():
        record = completion.record
        if not record.status.final:
            completion.update(
                JobRecord(**{**vars(record), "created": record.created - LONG - 1}), {}
            )
    cluster.step()


def test_nothing_is_said_for_a_while(waiting: Cluster) -> None:
    assert lines(waiting) == []
    assert "waits since" not in said(waiting)


def test_both_jobs_and_the_host_are_named(waiting: Cluster) -> None:
    later(waiting)
    (zap,) = [each for each in waiting.engine.jobs() if each.request.operation == "zap_device"]
    (line,) = [line for line in lines(waiting) if "mds.fs.h3" in line]
    assert f"for host h3, which job {zap.id} changes (Erase a disk, queued since" in line
    assert f"`ceph ansible job cancel {zap.id}` ends it on the host too" in line
    assert f"for host h3, which job {zap.id} changes" in said(waiting)


def test_it_is_over_when_the_job_begins(waiting: Cluster) -> None:
    later(waiting)
    waiting.engine.held.clear()
    waiting.settle(3)
    assert lines(waiting) == []


def test_the_list_says_what_a_job_waits_for() -> None:
    request = Request("apply_mds", (Target("h3", "10.0.0.3"),), summary="Deploy mds.a")
    reason = "it waits for job 7, which changes host 'h3'"
    record = JobRecord("8", request, JobStatus.QUEUED, 0.0, message=f"apply_mds: queued; {reason}")
    assert f"Deploy mds.a ({reason})" in jobs_view.table([jobs_view.row(record)])
