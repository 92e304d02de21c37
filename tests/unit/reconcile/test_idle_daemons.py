"""A daemon that is stopped and disabled outside the placement stays, and health says so."""

from __future__ import annotations

from typing import List, Tuple

import pytest

from adapter.interface import MDSSpec, PlacementSpec, raise_if_exception
from tests.unit.reconcile.fake_cluster import Cluster


def apply(cluster: Cluster, *hosts: str) -> None:
    spec = MDSSpec(service_id="fs", placement=PlacementSpec(hosts=list(hosts)))
    raise_if_exception(cluster.orchestrator.apply([spec]))
    cluster.settle(20)


def held(cluster: Cluster) -> List[str]:
    check = cluster.orchestrator.health.checks().get("ANSIBLE_SERVICE_HELD") or {"detail": []}
    return list(check["detail"])


@pytest.fixture
def put_aside(cluster: Cluster) -> Tuple[Cluster, str]:
    """Return a cluster of whose two daemons one was stopped by somebody, and its name."""
    cluster.serving()
    apply(cluster, "h1", "h2")
    raise_if_exception(cluster.orchestrator.set_unmanaged("mds.fs", True))
    (key,) = [key for key in cluster.daemons if key[:2] == ("h2", "mds")]
    cluster.daemons[key], cluster.said[key] = "stopped", {"enabled": False}
    cluster.report()
    return cluster, f"mds.{key[2]}"


def test_of_a_service_that_is_left_as_it_is_nothing_is_said(put_aside: Tuple[Cluster, str]) -> None:
    cluster, _ = put_aside
    assert held(cluster) == []


def test_on_a_host_of_the_placement_it_is_deployed_again(put_aside: Tuple[Cluster, str]) -> None:
    cluster, name = put_aside
    raise_if_exception(cluster.orchestrator.set_unmanaged("mds.fs", False))
    cluster.settle(20)
    assert held(cluster) == []
    assert cluster.daemons["h2", "mds", name[4:]] == "running"


def test_outside_it_is_named_with_what_removes_it(put_aside: Tuple[Cluster, str]) -> None:
    """Seen: it stayed without a word."""
    cluster, name = put_aside
    apply(cluster, "h1")
    (line,) = held(cluster)
    assert line.startswith(f"mds.fs: {name} on host h2 stopped and disabled, not removed: its")
    assert f"`ceph orch daemon rm {name} --force`" in line
    assert ("h2", "mds", name[4:]) in cluster.daemons
    raise_if_exception(cluster.orchestrator.remove_daemons([name]))
    cluster.settle(20)
    assert held(cluster) == []
