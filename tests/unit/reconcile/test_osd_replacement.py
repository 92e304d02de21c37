"""An id that is kept waits for the new disk of its host."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from adapter.cluster.osd_owners import NO_SERVICE
from adapter.cluster.osd_removals import Stage
from adapter.cluster.specs import OsdClaims
from adapter.errors import AdapterError
from adapter.interface import DeviceSelection, DriveGroupSpec, PlacementSpec, raise_if_exception
from tests.unit.reconcile.fake_cluster import Cluster, device_on, drive_group
from tests.unit.reconcile.fake_crush import Daemon
from tests.unit.reconcile.removals import at, remove, said, status


def test_replacement_keeps_the_id_for_a_new_disk_of_the_host(full: Cluster) -> None:
    remove(full, "3", replace=True, zap=True)
    full.settle()

    assert full.monitors.log == ["out 3", "destroy 3"]
    assert full.monitors.osds[3].destroyed
    # Its old disk is free again, and stays so.
    assert full.free["h2"] == [full.monitors.osds[3].disk]
    full.settle()
    assert full.monitors.osds[3].destroyed

    full.free["h2"].append("/dev/sdn")
    full.report()
    assert not full.monitors.osds[3].destroyed
    assert full.monitors.osds[3].disk == "/dev/sdn"
    assert len(full.monitors.osds) == 6


@pytest.mark.parametrize("owner", [True, False])
def test_a_replacement_has_the_db_disk_that_its_osd_had(full: Cluster, owner: bool) -> None:
    """It was erased with the OSD, so the drive group takes it for nothing else."""
    remove(full, "3", replace=True, zap=True)
    full.settle()
    core = full.core
    left = core.owners.destroyed(3)
    assert left is not None
    disks = (*left.disks, "IDh2s") if owner else left.disks
    core.owners.keep_destroyed(replace(left, disks=disks, present=("IDh2s",)))
    raise_if_exception(full.orchestrator.set_unmanaged("osd.all", True))
    full.free["h2"] = ["/dev/sdn", "/dev/sds"]
    full.report()
    spec = DriveGroupSpec(
        service_id="all",
        placement=PlacementSpec(host_pattern="h2"),
        data_devices=DeviceSelection(paths=["/dev/sdn"]),
        db_devices=DeviceSelection(paths=["/dev/sds"]),
        method="raw",
    )
    claims = OsdClaims(released=frozenset({("h2", "IDh2s")}))
    osd_map = core.maps.osd_map()
    with core.lock:
        (plan,) = full.orchestrator.reconciler.planner.plan(spec, osd_map, claims=claims)
    if owner:
        (group,) = plan.groups
        assert [disk.path for disk in group.disks] == ["/dev/sdn", "/dev/sds"]
        assert group.osd_ids == (3,)
    else:
        (sentence,) = plan.refused
        assert "/dev/sds was erased or freed since the drive group was applied" in sentence


def test_a_named_device_takes_the_id_and_the_drive_group_of_the_osd_before(full: Cluster) -> None:
    remove(full, "3", replace=True, zap=True)
    full.settle()
    disk = full.monitors.osds[3].disk
    spec = device_on("h2", disk)
    text = raise_if_exception(full.orchestrator.create_osds(spec))
    full.settle()

    assert "takes osd.3 again" in text
    assert full.monitors.osds[3].affinity == "all"


def test_an_id_that_is_used_again_does_not_hold_the_queue_up(full: Cluster) -> None:
    full.break_on["remove_osds"] = {"h2": "the disk is read-only"}
    remove(full, "3", replace=True, zap=True, force=True)
    at(full, Stage.CLEANING, stopped=True, empty=True)
    full.monitors.osds[3] = Daemon("h2", "/dev/sdz", "another-uuid")
    full.settle()
    assert said(full).startswith("cleaning: the disk is read-only")

    full.break_on.clear()
    full.orchestrator.reconciler.remover._jobs.forget_backoff(3)
    full.settle()
    assert (status(full), full.wiped) == ([], ["osd.3"])
    assert full.monitors.osds[3].up
    gone = [request for request in full.requests if request.operation == "remove_osds"][-1]
    assert gone.variables["osd_remove_osds"]["h2"][0]["gone"] is True


def test_a_blank_disk_that_was_there_before_is_nobodys_replacement(full: Cluster) -> None:
    """The drive group may take it, but it was there when the OSD was removed."""
    raise_if_exception(full.orchestrator.set_unmanaged("osd.all", True))
    full.free["h2"].append("/dev/sdn")
    full.report(2)
    remove(full, "3", replace=True, zap=True)
    full.settle()
    assert full.monitors.osds[3].destroyed
    destroyed = full.core.owners.destroyed(3)
    assert destroyed is not None
    assert not destroyed.fits("IDh2n")
    assert destroyed.fits("IDh2new")

    raise_if_exception(full.orchestrator.set_unmanaged("osd.all", False))
    full.settle()
    assert full.monitors.osds[3].destroyed
    spec = device_on("h2", "/dev/sdn")
    assert all(osd.disk != "/dev/sdn" for osd in full.monitors.osds.values())
    assert "takes osd.3 again" in str(raise_if_exception(full.orchestrator.create_osds(spec)))


def test_an_id_waits_on_the_host_where_the_disk_was(full: Cluster) -> None:
    """Another administrator moved the OSD to another host in CRUSH."""
    full.monitors.crush[3] = "h3"
    full.free["h3"].append("/dev/sdn")
    remove(full, "3", replace=True, zap=True)
    full.settle()
    assert full.monitors.osds[3].destroyed
    full.report()
    # What is free there may become another OSD, but not this one.
    assert full.monitors.osds[3].destroyed

    full.free["h2"].append("/dev/sdm")
    full.report()
    assert (full.monitors.osds[3].host, full.monitors.osds[3].disk) == ("h2", "/dev/sdm")


def of_nobody(cluster: Cluster) -> int:
    """Make an OSD that no drive group has, and let it wait for a new disk."""
    raise_if_exception(cluster.orchestrator.create_osds(device_on("h2", "/dev/sdb")))
    cluster.settle()
    (osd_id,) = cluster.monitors.osds
    assert cluster.core.owners.service_of(osd_id) == NO_SERVICE
    remove(cluster, str(osd_id), replace=True, zap=True)
    cluster.settle()
    assert cluster.monitors.osds[osd_id].destroyed
    # Its disk is taken out.
    cluster.free["h2"].remove("/dev/sdb")
    cluster.report()
    return osd_id


def big(name: str, **values: Any) -> DriveGroupSpec:
    return drive_group(name, data_devices=DeviceSelection(size="1G:", **values))


def test_an_osd_of_no_drive_group_is_followed_by_the_one_that_takes_its_disk(
    cluster: Cluster,
) -> None:
    osd_id = of_nobody(cluster)
    raise_if_exception(cluster.orchestrator.apply([big("big")]))
    cluster.settle()
    # What was free when it was removed is no replacement.
    assert cluster.monitors.osds[osd_id].destroyed

    cluster.free["h2"].append("/dev/sdn")
    cluster.report()
    osd = cluster.monitors.osds[osd_id]
    assert (osd.destroyed, osd.disk, osd.affinity) == (False, "/dev/sdn", "big")


def test_while_it_waits_it_counts_for_no_drive_groups_limit(cluster: Cluster) -> None:
    osd_id = of_nobody(cluster)
    raise_if_exception(cluster.orchestrator.apply([big("one", limit=1)]))
    cluster.settle()
    on_h2 = [each for each in cluster.monitors.osds.values() if each.host == "h2"]
    assert [each.disk for each in on_h2 if not each.destroyed] == ["/dev/sdc"]

    # The limit is reached: the new disk is not this drive group's, and so is not the id.
    cluster.free["h2"].append("/dev/sdn")
    cluster.report()
    assert cluster.monitors.osds[osd_id].destroyed


def test_all_available_leaves_a_later_disk_alone_also_for_an_id_of_nobody(
    cluster: Cluster,
) -> None:
    osd_id = of_nobody(cluster)
    raise_if_exception(cluster.orchestrator.apply([drive_group("all")]))
    cluster.settle()
    cluster.free["h2"].append("/dev/sdn")
    cluster.report()
    assert cluster.monitors.osds[osd_id].destroyed
    assert "/dev/sdn" in cluster.free["h2"]


def test_the_id_of_a_drive_group_that_is_forgotten_goes_to_another(full: Cluster) -> None:
    remove(full, "3", replace=True, zap=True)
    full.settle()
    full.free["h2"].clear()
    full.report()
    raise_if_exception(full.orchestrator.remove_service("osd.all", True))
    raise_if_exception(full.orchestrator.apply([big("big")]))
    full.settle()
    full.free["h2"].append("/dev/sdn")
    full.report()
    assert (full.monitors.osds[3].destroyed, full.monitors.osds[3].affinity) == (False, "big")


def test_the_id_of_another_drive_group_that_is_there_is_left_to_it(full: Cluster) -> None:
    raise_if_exception(full.orchestrator.set_unmanaged("osd.all", True))
    remove(full, "3", replace=True, zap=True)
    full.settle()
    full.free["h2"].clear()
    full.report()
    raise_if_exception(full.orchestrator.apply([big("big")]))
    full.free["h2"].append("/dev/sdn")
    full.report()
    assert full.monitors.osds[3].destroyed


def test_an_id_is_given_to_one_disk_while_it_is_being_made(cluster: Cluster) -> None:
    osd_id = of_nobody(cluster)
    cluster.break_on["create_osds"] = {"h2": ""}
    raise_if_exception(cluster.orchestrator.apply([big("big")]))
    cluster.free["h2"] += ["/dev/sdn"]
    cluster.report(3)
    cluster.free["h2"] += ["/dev/sdm"]
    cluster.report(3)
    groups = [group for intent in cluster.core.intents.all() for group in intent.groups]
    ids = [each for group in groups for each in group.osd_ids]
    assert ids == [osd_id]


@pytest.mark.parametrize(
    "state", ["down", "stale+active+clean", "active+recovery_unfound+degraded"]
)
def test_no_id_is_taken_that_placement_groups_may_wait_for(full: Cluster, state: str) -> None:
    """With the id they go on without the data that only the destroyed OSD's disk has."""
    remove(full, "3", replace=True, zap=True)
    full.settle()
    full.monitors.osds[1].pgs = full.monitors.pg_num = 3
    full.monitors.states = state
    full.free["h2"].append("/dev/sdn")
    full.report()
    assert full.monitors.osds[3].destroyed
    assert "may wait for a destroyed OSD" in str(full.orchestrator.health.checks())
    with pytest.raises(
        AdapterError, match=r"3 placement groups do not serve all data.*restore osd\.3"
    ):
        raise_if_exception(full.orchestrator.create_osds(device_on("h2", "/dev/sdn")))

    full.monitors.states = "active+undersized+degraded"
    full.report()
    assert full.monitors.osds[3].disk == "/dev/sdn"
    assert "may wait" not in str(full.orchestrator.health.checks())
