"""What would not find the cluster again is not restarted."""

from __future__ import annotations

from typing import Any

import pytest

from adapter.errors import AdapterError
from adapter.interface import raise_if_exception
from tests.unit.reconcile.fake_cluster import Cluster, drive_group


@pytest.fixture
def lost(cluster: Cluster) -> Cluster:
    """Return a cluster with OSDs of which one host's ceph.conf names another cluster's monitor."""
    raise_if_exception(cluster.orchestrator.apply([drive_group("all")]))
    cluster.settle(20)
    cluster.confs["h2"] = {"mons": ["10.9.9.9"], "ours": False}
    cluster.daemons["h2", "mds", "x"] = "running"
    cluster.report(4)
    return cluster


def restart(cluster: Cluster, name: str, **values: Any) -> str:
    return str(raise_if_exception(cluster.orchestrator.daemon_action("restart", name, **values)))


def osd_on(cluster: Cluster, host: str) -> str:
    return next(f"osd.{n}" for n, osd in cluster.monitors.osds.items() if osd.host == host)


def test_a_daemon_of_such_a_host_is_not_restarted(lost: Cluster) -> None:
    for name in (osd_on(lost, "h2"), "mds.x"):
        with pytest.raises(AdapterError, match=r"names no monitor that there is, only 10\.9\.9\.9"):
            restart(lost, name)
    assert restart(lost, osd_on(lost, "h1")).startswith("Scheduled")
    assert restart(lost, osd_on(lost, "h2"), force=True).startswith("Scheduled")


def test_a_service_is_restarted_but_for_those(lost: Cluster) -> None:
    raise_if_exception(lost.orchestrator.service_action("restart", "osd.all"))
    lost.settle(60)
    restarted = {
        host
        for request in lost.requests
        if request.operation == "service_action"
        for host in request.variables["daemon_action_units"]
    }
    assert restarted == {"h1", "h3"}
    assert "10.9.9.9" in str(lost.orchestrator.health.checks())
