"""A host that is added again without its labels keeps the daemons that run on it."""

from __future__ import annotations

import pytest

from adapter.interface import HostSpec, PlacementSpec, ServiceSpec, raise_if_exception
from tests.unit.reconcile.fake_cluster import Cluster

LABEL = "files"


def spec() -> ServiceSpec:
    return ServiceSpec("mds", "fs", placement=PlacementSpec(label=LABEL))


def on(cluster: Cluster, host: str) -> list[str]:
    return sorted(name for where, kind, name in cluster.daemons if (where, kind) == (host, "mds"))


@pytest.fixture
def back(cluster: Cluster) -> Cluster:
    """Return a cluster of which a host was removed and added again, without its labels."""
    for host in ("h1", "h2"):
        raise_if_exception(cluster.orchestrator.add_host_label(host, LABEL))
    raise_if_exception(cluster.orchestrator.apply([spec()]))
    cluster.settle(20)
    assert on(cluster, "h2")
    raise_if_exception(cluster.orchestrator.remove_host("h2", force=True))
    cluster.settle(3)
    raise_if_exception(cluster.orchestrator.add_host(HostSpec("h2", addr="10.0.0.2")))
    cluster.report(20)
    return cluster


def held(cluster: Cluster) -> str:
    return str(cluster.orchestrator.health.checks().get("ANSIBLE_SERVICE_HELD", ""))


def test_it_keeps_its_daemons(back: Cluster) -> None:
    (name,) = on(back, "h2")
    said = held(back)
    assert f"mds.{name} on host h2 not removed" in said
    assert f"`ceph orch host label add h2 {LABEL}`" in said
    assert f"`ceph orch daemon rm mds.{name} --force`" in said
    back.start_anew()
    back.report(20)
    assert on(back, "h2") == [name]


def test_with_its_label_nothing_is_held(back: Cluster) -> None:
    before = on(back, "h2")
    raise_if_exception(back.orchestrator.add_host_label("h2", LABEL))
    back.settle(20)
    assert on(back, "h2") == before
    assert held(back) == ""


@pytest.mark.parametrize("how", ["apply", "label"])
def test_who_asks_for_it_gets_it(back: Cluster, how: str) -> None:
    if how == "apply":
        raise_if_exception(back.orchestrator.apply([spec()]))
    else:
        raise_if_exception(back.orchestrator.add_host_label("h2", LABEL))
        back.settle(5)
        raise_if_exception(back.orchestrator.remove_host_label("h2", LABEL))
    back.settle(40)
    assert on(back, "h2") == []
    assert len(on(back, "h1")) == 1
    assert held(back) == ""


def test_another_label_takes_nothing_away(back: Cluster) -> None:
    before = on(back, "h2")
    raise_if_exception(back.orchestrator.add_host_label("h2", "ssd"))
    raise_if_exception(back.orchestrator.remove_host_label("h2", "ssd"))
    back.report(40)
    assert on(back, "h2") == before
    assert f"mds.{before[0]} on host h2 not removed" in held(back)


def test_deployed_again_it_stays(back: Cluster) -> None:
    (name,) = on(back, "h2")
    raise_if_exception(back.orchestrator.daemon_action("redeploy", f"mds.{name}"))
    back.settle(20)
    assert back.core.deployments.get("h2", f"mds.{name}")
    back.start_anew()
    back.report(40)
    assert on(back, "h2") == [name]
    assert f"mds.{name} on host h2 not removed" in held(back)


def test_a_host_that_takes_no_daemons_keeps_none(back: Cluster) -> None:
    raise_if_exception(back.orchestrator.add_host_label("h2", "_no_schedule"))
    back.settle(40)
    assert on(back, "h2") == []


def test_a_label_that_its_spec_leaves_out_is_taken_on_purpose(back: Cluster) -> None:
    for labels in ([LABEL], ["other"]):
        spec = HostSpec("h2", addr="10.0.0.2", labels=labels)
        raise_if_exception(back.orchestrator.add_host(spec))
        back.settle(5)
    back.settle(40)
    assert on(back, "h2") == []
