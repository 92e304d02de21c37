"""Of daemons that are too many, those go that nobody misses."""

from __future__ import annotations

from itertools import permutations
from typing import Any, List, Tuple

import pytest

from adapter.cluster.schedule import Daemon, difference
from adapter.interface import (
    HostSpec,
    MDSSpec,
    PlacementSpec,
    RGWSpec,
    ServiceSpec,
    raise_if_exception,
)
from tests.unit.reconcile.fake_cluster import Cluster

HOSTS = ("h1", "h2", "h3")


def apply(cluster: Cluster, spec: ServiceSpec) -> None:
    raise_if_exception(cluster.orchestrator.apply([spec]))
    cluster.settle()


def of_kind(cluster: Cluster, kind: str) -> List[Tuple[str, str]]:
    return sorted((host, name) for host, each, name in cluster.daemons if each == kind)


def spec_of(kind: str, **placement: Any) -> ServiceSpec:
    where = PlacementSpec(**placement)
    if kind == "mds":
        return MDSSpec(service_id="data", placement=where)
    if kind == "rgw":
        return RGWSpec(service_id="a", placement=where)
    return ServiceSpec(kind, placement=where)


@pytest.mark.parametrize("place", range(3))
def test_the_metadata_server_that_serves_stays(full: Cluster, place: int) -> None:
    apply(full, spec_of("mds", host_pattern="*"))
    host, active = of_kind(full, "mds")[place]
    full.monitors.filesystems = {"data": [active]}
    full.settle(2)
    apply(full, spec_of("mds", count=1))
    assert of_kind(full, "mds") == [(host, active)]


def test_of_several_on_a_host_the_one_that_serves_stays(full: Cluster) -> None:
    apply(full, spec_of("mds", hosts=["h1"], count_per_host=3))
    for _, active in of_kind(full, "mds"):
        full.monitors.filesystems = {"data": [active]}
        full.settle(2)
        apply(full, spec_of("mds", hosts=["h1"], count_per_host=1))
        assert of_kind(full, "mds") == [("h1", active)]
        apply(full, spec_of("mds", hosts=["h1"], count_per_host=3))


def test_one_that_took_over_since_the_maps_were_read_stays(full: Cluster) -> None:
    apply(full, spec_of("mds", host_pattern="*"))
    names = [name for _, name in of_kind(full, "mds")]
    for active in names:
        apply(full, spec_of("mds", host_pattern="*"))
        full.monitors.filesystems = {"data": [names[0]]}
        full.orchestrator.reconciler.read_maps()
        full.monitors.filesystems = {"data": [active]}
        raise_if_exception(full.orchestrator.apply([spec_of("mds", count=1)]))
        # The maps are not read again before the loop acts.
        full.orchestrator.reconciler.services.step(full.now)
        full.engine.poll()
        full.settle(30)
        assert active in [name for _, name in of_kind(full, "mds")]
        full.orchestrator.reconciler.services.forget_backoff("mds.data")
        full.settle(10)
        assert [name for _, name in of_kind(full, "mds")] == [active]


def test_one_that_serves_goes_where_the_placement_leaves_no_choice(full: Cluster) -> None:
    apply(full, spec_of("mds", host_pattern="*"))
    (_, active), *others = of_kind(full, "mds")
    full.monitors.filesystems = {"data": [active]}
    full.monitors.standbys = dict(enumerate(name for _, name in others))
    full.settle(2)
    apply(full, spec_of("mds", hosts=["h2"]))
    full.settle(20)
    assert [host for host, _ in of_kind(full, "mds")] == ["h2"]


@pytest.mark.parametrize("active", HOSTS)
def test_the_manager_that_works_stays(full: Cluster, active: str) -> None:
    apply(full, spec_of("mgr", hosts=list(HOSTS)))
    while full.monitors.managers[0] != active:
        full.monitors.managers.append(full.monitors.managers.pop(0))
    full.settle(2)
    full.monitors.log.clear()
    apply(full, spec_of("mgr", count=1))
    assert of_kind(full, "mgr") == [(active, active)]
    assert [line for line in full.monitors.log if "mgr fail" in line] == []


def test_a_monitor_outside_the_quorum_goes_first(full: Cluster) -> None:
    for out in HOSTS[1:]:
        full.monitors.out_of_quorum = []
        apply(full, spec_of("mon", hosts=list(HOSTS)))
        full.settle(10)
        assert len(of_kind(full, "mon")) == 3
        full.monitors.out_of_quorum = [out]
        full.settle(3)
        apply(full, spec_of("mon", count=2))
        assert out not in [name for _, name in of_kind(full, "mon")]


