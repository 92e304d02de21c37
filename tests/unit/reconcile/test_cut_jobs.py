"""A job that ended with its manager is no failed operation: what it was to do is kept."""

from __future__ import annotations

import pytest

from adapter.interface import MDSSpec, PlacementSpec, raise_if_exception
from tests.unit.reconcile.fake_cluster import Cluster


@pytest.mark.parametrize("mine", [False, True], ids=["of the manager before", "of this one"])
def test_a_stop_that_was_cut(cluster: Cluster, mine: bool) -> None:
    """Seen eight minutes later, after another manager had done it and this one was active again."""
    spec = MDSSpec(service_id="fs", placement=PlacementSpec(hosts=["h1", "h2"]))
    raise_if_exception(cluster.orchestrator.apply([spec]))
    cluster.settle(20)
    (_, _, name), *_ = [key for key in cluster.daemons if key[1] == "mds"]
    raise_if_exception(cluster.orchestrator.daemon_action("stop", f"mds.{name}", force=True))
    if not mine:
        cluster.start_anew(keep_jobs=True)
    (job,) = [each for each in cluster.engine.jobs() if each.request.operation == "daemon_action"]
    cluster.engine.cancel(job.id)
    for _ in range(3):
        cluster.engine.poll()
    failed = "ANSIBLE_JOB_FAILED" in cluster.orchestrator.health.checks()
    assert failed is mine
