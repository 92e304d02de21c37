"""OSDs leave only when they hold nothing: what others do in between, and what cannot be known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from adapter.cluster.osd_removals import Stage
from adapter.errors import AdapterError, InvalidValue
from adapter.interface import (
    raise_if_exception,
)
from tests.unit.reconcile.test_osd_removal import keep, remove, status, steps
from tests.unit.reconcile.twin import Cluster, Daemon, device_on


def said(cluster: Cluster) -> str:
    (row,) = status(cluster)
    return str(row["drain_status"])


def test_an_osd_that_says_it_holds_something_is_not_stopped(full: Cluster) -> None:
    """Somebody brought data back while the job waited for its turn."""
    full.held[0] = 3
    remove(full, "0", zap=True)
    full.settle()

    assert said(full).startswith("draining: it still holds 3 placement group(s) on its disk: Ceph")
    assert full.monitors.osds[0].up
    assert "purge 0" not in full.monitors.log
    assert full.wiped == []

    full.held[0] = 0
    full.settle()
    assert (status(full), full.wiped) == ([], ["osd.0"])


def test_an_osd_that_does_not_answer_is_not_stopped_unless_forced(full: Cluster) -> None:
    full.held[0] = None
    remove(full, "0")
    full.settle()
    assert said(full).startswith("draining: it runs and does not say what it holds; `ceph orch")
    assert full.monitors.osds[0].up

    keep(full, "0")
    full.settle()
    remove(full, "0", force=True)
    full.settle()
    assert 0 not in full.monitors.osds


@pytest.mark.parametrize("flags", [{}, {"zap": True}, {"replace": True, "zap": True}])
def test_what_is_needed_again_after_it_was_stopped_is_started_again(
    full: Cluster, flags: Any
) -> None:
    remove(full, "0", **flags)
    removal = full.core.removals.all()[0]
    stopped = replace(
        removal, stage=Stage.LEAVING, asked_stop=True, stopped=True, empty=True, up_from=5
    )
    full.core.removals.save(stopped)
    full.monitors.osds[0].up = False
    full.monitors.osds[0].pgs = 4
    full.settle()

    assert steps(full) == ["start"]
    assert full.monitors.osds[0].up
    assert said(full).startswith("draining: 4 PGs left")
    assert not {"purge 0", "destroy 0"} & set(full.monitors.log)
    assert full.wiped == []

    full.monitors.osds[0].pgs = 0
    full.settle()
    assert status(full) == []


def test_flags_that_keep_data_from_moving_are_named(full: Cluster) -> None:
    full.monitors.flags = ["nobackfill", "sortbitwise"]
    full.monitors.osds[0].pgs = 2
    remove(full, "0")
    full.settle(3)
    assert "the flag nobackfill is set (`ceph osd unset nobackfill`)" in said(full)


def test_an_empty_osd_leaves_while_other_data_has_fewer_copies(full: Cluster) -> None:
    """The monitors can say nothing of an OSD that is down then; it has said it itself."""
    full.monitors.degraded = True
    remove(full, "0")
    full.settle()
    assert 0 not in full.monitors.osds


def test_one_that_was_up_again_has_said_nothing(full: Cluster) -> None:
    remove(full, "0")
    removal = full.core.removals.all()[0]
    full.core.removals.save(
        replace(removal, stage=Stage.LEAVING, asked_stop=True, stopped=True, empty=True, up_from=5)
    )
    full.monitors.osds[0].up = False
    full.monitors.osds[0].up_from = 9
    full.monitors.degraded = True
    full.step()
    assert "purge 0" not in full.monitors.log
    full.settle()
    # It was started again, asked again, and then it went.
    assert steps(full) == ["start", "stop", "remove"]
    assert 0 not in full.monitors.osds


def test_a_dead_osd_waits_until_the_monitors_can_tell(full: Cluster) -> None:
    full.monitors.osds[0].up = False
    full.monitors.degraded = True
    remove(full, "0", zap=True)
    full.settle()
    assert "it is not up to say what it holds" in said(full)
    assert full.wiped == []

    full.monitors.degraded = False
    full.settle()
    assert (status(full), full.wiped) == ([], ["osd.0"])


def test_a_dead_osd_of_a_silent_host_does_not_leave_unasked(full: Cluster) -> None:
    full.monitors.osds[0].up = False
    full.monitors.degraded = True
    full.offline("h1")
    remove(full, "0")
    full.settle()
    assert 0 in full.monitors.osds
    assert full.monitors.log == ["out 0", "reweight 0 0.0"]


class TestSomebodyElseTookItOut:
    """Another administrator purges or destroys an OSD that is still draining."""

    @pytest.fixture
    def draining(self, full: Cluster) -> Cluster:
        full.monitors.pg_num = 3
        full.monitors.osds[1].pgs = 3
        full.monitors.osds[0].pgs = 3
        return full

    def test_its_disk_is_not_wiped_before_all_data_is_well(self, draining: Cluster) -> None:
        remove(draining, "0", zap=True)
        draining.settle(2)
        del draining.monitors.osds[0]
        draining.monitors.states = "active+undersized+degraded"
        draining.monitors.epoch += 1
        draining.settle(20)
        assert "somebody else took it out of the map" in said(draining)
        assert "`ceph orch osd rm stop 0` leaves them as they are" in said(draining)
        assert draining.wiped == []

        draining.monitors.states = "active+clean"
        draining.settle(20)
        assert (status(draining), draining.wiped) == ([], ["osd.0"])

    @pytest.mark.parametrize("stage", [Stage.DRAINING, Stage.LEAVING])
    def test_what_is_not_there_any_more_is_not_safe(self, draining: Cluster, stage: Stage) -> None:
        """The monitors call safe to destroy what they do not know."""
        remove(draining, "0", zap=True)
        removal = draining.core.removals.all()[0]
        draining.core.removals.save(replace(removal, stage=stage))
        draining.monitors.osds[0].up = False
        draining.monitors.states = "active+undersized+degraded"

        def purge() -> None:
            draining.monitors.epoch += draining.monitors.osds.pop(0, None) is not None

        draining.monitors.before_safety = purge
        draining.settle(20)
        assert "somebody else took it out of the map" in said(draining)
        assert draining.wiped == []

    def test_statistics_that_are_missing_say_nothing(self, draining: Cluster) -> None:
        remove(draining, "0", zap=True)
        draining.settle(2)
        del draining.monitors.osds[0]
        draining.monitors.osds[1].pgs = 0
        draining.monitors.epoch += 1
        draining.settle(20)
        assert "somebody else took it out of the map" in said(draining)
        assert draining.wiped == []

    def test_the_wipe_can_be_given_up(self, draining: Cluster) -> None:
        remove(draining, "0", zap=True)
        draining.settle(2)
        del draining.monitors.osds[0]
        draining.monitors.states = "active+undersized+degraded"
        draining.monitors.epoch += 1
        draining.settle(4)
        keep(draining, "0")
        draining.monitors.states = "active+clean"
        draining.settle(20)
        assert (status(draining), draining.wiped) == ([], [])

    def test_a_replacement_that_was_destroyed_keeps_its_place(self, draining: Cluster) -> None:
        remove(draining, "0", zap=True, replace=True)
        draining.settle(2)
        osd = draining.monitors.osds[0]
        osd.up, osd.destroyed, osd.uuid = False, True, "00000000-0000-0000-0000-000000000000"
        osd.pgs = 0
        draining.monitors.epoch += 1
        draining.settle(20)
        vacancy = draining.core.owners.vacancy(0)
        assert vacancy is not None
        assert (vacancy.host, vacancy.disks) == ("h1", ("IDh1b",))
        assert draining.wiped == ["osd.0"]

    def test_without_zap_nothing_is_waited_for(self, draining: Cluster) -> None:
        remove(draining, "0")
        draining.settle(2)
        del draining.monitors.osds[0]
        draining.monitors.states = "active+undersized+degraded"
        draining.monitors.epoch += 1
        draining.settle()
        assert status(draining) == []


class TestStop:
    """`ceph orch osd rm stop` until the purge."""

    def test_one_that_was_stopped_already_is_started_again(self, full: Cluster) -> None:
        """The job was lost after the unit was down."""
        remove(full, "4", zap=True)
        removal = full.core.removals.all()[0]
        full.monitors.osds[4].weight = 0.0
        full.core.removals.save(replace(removal, stage=Stage.STOPPING, asked_stop=True))
        full.monitors.osds[4].up = False
        assert keep(full, "4") == "Stopped OSD(s) removal: osd.4; osd.4 is started again"
        full.settle(40)

        assert full.monitors.osds[4].up
        assert full.monitors.osds[4].weight == 1.0
        assert status(full) == []
        assert steps(full) == ["start"]

    def test_one_that_never_comes_up_can_be_left_as_it_is(self, full: Cluster) -> None:
        remove(full, "4")
        removal = full.core.removals.all()[0]
        full.core.removals.save(replace(removal, stage=Stage.STOPPING, asked_stop=True))
        full.monitors.osds[4].up = False
        full.break_on["remove_osds"] = {"h3": "its key is gone"}
        keep(full, "4")
        full.settle(3)
        assert said(full).startswith("keeping: its key is gone")
        assert "osd.4 is left as it is" in keep(full, "4")
        assert status(full) == []

    def test_one_that_crush_has_not_is_started_all_the_same(self, full: Cluster) -> None:
        """Somebody purged it while it ran, and it came into the map again without a place."""
        remove(full, "4")
        removal = full.core.removals.all()[0]
        full.core.removals.save(replace(removal, stage=Stage.KEEPING, asked_stop=True))
        osd = full.monitors.osds[4]
        osd.up, osd.weight, osd.said = False, 0.0, False
        full.monitors.placeless.add(4)
        full.settle(40)
        assert osd.up
        assert status(full) == []

    def test_it_goes_on_after_a_manager_that_ended(self, full: Cluster) -> None:
        remove(full, "4")
        removal = full.core.removals.all()[0]
        full.core.removals.save(replace(removal, stage=Stage.STOPPING, asked_stop=True))
        full.monitors.osds[4].up = False
        full.break_on["remove_osds"] = {"h3": "no"}
        keep(full, "4")
        full.settle(3)
        full.break_on.clear()
        full.start_anew()
        full.settle(40)
        assert full.monitors.osds[4].up
        assert status(full) == []

    def test_what_is_kept_is_not_asked_for_again_at_once(self, full: Cluster) -> None:
        remove(full, "4")
        removal = full.core.removals.all()[0]
        full.core.removals.save(replace(removal, stage=Stage.STOPPING, asked_stop=True))
        keep(full, "4")
        with pytest.raises(Exception, match=r"The removal of osd\.4 was stopped \(keeping"):
            remove(full, "4")

    def test_one_that_somebody_else_purged_meanwhile_ends(self, full: Cluster) -> None:
        remove(full, "4")
        removal = full.core.removals.all()[0]
        full.core.removals.save(replace(removal, stage=Stage.STOPPING, asked_stop=True))
        full.monitors.osds[4].up = False
        keep(full, "4")
        del full.monitors.osds[4]
        full.monitors.epoch += 5
        full.settle()
        assert status(full) == []


def test_a_disk_that_is_not_to_be_seen_is_waited_for(full: Cluster) -> None:
    disk = full.monitors.osds[3].disk
    full.hidden = [disk]
    remove(full, "3", zap=True)
    full.settle()
    assert said(full).startswith(f"cleaning: waiting for {disk} to be seen on host h2")
    assert "`ceph orch osd rm stop 3` gives that up" in said(full)
    assert full.wiped == []

    full.hidden = []
    full.orchestrator.reconciler.remover._jobs.forget_pause(3)
    full.settle()
    assert (status(full), full.wiped) == ([], ["osd.3"])


def test_an_id_that_is_used_again_does_not_hold_the_queue_up(full: Cluster) -> None:
    full.break_on["remove_osds"] = {"h2": "the disk is read-only"}
    remove(full, "3", replace=True, zap=True, force=True)
    removal = full.core.removals.all()[0]
    full.core.removals.save(replace(removal, stage=Stage.CLEANING, stopped=True, empty=True))
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


def test_a_host_whose_record_cannot_be_read_is_not_one_that_is_gone(full: Cluster) -> None:
    remove(full, "3", zap=True)
    removal = full.core.removals.all()[0]
    full.core.removals.save(replace(removal, stage=Stage.CLEANING))
    del full.monitors.osds[3]
    full.monitors.epoch += 5
    full.core.hosts.remove("h2")
    full.core.hosts.problems["h2"] = "it is not JSON"
    full.settle()
    assert "the record of host h2 cannot be read (it is not JSON)" in said(full)
    assert full.wiped == []


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


class TestDestroyedBefore:
    """An OSD that somebody destroyed is removed: the map has forgotten its uuid."""

    @pytest.fixture
    def destroyed(self, full: Cluster) -> Cluster:
        osd = full.monitors.osds[3]
        full.left["h2", osd.disk] = (3, osd.uuid)
        osd.up, osd.destroyed, osd.uuid = False, True, "00000000-0000-0000-0000-000000000000"
        full.monitors.epoch += 1
        full.core.submit("get_inventory", full.core.hosts.all())
        full.orchestrator.pause()
        full.settle(2)
        full.orchestrator.resume()
        return full

    def test_the_label_on_its_disk_names_it_to_its_host(self, destroyed: Cluster) -> None:
        remove(destroyed, "3", zap=True)
        destroyed.settle()
        assert (status(destroyed), destroyed.wiped) == ([], ["osd.3"])
        (row,) = destroyed.requests[-1].variables["osd_remove_osds"]["h2"]
        assert row["osd_uuid"].startswith("uuid-3")

    def test_where_no_disk_has_it_the_wipe_is_refused(self, destroyed: Cluster) -> None:
        destroyed.left.clear()
        destroyed.report(2)
        with pytest.raises(InvalidValue, match=r"it is destroyed, and no disk of host h2 has its"):
            remove(destroyed, "3", zap=True)
        remove(destroyed, "3")
        destroyed.settle()
        assert 3 not in destroyed.monitors.osds
        assert destroyed.wiped == []


class TestWhatAnAttackFound:
    """What others do while an OSD leaves, and what outlives a job."""

    def test_one_that_was_empty_once_may_have_been_filled_since(self, full: Cluster) -> None:
        """It was started again, filled, and purged by somebody else, all behind our back."""
        full.monitors.pg_num = 3
        full.monitors.osds[1].pgs = 3
        full.monitors.states = "active+undersized+degraded"
        remove(full, "0", zap=True)
        removal = full.core.removals.all()[0]
        full.core.removals.save(
            replace(removal, stage=Stage.STOPPING, asked_stop=True, stopped=True, empty=True)
        )
        del full.monitors.osds[0]
        full.monitors.epoch += 1
        full.settle(20)
        assert "somebody else took it out of the map" in said(full)
        assert full.wiped == []

    def test_a_wipe_that_may_still_happen_is_not_said_to_be_stopped(self, full: Cluster) -> None:
        full.unreached.add("h1")
        remove(full, "0", zap=True)
        removal = full.core.removals.all()[0]
        full.core.removals.save(replace(removal, stage=Stage.CLEANING))
        del full.monitors.osds[0]
        full.monitors.epoch += 1
        full.step()
        full.step()
        with pytest.raises(AdapterError, match="has not said what came of it"):
            keep(full, "0")

        full.unreached.clear()
        full.break_on["remove_osds"] = {"h1": "the disk is read-only"}
        full.orchestrator.reconciler.remover._jobs.forget_pause(0)
        full.settle(2)
        assert "left as they are" in keep(full, "0")
        assert full.wiped == []

    def test_one_that_the_map_has_again_is_drained_anew(self, full: Cluster) -> None:
        """Its daemon ran on behind a cut network, or somebody gave it back."""
        full.monitors.osds[0].pgs = 2
        remove(full, "0", zap=True)
        removal = full.core.removals.all()[0]
        full.core.removals.save(replace(removal, stage=Stage.CLEANING, left=3))
        full.settle()
        assert said(full).startswith("draining: 2 PGs left")
        assert full.monitors.osds[0].up
        assert full.wiped == []
        keep(full, "0")
        assert status(full) == []

    def test_one_that_came_back_while_it_was_cleaned_leaves_again(self, full: Cluster) -> None:
        remove(full, "0", zap=True)
        removal = full.core.removals.all()[0]
        full.core.removals.save(replace(removal, stage=Stage.CLEANING, cleaned=True, left=3))
        full.monitors.osds[0].up = False
        full.settle()
        assert 0 not in full.monitors.osds
        assert status(full) == []

    def test_a_disk_that_became_free_is_not_taken_again(self, full: Cluster) -> None:
        """Another administrator purged the OSD; its disk is wiped, and stays free."""
        remove(full, "0", zap=True)
        disk = full.monitors.osds.pop(0).disk
        full.monitors.epoch += 1
        full.settle(20)
        assert full.wiped == ["osd.0"]
        full.free["h1"].append(disk)
        full.report()
        assert all((osd.host, osd.disk) != ("h1", disk) for osd in full.monitors.osds.values())

    def test_what_is_wrong_with_one_is_not_wrong_with_another(self, full: Cluster) -> None:
        full.problems[1] = "/dev/sdc: it is read-only"
        remove(full, "0", "1", zap=True)
        full.settle()
        assert said(full).startswith("cleaning: /dev/sdc: it is read-only")
        assert full.wiped == ["osd.0"]

    def test_a_host_that_has_it_not_has_not_stopped_it(self, full: Cluster) -> None:
        remove(full, "0", zap=True)
        removal = full.core.removals.all()[0]
        full.core.removals.save(replace(removal, host="h2"))
        full.settle()
        assert said(full).startswith("stopping: host h2 has no osd.0, and the map has it up")
        assert "purge 0" not in full.monitors.log
        assert full.monitors.osds[0].up
