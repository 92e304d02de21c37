"""Whoever applies a spec is told which daemons go."""

from __future__ import annotations

from typing import Any

import pytest

from adapter.interface import (
    HostSpec,
    MDSSpec,
    PlacementSpec,
    RGWSpec,
    ServiceSpec,
    raise_if_exception,
)
from tests.unit.reconcile.fake_cluster import Cluster


def apply(cluster: Cluster, spec: ServiceSpec) -> str:
    return str(raise_if_exception(cluster.orchestrator.apply([spec]))[0])


def spec_of(kind: str, **more: Any) -> ServiceSpec:
    if kind == "mds":
        return MDSSpec(service_id="data", **more)
    return RGWSpec(service_id="a", **more) if kind == "rgw" else ServiceSpec(kind, **more)


@pytest.mark.parametrize("kind", ["mon", "mgr", "mds", "rgw", "crash", "rbd-mirror"])
def test_what_a_smaller_placement_takes_is_said(full: Cluster, kind: str) -> None:
    apply(full, spec_of(kind, placement=PlacementSpec(hosts=["h1", "h2", "h3"])))
    full.settle(20)
    names = sorted(f"{kind}.{name}" for _, each, name in full.daemons if each == kind)
    assert len(names) == 3
    smaller = spec_of(kind, placement=PlacementSpec(hosts=["h1"]))
    (row,) = raise_if_exception(full.orchestrator.plan([smaller]))
    said = apply(full, smaller)
    assert said.endswith(f"2 of 3 daemons are removed: {', '.join(sorted(row['remove']))}.")
    assert set(row["remove"]) < set(names)


def test_a_daemon_that_no_host_has_reported_yet_is_counted(full: Cluster) -> None:
    apply(full, spec_of("mds", placement=PlacementSpec(hosts=["h1", "h2"])))
    full.orchestrator.reconciler.step(full.now)
    said = apply(full, spec_of("mds", placement=PlacementSpec(hosts=["h1"])))
    assert "1 of 2 daemons is removed: mds.data.h2." in said


def test_what_an_unmanaged_service_has_is_not_spoken_of(full: Cluster) -> None:
    apply(full, spec_of("mds", placement=PlacementSpec(hosts=["h1", "h2", "h3"])))
    full.settle()
    one = PlacementSpec(hosts=["h1"])
    assert apply(full, spec_of("mds", placement=one, unmanaged=True)) == (
        "Scheduled mds.data update..."
    )
    said = raise_if_exception(full.orchestrator.set_unmanaged("mds.data", False))
    assert "2 of 3 daemons are removed: mds.data.h2." in said


def test_what_only_moves_is_said_as_well(full: Cluster) -> None:
    apply(full, spec_of("mds", placement=PlacementSpec(hosts=["h1"])))
    full.settle()
    said = apply(full, spec_of("mds", placement=PlacementSpec(hosts=["h2"])))
    assert "1 of 1 daemon is removed: mds.data.h1." in said


def test_a_label_that_goes_says_what_goes_with_it(full: Cluster) -> None:
    call = full.orchestrator
    for host in ("h2", "h3"):
        raise_if_exception(call.add_host_label(host, "fs"))
    apply(full, spec_of("mds", placement=PlacementSpec(label="fs")))
    full.settle()
    said = raise_if_exception(call.remove_host_label("h2", "fs"))
    assert said.startswith("Removed label fs from host h2. mds.data: ")
    assert "1 of 2 daemons is removed: mds.data.h2." in said
    assert raise_if_exception(call.remove_host_label("h3", "fs", True)).startswith(
        "Removed label fs from host h3"
    )
    assert raise_if_exception(call.add_host_label("h1", "x")) == "Added label x to host h1"


def test_what_goes_because_a_host_is_added_again_with_other_labels_is_said(full: Cluster) -> None:
    def host(*labels: str) -> HostSpec:
        return HostSpec("h2", full.core.hosts.get("h2").addr, labels=list(labels))

    raise_if_exception(full.orchestrator.apply([host("mds")]))
    apply(full, spec_of("mds", placement=PlacementSpec(label="mds")))
    full.settle(20)
    (said,) = raise_if_exception(full.orchestrator.apply([host("other")]))
    assert "labels added: other; labels removed: mds" in said
    assert "mds.data: 1 of 1 daemon is removed: mds.data.h2." in said
