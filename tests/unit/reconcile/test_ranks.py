"""A metadata server that has a rank goes only when another one can take it over."""

from __future__ import annotations

from typing import Any, List

import pytest

from adapter.errors import AdapterError
from adapter.interface import MDSSpec, PlacementSpec, raise_if_exception
from tests.unit.reconcile.fake_cluster import Cluster


def spec(service_id: str, **placement: Any) -> MDSSpec:
    return MDSSpec("mds", service_id=service_id, placement=PlacementSpec(**placement))


def apply(cluster: Cluster, *specs: MDSSpec) -> None:
    raise_if_exception(cluster.orchestrator.apply(list(specs)))
    cluster.settle(20)


def ids(cluster: Cluster) -> List[str]:
    return sorted(name for _, kind, name in cluster.daemons if kind == "mds")


def said(cluster: Cluster, service: str) -> str:
    return " ".join(event.message for event in cluster.core.events.of(service))


def test_one_that_runs_and_is_not_in_the_map_stands_by_for_nobody(full: Cluster) -> None:
    apply(full, spec("a", hosts=["h1", "h2"]))
    active, _hung = ids(full)
    full.monitors.filesystems = {"a": [active]}
    full.settle(5)

    apply(full, spec("a", hosts=["h2"]))

    assert active in ids(full)
    assert "no other one could take over" in said(full, "mds.a")


def test_ranks_that_a_file_system_needs_are_kept(full: Cluster) -> None:
    apply(full, spec("a", hosts=["h1", "h2"]))
    full.monitors.filesystems = {"a": ids(full)}
    full.settle(5)

    apply(full, spec("a", count=1))

    assert len(ids(full)) == 2
    assert "`ceph fs set a max_mds N`" in said(full, "mds.a")


def test_a_service_that_goes_leaves_another_file_system_served(full: Cluster) -> None:
    apply(full, spec("b", hosts=["h1"]))
    (only,) = ids(full)
    full.monitors.filesystems = {"a": [only]}
    full.settle(5)

    raise_if_exception(full.orchestrator.remove_service("mds.b"))
    full.settle(20)
    assert ids(full) == [only]

    full.monitors.standbys = {7: "other"}
    full.orchestrator.reconciler.services.forget_backoff("mds.b")
    full.settle(30)
    assert ids(full) == []


def test_a_service_that_goes_takes_its_own_file_system_down(full: Cluster) -> None:
    apply(full, spec("a", hosts=["h1"]))
    full.monitors.filesystems = {"a": ids(full)}
    full.settle(5)

    raise_if_exception(full.orchestrator.remove_service("mds.a"))
    full.settle(20)

    assert ids(full) == []


def test_the_last_one_is_not_removed_by_its_name(full: Cluster) -> None:
    apply(full, spec("a", hosts=["h1"]))
    (only,) = ids(full)
    full.monitors.filesystems = {"a": [only]}

    with pytest.raises(AdapterError, match="no other one could take over"):
        raise_if_exception(full.orchestrator.remove_daemons([f"mds.{only}"]))


def test_a_standby_stays_while_the_one_that_it_stands_by_for_is_stopped(full: Cluster) -> None:
    apply(full, spec("a", hosts=["h1", "h2"]))
    active, standby = ids(full)
    full.monitors.filesystems, full.monitors.standbys = {"a": [active]}, {7: standby}
    full.settle(5)
    raise_if_exception(full.orchestrator.daemon_action("stop", f"mds.{active}"))
    with pytest.raises(AdapterError, match=r"insufficient standby.*going down"):
        raise_if_exception(full.orchestrator.remove_daemons([f"mds.{standby}"]))
    assert standby in ids(full)


def test_a_standby_stays_while_the_one_with_the_rank_hangs(full: Cluster) -> None:
    apply(full, spec("a", hosts=["h1", "h2"]))
    active, standby = ids(full)
    full.monitors.filesystems, full.monitors.standbys = {"a": [active]}, {7: standby}
    full.settle(5)
    full.said["h1", "mds", active] = {"answers": False}

    apply(full, spec("a", hosts=["h1"]))
    full.report(10)
    assert standby in ids(full)
    assert "does not answer" in said(full, "mds.a")

    full.said["h1", "mds", active] = {"answers": True}
    full.orchestrator.reconciler.services.forget_backoff("mds.a")
    full.report(40)
    assert ids(full) == [active]
