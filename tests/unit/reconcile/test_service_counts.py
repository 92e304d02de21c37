"""``ceph orch ls`` counts monitors and managers as the maps do, against what the placement says."""

from __future__ import annotations

from typing import Tuple

import pytest

from adapter.cluster.schedule import counted
from adapter.interface import (
    MDSSpec,
    PlacementSpec,
    RGWSpec,
    ServiceSpec,
    raise_if_exception,
)
from tests.unit.reconcile.fake_cluster import Cluster
from tests.unit.reconcile.test_services import apply, service


def counts(cluster: Cluster, name: str) -> Tuple[int, int]:
    found = service(cluster, name)
    return found.running, found.size


@pytest.fixture
def two(cluster: Cluster) -> Cluster:
    """Return a cluster with the monitors h1 and h2, and h3 without a link."""
    apply(cluster, ServiceSpec("mon", placement=PlacementSpec(hosts=["h1", "h2"])))
    assert counts(cluster, "mon") == (2, 2)
    cluster.offline("h3")
    return cluster


def test_another_hosts_monitor_does_not_make_up_for_one(two: Cluster) -> None:
    apply(two, ServiceSpec("mon", placement=PlacementSpec(hosts=["h1", "h3"])))
    assert two.monitors.mons == ["h1", "h2"]
    assert counts(two, "mon") == (1, 2)


def test_what_is_too_much_is_shown_where_nothing_lacks(two: Cluster) -> None:
    apply(two, ServiceSpec("mon", placement=PlacementSpec(hosts=["h1"])))
    assert two.monitors.mons == ["h1", "h2"], "the monitors refuse"
    assert counts(two, "mon") == (2, 1)


@pytest.mark.parametrize(("out", "running"), [([], 2), (["h2"], 1)])
def test_the_quorum_counts_a_monitor_whose_host_does_not_answer(
    two: Cluster, out: list[str], running: int
) -> None:
    two.offline("h2")
    two.monitors.out_of_quorum = out
    two.settle(2)
    assert counts(two, "mon") == (running, 2)


def test_a_monitor_counts_that_its_host_has_not_reported_yet(two: Cluster) -> None:
    two.offline("h2")
    two.settle(1)
    two.core.reports.forget("h2")
    two.settle(1)
    assert counts(two, "mon") == (2, 2)


def test_the_manager_map_counts_managers(cluster: Cluster) -> None:
    apply(cluster, ServiceSpec("mgr", placement=PlacementSpec(hosts=["h1", "h2"])))
    cluster.offline("h2")
    cluster.settle(1)
    assert counts(cluster, "mgr") == (2, 2)
    cluster.monitors.managers.remove("h2")
    cluster.settle(1)
    assert counts(cluster, "mgr") == (1, 2)


def test_other_daemons_of_a_host_that_does_not_answer_do_not_count(cluster: Cluster) -> None:
    apply(cluster, MDSSpec(service_id="data", placement=PlacementSpec(hosts=["h1", "h2"])))
    cluster.offline("h2")
    cluster.settle(1)
    assert counts(cluster, "mds.data") == (1, 2)


def test_another_hosts_gateway_does_not_make_up_for_one(cluster: Cluster) -> None:
    apply(cluster, MDSSpec(service_id="data", placement=PlacementSpec(hosts=["h1", "h2"])))
    cluster.offline("h3")
    cluster.orchestrator.pause()
    apply(cluster, MDSSpec(service_id="data", placement=PlacementSpec(hosts=["h1", "h3"])))
    assert counts(cluster, "mds.data") == (1, 2)


@pytest.mark.parametrize(
    ("places", "running", "number"),
    [
        ((), {"h1": 2}, 2),
        (("h1", "h3"), {"h1": 1, "h2": 1}, 1),
        (("h1", "h3"), {"h1": 2, "h2": 1}, 1),
        (("h1", "h1"), {"h1": 2}, 2),
        (("h1",), {"h1": 1, "h2": 1, "h3": 1}, 3),
        (("h1",), {}, 0),
    ],
)
def test_counted(places: Tuple[str, ...], running: dict[str, int], number: int) -> None:
    assert counted(places, running) == number


@pytest.mark.parametrize(
    ("spec", "placement", "ports"),
    [
        (ServiceSpec("crash"), "*", ""),
        (MDSSpec("mds", service_id="a"), "count:2", ""),
        (RGWSpec(service_id="a"), "count:2", "?:80"),
        (RGWSpec(service_id="a", rgw_frontend_port=8001), "count:2", "?:8001"),
    ],
)
def test_a_list_shows_where_a_service_is_and_on_which_port(
    spec: ServiceSpec, placement: str, ports: str
) -> None:
    """Also where the spec leaves it to its kind."""
    cluster = Cluster()
    raise_if_exception(cluster.orchestrator.apply([spec]))
    (row,) = raise_if_exception(
        cluster.orchestrator.describe_service(service_name=spec.service_name())
    )
    assert row.spec.placement.pretty_str() == placement
    assert row.get_port_summary() == ports
    kept = cluster.core.specs.get(spec.service_name()).spec
    assert kept.placement.is_empty()


def test_what_is_listed_so_changes_nothing_when_it_is_applied() -> None:
    cluster = Cluster()
    raise_if_exception(cluster.orchestrator.apply([MDSSpec("mds", service_id="a")]))
    (row,) = raise_if_exception(cluster.orchestrator.describe_service(service_name="mds.a"))
    before = cluster.store.items("spec")
    raise_if_exception(cluster.orchestrator.apply([row.spec]))
    assert cluster.store.items("spec") == before


def test_one_that_is_left_alone_has_no_placement_that_nobody_gave_it() -> None:
    cluster = Cluster()
    raise_if_exception(cluster.orchestrator.apply([ServiceSpec("crash", unmanaged=True)]))
    (row,) = raise_if_exception(cluster.orchestrator.describe_service(service_name="crash"))
    assert row.spec.placement.is_empty()
