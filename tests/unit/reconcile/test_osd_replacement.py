"""An id that is kept waits for the new disk of its host."""

from __future__ import annotations

from adapter.cluster.osd_removals import Stage
from adapter.interface import raise_if_exception
from tests.unit.reconcile.monitors_twin import Daemon
from tests.unit.reconcile.removals import at, remove, said, status
from tests.unit.reconcile.twin import Cluster, device_on


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
    full.orchestrator.reconciler.remover._jobs.forget_pause(3)
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
    vacancy = full.core.owners.vacancy(3)
    assert vacancy is not None
    assert not vacancy.fits("IDh2n")
    assert vacancy.fits("IDh2new")

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
