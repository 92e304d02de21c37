"""A daemon that a placement calls something else is made anew, and the old one goes then."""

from __future__ import annotations

import pytest

from adapter.errors import AdapterError
from adapter.interface import PlacementSpec, ServiceSpec, raise_if_exception
from tests.unit.reconcile.fake_cluster import Cluster
from tests.unit.reconcile.over_monitors import KeptCluster
from tests.unit.reconcile.test_changed_specs import acts, apply


@pytest.fixture
def cluster() -> Cluster:
    """Return three hosts whose records are with the monitors."""
    return KeptCluster().serving()


def named(kind: str, *hosts: str) -> ServiceSpec:
    return ServiceSpec(kind, placement=PlacementSpec.from_string(" ".join(hosts)))


def test_a_changed_name_adds_the_new_one_before_the_old_one_goes(cluster: Cluster) -> None:
    apply(cluster, named("rbd-mirror", "h1=a", "h2=b"))
    cluster.requests.clear()
    text = raise_if_exception(cluster.orchestrator.plan([named("rbd-mirror", "h1=c", "h2=b")]))
    assert (text[0]["add"], text[0]["remove"]) == (["h1"], ["rbd-mirror.a"])
    apply(cluster, named("rbd-mirror", "h1=c", "h2=b"))

    there = sorted((host, name) for host, kind, name in cluster.daemons if kind == "rbd-mirror")
    assert there == [("h1", "c"), ("h2", "b")]
    assert acts(cluster) == ["apply_rbd_mirror", "remove_daemons"]
    cluster.requests.clear()
    apply(cluster, named("rbd-mirror", "h1=c", "h2=b"))
    assert acts(cluster) == []


def test_the_name_of_another_hosts_daemon_is_refused(cluster: Cluster) -> None:
    apply(cluster, named("rbd-mirror", "h1=a", "h2=b"))
    with pytest.raises(AdapterError, match=r"'h3=b': rbd-mirror\.b is on host h2"):
        raise_if_exception(cluster.orchestrator.apply([named("rbd-mirror", "h1=a", "h3=b")]))


def test_a_name_that_is_no_longer_given_changes_nothing(cluster: Cluster) -> None:
    apply(cluster, named("rbd-mirror", "h1=a"))
    cluster.requests.clear()
    apply(cluster, named("rbd-mirror", "h1"))
    assert acts(cluster) == []


def test_a_manager_gets_its_new_name(cluster: Cluster) -> None:
    cluster.monitors.elsewhere = {"mgr.a": "h2", "mgr.b": "h2"}
    apply(cluster, named("mgr", "h1", "h2=a"))
    apply(cluster, named("mgr", "h1", "h2=b"))
    cluster.settle(20)
    assert sorted(name for _, kind, name in cluster.daemons if kind == "mgr") == ["b", "h1"]