@pytest.mark.parametrize("kind", ["rgw", "rbd-mirror", "cephfs-mirror"])
@pytest.mark.parametrize("place", range(3))
def test_the_last_gateway_that_serves_stays(full: Cluster, kind: str, place: int) -> None:
    apply(full, spec_of(kind, hosts=list(HOSTS)))
    host, name = of_kind(full, kind)[place]
    for where, each in of_kind(full, kind):
        full.daemons[where, kind, each] = "running" if each == name else "starting"
    full.monitors.elsewhere = {f"{kind}.{name}": host}
    full.core.submit("get_inventory", full.core.hosts.all())
    full.settle(1)
    apply(full, spec_of(kind, count=1))
    assert of_kind(full, kind) == [(host, name)]


def test_a_gateway_goes_only_when_another_one_serves(full: Cluster) -> None:
    """h1 has the one that works, and the placement wants it gone."""
    apply(full, spec_of("rgw", hosts=["h1", "h2"]))
    (_, first), (_, second) = of_kind(full, "rgw")
    full.monitors.elsewhere = {f"rgw.{first}": "h1"}
    apply(full, spec_of("rgw", hosts=["h2"]))
    assert len(of_kind(full, "rgw")) == 2
    (row,) = raise_if_exception(full.orchestrator.describe_service(service_name="rgw.a"))
    assert f"rgw.{first} is the last one that serves" in row.events[-1].message
    full.monitors.elsewhere[f"rgw.{second}"] = "h2"
    full.orchestrator.reconciler.services.forget_backoff("rgw.a")
    full.settle()
    assert of_kind(full, "rgw") == [("h2", second)]


@pytest.mark.parametrize("known", [["h1", "h2"], []], ids=["both in the map", "none yet"])
def test_a_gateway_goes_only_when_one_that_stays_answers(full: Cluster, known: List[str]) -> None:
    apply(full, spec_of("rgw", hosts=["h1", "h2"]))
    gateways = dict(of_kind(full, "rgw"))
    full.monitors.elsewhere = {f"rgw.{gateways[host]}": host for host in known}
    full.said["h2", "rgw", gateways["h2"]] = {"answers": False}
    apply(full, spec_of("rgw", hosts=["h2"]))
    full.report(10)
    assert len(of_kind(full, "rgw")) == 2
    (row,) = raise_if_exception(full.orchestrator.describe_service(service_name="rgw.a"))
    assert f"rgw.{gateways['h2']} on host h2 does not answer" in row.events[-1].message

    full.said["h2", "rgw", gateways["h2"]] = {"answers": True}
    full.orchestrator.reconciler.services.forget_backoff("rgw.a")
    full.report(40)
    assert of_kind(full, "rgw") == [("h2", gateways["h2"])]


def test_what_serves_is_shown(full: Cluster) -> None:
    apply(full, spec_of("mds", host_pattern="*"))
    apply(full, spec_of("mgr", hosts=list(HOSTS)))
    (_, first), (_, second), _ = of_kind(full, "mds")

    def shown() -> List[str]:
        rows = raise_if_exception(full.orchestrator.list_daemons())
        return sorted(row.name() for row in rows if row.to_json().get("is_active"))

    full.monitors.filesystems = {"data": [first]}
    full.settle(2)
    assert shown() == [f"mds.{first}", "mgr.h1"]
    full.monitors.filesystems = {"data": [second]}
    full.monitors.managers.append(full.monitors.managers.pop(0))
    full.settle(2)
    assert shown() == [f"mds.{second}", f"mgr.{full.monitors.managers[0]}"]


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("count", [1, 2])
def test_the_better_ones_stay_whatever_the_draw(order: Tuple[int, ...], count: int) -> None:
    qualities = ({"active": True}, {}, {"ok": False, "runs": False})
    running = [
        Daemon(host, f"data.{host}.abcdef", **qualities[rank]) for host, rank in zip(HOSTS, order)
    ]
    for name in ("a", "b", "c", "d"):
        spec = MDSSpec(service_id=name, placement=PlacementSpec(count=count))
        diff = difference(spec, [HostSpec(host) for host in HOSTS], running)
        assert sorted(order[HOSTS.index(each.hostname)] for each in diff.kept) == list(range(count))
        first = diff.remove[0]
        assert not first.runs, "one that works goes before one that does not"
