"""Labels and hosts that go do not take most of the monitors, or all managers."""

from __future__ import annotations

import errno
import time
from typing import List

import pytest

from adapter.interface import PlacementSpec, ServiceSpec, raise_if_exception
from tests.unit.reconcile.fake_cluster import Cluster
from tests.unit.reconcile.fake_crush import Daemon
from tests.unit.reconcile.over_monitors import KeptCluster
from tests.unit.reconcile.test_services import apply, there


@pytest.fixture
def five() -> Cluster:
    return Cluster(hosts=5)


def label(cluster: Cluster, hosts: List[str], *, name: str = "mon", gone: bool = False) -> None:
    call = cluster.orchestrator
    for host in hosts:
        change = call.remove_host_label if gone else call.add_host_label
        raise_if_exception(change(host, name))
    cluster.settle(30)


def labelled(cluster: Cluster, kind: str = "mon") -> Cluster:
    label(cluster, ["h1", "h2", "h3", "h4", "h5"])
    apply(cluster, ServiceSpec(kind, placement=PlacementSpec(label="mon")))
    cluster.settle(20)
    assert len(there(cluster, kind)) == 5
    return cluster


def held(cluster: Cluster) -> str:
    return str(cluster.orchestrator.health.checks().get("ANSIBLE_SERVICE_HELD", ""))


def test_a_label_that_is_taken_from_all_hosts_takes_no_monitor(five: Cluster) -> None:
    labelled(five)
    label(five, ["h1", "h2", "h3", "h4", "h5"], gone=True)
    # One label after the other went: down to a majority nobody was in the way.
    assert len(there(five, "mon")) >= 3
    assert "mon: its placement (label:mon) leaves 0 of the 5 daemon(s) that it had" in held(five)
    left = there(five, "mon")
    five.settle(20)
    assert there(five, "mon") == left
    label(five, left)
    assert held(five) == ""


def test_hosts_that_lose_the_label_one_after_the_other(five: Cluster) -> None:
    labelled(five)
    for host in ("h5", "h4", "h3"):
        label(five, [host], gone=True)
    assert len(there(five, "mon")) == 3
    assert "leaves 2 of the 5 daemon(s)" in held(five)
    assert "`ceph orch apply mon --placement='label:mon'` does it anyway" in held(five)
    five.start_anew()
    five.settle(20)
    assert len(there(five, "mon")) == 3, "the next manager forgot what it had"
    apply(five, ServiceSpec("mon", placement=PlacementSpec(label="mon")))
    five.settle(20)
    assert (there(five, "mon"), held(five)) == (["h1", "h2"], "")


def test_a_label_that_moves_holds_nothing(cluster: Cluster) -> None:
    label(cluster, ["h1", "h2"])
    apply(cluster, ServiceSpec("mon", placement=PlacementSpec(label="mon")))
    label(cluster, ["h3"])
    label(cluster, ["h2"], gone=True)
    assert (there(cluster, "mon"), held(cluster)) == (["h1", "h3"], "")


def test_a_host_that_is_offline_counts(five: Cluster) -> None:
    labelled(five)
    five.offline("h5")
    label(five, ["h4"], gone=True)
    assert (len(there(five, "mon")), held(five)) == (4, "")


def test_hosts_that_take_no_service_any_more(five: Cluster) -> None:
    labelled(five)
    label(five, ["h3", "h4", "h5"], name="_no_schedule")
    assert len(there(five, "mon")) == 5
    assert "leaves 2 of the 5" in held(five)


def test_the_managers_do_not_all_go(five: Cluster) -> None:
    labelled(five, "mgr")
    label(five, ["h1", "h2", "h3", "h4"], gone=True)
    five.orchestrator.reconciler.services.forget_backoff("mgr")
    five.settle(20)
    left = there(five, "mgr")
    label(five, ["h5"], gone=True)
    assert there(five, "mgr") == left
    assert "mgr: its placement (label:mon) leaves 0" in held(five)
    assert "with other hosts" in held(five)


def test_a_service_that_a_cluster_does_without_goes_with_its_label(cluster: Cluster) -> None:
    label(cluster, ["h1", "h2"])
    apply(cluster, ServiceSpec("crash", placement=PlacementSpec(label="mon")))
    label(cluster, ["h1", "h2"], gone=True)
    assert (there(cluster, "crash"), held(cluster)) == ([], "")


