"""What a service waits for: it says so, takes no host meanwhile, and begins by itself."""

from __future__ import annotations

from typing import List

import pytest

from adapter.errors import NotReady
from adapter.interface import (
    MDSSpec,
    PlacementSpec,
    RGWSpec,
    ServiceSpec,
    raise_if_exception,
)
from tests.unit.reconcile.fake_cluster import Cluster, drive_group


def gateway(count: int = 2) -> RGWSpec:
    return RGWSpec(service_id="a", placement=PlacementSpec(count=count))


def mirror(kind: str) -> ServiceSpec:
    return ServiceSpec(kind, placement=PlacementSpec(hosts=["h2"]))


def apply(cluster: Cluster, *specs: ServiceSpec) -> str:
    return "; ".join(raise_if_exception(cluster.orchestrator.apply(list(specs))))


def jobs(cluster: Cluster) -> List[str]:
    kinds = ("create_osds", "apply_rgw", "apply_mds", "apply_rbd_mirror", "apply_cephfs_mirror")
    return [name for name, _ in cluster.operations() if name in kinds]


def events(cluster: Cluster, name: str) -> List[str]:
    (row,) = raise_if_exception(cluster.orchestrator.describe_service(service_name=name))
    return [event.message for event in row.events]


@pytest.mark.parametrize(
    ("spec", "operation"),
    [
        (gateway(), "apply_rgw"),
        (mirror("rbd-mirror"), "apply_rbd_mirror"),
        (mirror("cephfs-mirror"), "apply_cephfs_mirror"),
    ],
)
def test_osds_are_made_before_what_needs_them(
    cluster: Cluster, spec: ServiceSpec, operation: str
) -> None:
    name = spec.service_name()
    assert apply(cluster, spec).endswith("It waits: the cluster has no OSD yet.")
    cluster.settle()
    assert jobs(cluster) == []
    assert events(cluster, name)[-1].startswith("waits: the cluster has no OSD yet")
    assert len([event for event in events(cluster, name) if "waits" in event]) == 1
    assert "ANSIBLE_SERVICE_FAILED" not in cluster.orchestrator.health.checks()

    apply(cluster, drive_group("all"))
    cluster.settle()
    assert jobs(cluster) == ["create_osds", operation]
    assert cluster.core.waits.all() == {}


def test_of_one_file_the_osds_come_first(cluster: Cluster) -> None:
    cluster.monitors.booting = True
    apply(cluster, gateway(), drive_group("all"))
    cluster.settle()
    assert jobs(cluster) == ["create_osds"]
    assert "waits: none of 6 OSDs is up" in events(cluster, "rgw.a")[-1]
    cluster.monitors.boot()
    cluster.settle()
    assert jobs(cluster) == ["create_osds", "apply_rgw"]


def test_pools_of_which_nothing_is_active_are_waited_for(full: Cluster) -> None:
    full.monitors.osds[0].pgs = 3
    full.monitors.states = "undersized+peered"
    apply(full, gateway())
    full.settle()
    assert jobs(full) == []
    assert "waits: none of 3 placement groups is active" in events(full, "rgw.a")[-1]
    full.monitors.states = "active+undersized"
    full.settle()
    assert jobs(full) == ["apply_rgw"]


def test_statistics_that_a_new_manager_does_not_have_yet_are_not_waited_for(full: Cluster) -> None:
    """It lists all placement groups as unknown until OSDs have told it of them."""
    full.monitors.osds[0].pgs = 3
    full.monitors.states = "unknown"
    apply(full, gateway())
    full.settle()
    assert jobs(full) == ["apply_rgw"]


def test_a_file_system_waits_for_osds_and_standbys_alone_do_not(cluster: Cluster) -> None:
    spec = MDSSpec(service_id="data", placement=PlacementSpec(hosts=["h2"]))
    cluster.monitors.filesystems = {"data": []}
    apply(cluster, spec, MDSSpec(service_id="later", placement=PlacementSpec(hosts=["h3"])))
    cluster.settle()
    assert jobs(cluster) == ["apply_mds"]
    assert "waits" in events(cluster, "mds.data")[-1]
    apply(cluster, drive_group("all"))
    cluster.settle()
    assert jobs(cluster) == ["apply_mds", "create_osds", "apply_mds"]


def test_a_gateway_that_broke_with_the_osds_is_left_alone_until_they_are_back(
    full: Cluster,
) -> None:
    apply(full, gateway(1))
    full.settle()
    (key,) = [key for key in full.daemons if key[1] == "rgw"]
    full.daemons[key] = "error"
    for osd in full.monitors.osds.values():
        osd.up = False
    full.requests.clear()
    full.report()
    assert jobs(full) == []
    assert "waits: none of 6 OSDs is up" in events(full, "rgw.a")[-1]
    full.monitors.boot()
    full.settle()
    assert full.daemons[key] == "running"


def test_what_is_asked_for_by_hand_is_refused_meanwhile(cluster: Cluster) -> None:
    spec = RGWSpec(service_id="x", placement=PlacementSpec(hosts=["h2"]))
    with pytest.raises(NotReady, match=r"rgw\.x .*the cluster has no OSD yet"):
        raise_if_exception(cluster.orchestrator.add_daemon(spec))
    assert cluster.core.specs.all() == []
    cluster.daemons["h2", "rgw", "a.h2.abcdef"] = "running"
    cluster.report(2)
    apply(cluster, gateway(1))
    for answer in (
        cluster.orchestrator.daemon_action("redeploy", "rgw.a.h2.abcdef"),
        cluster.orchestrator.service_action("redeploy", "rgw.a"),
    ):
        with pytest.raises(NotReady, match="no OSD"):
            raise_if_exception(answer)
    assert jobs(cluster) == []


def test_a_long_wait_is_a_warning(cluster: Cluster) -> None:
    apply(cluster, gateway())
    cluster.settle()
    assert "ANSIBLE_SERVICE_WAITS" not in cluster.orchestrator.health.checks()
    (wait,) = cluster.core.waits.all().values()
    assert cluster.core.waits.lines(wait.since + 599) == []
    (line,) = cluster.core.waits.lines(wait.since + 601)
    assert line.startswith("rgw.a waits since ")
    assert "the cluster has no OSD yet. `ceph orch apply osd`" in line
    raise_if_exception(cluster.orchestrator.remove_service("rgw.a"))
    cluster.settle()
    assert cluster.core.waits.all() == {}


def test_the_dry_run_says_what_would_be_waited_for(cluster: Cluster) -> None:
    (row,) = raise_if_exception(cluster.orchestrator.plan([gateway()]))
    assert row["waits"] == "the cluster has no OSD yet"
    (row,) = raise_if_exception(cluster.orchestrator.plan([ServiceSpec("crash")]))
    assert "waits" not in row


def test_monitors_that_do_not_answer_are_no_reason_to_wait(full: Cluster) -> None:
    full.orchestrator.reconciler.services.needs.see(None, frozenset())
    assert "waits" not in apply(full, gateway())