def test_what_is_too_many_stays_until_all_that_are_wanted_are_there(five: Cluster) -> None:
    apply(five, ServiceSpec("mon", placement=PlacementSpec(hosts=["h1", "h2", "h4"])))
    five.settle(20)
    for _ in range(2):
        five.core.liveness.missed("h3", "no route", five.now, 0.0)
    apply(five, ServiceSpec("mon", placement=PlacementSpec(hosts=["h1", "h2", "h3"])))
    five.settle(20)
    assert there(five, "mon") == ["h1", "h2", "h4"]
    assert "mon: mon.h4 not removed: host h3 of the placement has no mon yet and is offline" in (
        held(five)
    )
    five.core.liveness.seen("h3", five.now)
    five.settle(30)
    assert (there(five, "mon"), held(five)) == (["h1", "h2", "h3"], "")


def test_what_is_too_many_stays_while_one_that_is_wanted_is_broken(five: Cluster) -> None:
    apply(five, ServiceSpec("mon", placement=PlacementSpec(hosts=["h1", "h2", "h4"])))
    five.settle(20)
    five.break_on["apply_mon"] = {"h2": "no space"}
    five.daemons["h2", "mon", "h2"] = "error"
    five.core.submit("get_inventory", five.core.hosts.all())
    five.settle(2)
    apply(five, ServiceSpec("mon", placement=PlacementSpec(hosts=["h1", "h2"])))
    five.settle(20)
    assert there(five, "mon") == ["h1", "h2", "h4"]
    five.break_on.clear()
    five.orchestrator.reconciler.services.forget_backoff("mon")
    five.settle(30)
    assert there(five, "mon") == ["h1", "h2"]


def test_a_number_that_cannot_be_kept_is_tried_again() -> None:
    kept = KeptCluster()
    label(kept, ["h1", "h2"])
    apply(kept, ServiceSpec("mon", placement=PlacementSpec(label="mon")))
    raise_if_exception(kept.orchestrator.add_host_label("h3", "mon"))
    kept.refuse(errno.ETIMEDOUT, only="spec.")
    kept.settle(20)
    assert len(there(kept, "mon")) == 3
    assert kept.orchestrator.reconciler.problems == {}
    assert "spec.mon" in kept.core.unkept.reasons(time.monotonic())

    kept.refuse(0)
    kept.orchestrator.reconciler.services.forget_backoff("mon")
    kept.settle()
    assert kept.core.specs.all()[0].had == 3


class TestStretchMode:
    """Two sites with monitors of their own, and one that breaks ties."""

    @pytest.fixture
    def stretched(self) -> Cluster:
        cluster = Cluster(hosts=5)
        apply(cluster, ServiceSpec("mon", placement=PlacementSpec(hosts=["h1", "h2", "h3", "h4"])))
        cluster.settle(40)
        sites = {"h1": "dc1", "h2": "dc1", "h3": "dc2", "h4": "dc3"}
        cluster.monitors.locations = {k: [f"datacenter={v}"] for k, v in sites.items()}
        cluster.monitors.tiebreaker = "h4"
        for osd_id, host in enumerate(("h1", "h3")):
            cluster.monitors.osds[osd_id] = Daemon(host, "/dev/sdz", f"uuid-{osd_id}")
        cluster.monitors.buckets["dc1"] = ("datacenter", ["h1"])
        cluster.monitors.buckets["dc2"] = ("datacenter", ["h3"])
        return cluster

    # Another tiebreaker may be in the map before the old one is replaced.
    @pytest.mark.parametrize("more", [[], ["x"]])
    def test_the_last_one_of_a_site_stays(self, stretched: Cluster, more: List[str]) -> None:
        stretched.monitors.mons += more
        stretched.monitors.locations["x"] = ["datacenter=dc4"]
        apply(stretched, ServiceSpec("mon", placement=PlacementSpec(hosts=["h1", "h2", "h4"])))
        stretched.settle(20)
        assert sorted(stretched.monitors.mons) == ["h1", "h2", "h3", "h4", *more]
        said = " ".join(each.message for each in stretched.core.events.of("mon"))
        assert "mon.h3 is the last monitor of datacenter=dc2" in said

    def test_one_that_could_not_join_is_not_deployed(self, stretched: Cluster) -> None:
        hosts = ["h1", "h2", "h3", "h4", "h5"]
        apply(stretched, ServiceSpec("mon", placement=PlacementSpec(hosts=hosts)))
        stretched.settle(20)
        assert there(stretched, "mon") == ["h1", "h2", "h3", "h4"]
        assert "`ceph mon add h5 10.0.0.5 BUCKETTYPE=NAME`" in str(
            stretched.orchestrator.health.checks()
        )
        stretched.monitors.mons.append("h5")
        stretched.monitors.locations["h5"] = ["datacenter=dc2"]
        stretched.settle(120)
        assert there(stretched, "mon") == hosts
