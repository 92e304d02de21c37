"""What another administrator does to an OSD while it leaves, or has done before."""

from __future__ import annotations

import pytest

from adapter.cluster.osd_removals import Stage
from adapter.errors import AdapterError, InvalidValue
from adapter.interface import raise_if_exception
from tests.unit.reconcile.fake_cluster import Cluster
from tests.unit.reconcile.removals import at, keep, remove, said, status, steps


class TestSomebodyElseTookItOut:
    """Another administrator purges or destroys an OSD that is still draining."""

    @pytest.fixture
    def draining(self, full: Cluster) -> Cluster:
        full.monitors.pg_num = 3
        full.monitors.osds[1].pgs = 3
        full.monitors.osds[0].pgs = 3
        return full

    @pytest.mark.parametrize("state", ["active+undersized+degraded", "stale+active+clean"])
    def test_its_disk_is_not_wiped_before_all_data_is_well(
        self, draining: Cluster, state: str
    ) -> None:
        remove(draining, "0", zap=True)
        draining.settle(2)
        del draining.monitors.osds[0]
        draining.monitors.states = state
        draining.monitors.epoch += 1
        draining.settle(40)
        assert "somebody else destroyed it or took it out of the map" in said(draining)
        assert "`ceph orch osd rm stop 0` leaves it and its disks as they are" in said(draining)
        assert draining.wiped == []

        draining.monitors.states = "active+clean"
        draining.settle(20)
        assert (status(draining), draining.wiped) == ([], ["osd.0"])

    @pytest.mark.parametrize("stage", [Stage.DRAINING, Stage.PURGING])
    def test_what_is_not_there_any_more_is_not_safe(self, draining: Cluster, stage: Stage) -> None:
        """The monitors call safe to destroy what they do not know."""
        remove(draining, "0", zap=True)
        at(draining, stage)
        draining.monitors.osds[0].up = False
        draining.monitors.states = "active+undersized+degraded"

        def purge() -> None:
            draining.monitors.epoch += draining.monitors.osds.pop(0, None) is not None

        draining.monitors.before_safety = purge
        draining.settle(20)
        assert "somebody else destroyed it or took it out of the map" in said(draining)
        assert draining.wiped == []

    def test_statistics_that_are_missing_say_nothing(self, draining: Cluster) -> None:
        remove(draining, "0", zap=True)
        draining.settle(2)
        del draining.monitors.osds[0]
        draining.monitors.osds[1].pgs = 0
        draining.monitors.epoch += 1
        draining.settle(20)
        assert "somebody else destroyed it or took it out of the map" in said(draining)
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
        destroyed = draining.core.owners.destroyed(0)
        assert destroyed is not None
        assert (destroyed.host, destroyed.disks) == ("h1", ("IDh1b",))
        assert draining.wiped == ["osd.0"]

    def test_a_replacement_that_was_purged_is_not_said_to_wait_for_its_disk(
        self, draining: Cluster
    ) -> None:
        remove(draining, "0", replace=True)
        draining.settle(2)
        del draining.monitors.osds[0]
        draining.monitors.epoch += 1
        draining.settle(20)
        assert status(draining) == []
        events = [each.message for each in draining.core.events.of("osd.all")]
        assert not [each for each in events if "waits for its new disk" in each]
        assert "osd.0 is not kept for a new disk: somebody else has purged it" in str(events)

    @pytest.mark.parametrize("zap", [True, False])
    def test_one_that_is_destroyed_while_it_drains_is_purged_in_the_end(
        self, draining: Cluster, zap: bool
    ) -> None:
        remove(draining, "0", zap=zap)
        draining.settle(2)
        osd = draining.monitors.osds[0]
        osd.up, osd.destroyed, osd.uuid = False, True, "00000000-0000-0000-0000-000000000000"
        osd.pgs = 0
        draining.monitors.states = "down"
        draining.monitors.epoch += 1
        draining.settle(20)
        assert said(draining).startswith("purging: somebody else destroyed it")
        assert draining.wiped == []

        draining.monitors.states = "active+clean"
        draining.settle(20)
        assert (status(draining), draining.wiped) == ([], ["osd.0"] if zap else [])
        assert 0 not in draining.monitors.osds

    def test_without_zap_nothing_is_waited_for(self, draining: Cluster) -> None:
        remove(draining, "0")
        draining.settle(2)
        del draining.monitors.osds[0]
        draining.monitors.states = "active+undersized+degraded"
        draining.monitors.epoch += 1
        draining.settle()
        assert status(draining) == []


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

    @pytest.mark.parametrize(
        "state",
        ["stale+active+clean", "active+undersized+degraded", "active+clean+inconsistent", "down"],
    )
    @pytest.mark.parametrize("zap", [True, False])
    def test_it_is_neither_purged_nor_wiped_while_a_copy_is_missing(
        self, destroyed: Cluster, state: str, zap: bool
    ) -> None:
        """A purge makes placement groups go on without the data that they wait for."""
        destroyed.monitors.osds[1].pgs = destroyed.monitors.pg_num = 3
        destroyed.monitors.states = state
        remove(destroyed, "3", zap=zap)
        destroyed.settle(40)
        assert said(destroyed).startswith("purging: somebody else destroyed it")
        assert "it is purged when all placement groups have been active+clean" in said(destroyed)
        assert 3 in destroyed.monitors.osds
        assert destroyed.wiped == []

        destroyed.monitors.states = "active+clean+scrubbing+deep"
        destroyed.settle(20)
        assert (status(destroyed), destroyed.wiped) == ([], ["osd.3"] if zap else [])

    def test_with_force_nobody_waits(self, destroyed: Cluster) -> None:
        destroyed.monitors.osds[1].pgs = destroyed.monitors.pg_num = 3
        destroyed.monitors.states = "stale+active+clean"
        remove(destroyed, "3", zap=True, force=True)
        destroyed.settle()
        assert destroyed.wiped == ["osd.3"]

    def test_the_disk_of_an_osd_before_it_is_not_wiped(self, destroyed: Cluster) -> None:
        """Its id was given to another disk, which is gone; the old one was kept on purpose."""
        destroyed.left.clear()
        destroyed.left["h2", "/dev/sdk"] = (3, "uuid-of-the-one-before")
        destroyed.report(2)
        with pytest.raises(InvalidValue, match="`ceph orch device zap`"):
            remove(destroyed, "3", zap=True)
        assert destroyed.wiped == []

    @pytest.mark.parametrize("purged", [True, False])
    def test_its_disk_is_not_erased_by_name_while_groups_may_wait_for_it(
        self, destroyed: Cluster, purged: bool
    ) -> None:
        disk = destroyed.monitors.osds[3].disk
        if purged:
            del destroyed.monitors.osds[3]
        destroyed.monitors.osds[1].pgs = destroyed.monitors.pg_num = 3
        destroyed.monitors.states = "down"
        with pytest.raises(InvalidValue, match=r"osd\.3 left it, and 3 placement groups do not"):
            raise_if_exception(destroyed.orchestrator.zap_device("h2", disk))
        assert "zap_device" not in str(destroyed.operations())

        destroyed.monitors.states = "active+clean"
        raise_if_exception(destroyed.orchestrator.zap_device("h2", disk))

    def test_where_no_disk_has_it_the_wipe_is_refused(self, destroyed: Cluster) -> None:
        destroyed.left.clear()
        destroyed.report(2)
        with pytest.raises(InvalidValue, match=r"it is destroyed, and no disk of host h2 is known"):
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
        at(full, Stage.STOPPING, asked_stop=True, stopped=True, empty=True)
        del full.monitors.osds[0]
        full.monitors.epoch += 1
        full.settle(20)
        assert "somebody else destroyed it or took it out of the map" in said(full)
        assert full.wiped == []

    def test_a_wipe_that_may_still_happen_is_not_said_to_be_stopped(self, full: Cluster) -> None:
        full.unreached.add("h1")
        remove(full, "0", zap=True)
        at(full, Stage.CLEANING)
        del full.monitors.osds[0]
        full.monitors.epoch += 1
        full.step()
        full.step()
        with pytest.raises(AdapterError, match="is done with them: it may still wipe them"):
            keep(full, "0")

        full.unreached.clear()
        full.break_on["remove_osds"] = {"h1": "the disk is read-only"}
        full.orchestrator.reconciler.remover._jobs.forget_backoff(0)
        full.settle(2)
        assert "left as they are" in keep(full, "0")
        assert full.wiped == []

    @pytest.mark.parametrize("back", [False, True])
    @pytest.mark.parametrize("told", ["of the OSD", "of the host", "nothing"])
    def test_a_job_that_failed_while_ceph_volume_goes_on_is_no_answer(
        self, full: Cluster, told: str, back: bool
    ) -> None:
        """A zap takes longer than its job waits, or than the next one waits for the disks."""
        busy = "Another run has worked on the disks of this host for more than 600 s"
        full.wiping.add("h1")
        if told == "of the OSD":
            full.problems[0] = "/dev/sdb: ceph-volume failed: it still runs after 600 s"
        elif told == "of the host":
            full.break_on["remove_osds"] = {"h1": busy}
        else:
            full.mute["remove_osds"] = {"h1": busy}
        remove(full, "0", zap=True)
        at(full, Stage.CLEANING, left=3)
        osd = full.monitors.osds.pop(0)
        full.monitors.epoch += 1
        full.settle(2)
        if back:
            full.refuses.add(0)
            full.monitors.osds[0] = osd
            full.monitors.epoch += 1
        with pytest.raises(AdapterError, match="is done with them: it may still wipe them"):
            keep(full, "0")
        full.settle(2)
        assert said(full).startswith("cleaning")

        full.wiping.clear()
        full.problems.clear()
        full.mute.clear()
        full.break_on["remove_osds"] = {"h1": "the disk is read-only"}
        full.orchestrator.reconciler.remover._jobs.forget_backoff(0)
        full.settle(2)
        if not back:
            assert "left as they are" in keep(full, "0")

    @pytest.mark.parametrize("force", [False, True])
    def test_one_that_the_map_has_again_is_drained_anew(self, full: Cluster, force: bool) -> None:
        """Its daemon ran on behind a cut network, or somebody gave it back.

        A forced one was stopped and wiped with what it held.
        """
        full.monitors.osds[0].pgs = 2
        remove(full, "0", zap=True, force=force)
        at(full, Stage.CLEANING, left=3)
        full.settle()
        assert said(full).startswith("draining: 2 PGs left")
        assert full.monitors.osds[0].up
        assert full.wiped == []
        keep(full, "0")
        assert status(full) == []

    def test_one_that_was_given_back_and_has_not_started_is_left_alone(self, full: Cluster) -> None:
        """`ceph osd new` while its host was cut off: it holds nothing, and was purged again."""
        remove(full, "0", zap=True)
        at(full, Stage.CLEANING, left=3)
        osd = full.monitors.osds[0]
        osd.up, osd.up_from, osd.flags = False, 0, ["new"]
        full.settle()
        assert "it was added to the cluster again and has not started yet" in said(full)
        assert (full.wiped, steps(full)) == ([], [])
        osd.up, osd.up_from, osd.flags = True, 9, []
        full.settle(20)
        assert 0 not in full.monitors.osds

    def test_one_that_was_given_back_can_be_kept_at_once(self, full: Cluster) -> None:
        """It was said to be out of the map, by what its removal was at."""
        full.unreached.add("h1")
        remove(full, "0", zap=True)
        at(full, Stage.CLEANING, left=3)
        assert keep(full, "0").startswith("Stopped OSD(s) removal: osd.0")
        full.settle()
        assert status(full) == []
        assert 0 in full.monitors.osds

    def test_its_host_says_first_whether_it_was_wiped(self, full: Cluster) -> None:
        """It was given back while its host wiped it, was "kept", and was gone."""
        full.unreached.add("h1")
        full.refuses.add(0)
        remove(full, "0", zap=True)
        at(full, Stage.CLEANING, left=3, asked_wipe=True)
        full.settle()
        assert steps(full)
        with pytest.raises(AdapterError, match="may still wipe them, so the removal cannot be"):
            keep(full, "0")
        full.offline("h1")
        full.orchestrator.reconciler.remover._jobs.forget_backoff(0)
        full.settle(2)
        assert said(full) == "cleaning: waiting for host h1 to say whether it has wiped its disks"

        full.unreached.clear()
        full.core.liveness.seen("h1", full.now)
        full.orchestrator.reconciler.remover._jobs.forget_backoff(0)
        full.settle(1)
        assert keep(full, "0").startswith("Stopped OSD(s) removal: osd.0")
        full.settle()
        assert (full.wiped, status(full)) == ([], [])
        assert 0 in full.monitors.osds

    def test_a_disk_that_its_host_does_not_show_is_waited_for(self, full: Cluster) -> None:
        """The disk with its DB was taken out of the host: it was not wiped, with no word of it."""
        names = "sdb=IDh1b,sdz=DB1"
        full.monitors.metadata_of[0] = {"devices": "sdb,sdz", "device_ids": names}
        full.step()
        remove(full, "0", zap=True)
        (removal,) = full.core.removals.all()
        assert removal.places == (("/dev/sdb", "IDh1b"), ("/dev/sdz", "DB1"))

    def test_that_of_a_destroyed_one_is_too(self, full: Cluster) -> None:
        """What it named itself is known as long as nobody else has its id."""
        names = "sdb=IDh1b,sdz=DB1"
        full.monitors.metadata_of[0] = {"devices": "sdb,sdz", "device_ids": names}
        full.step()
        osd = full.monitors.osds[0]
        osd.destroyed, osd.up = True, False
        full.left["h1", osd.disk] = (0, osd.uuid)
        full.report(3)
        remove(full, "0", zap=True)
        (removal,) = full.core.removals.all()
        assert removal.places == (("/dev/sdb", "IDh1b"), ("/dev/sdz", "DB1"))

    @pytest.mark.parametrize("heard", [True, False])
    def test_one_on_a_host_that_is_not_managed_is_not_asked_for_elsewhere(
        self, full: Cluster, heard: bool
    ) -> None:
        """Its disk was moved there; the host that had it took it down, and it was purged."""
        full.monitors.osds[0].pgs = 3
        remove(full, "0")
        full.settle(2)
        full.monitors.metadata_of[0] = {"hostname": "strange"}
        full.facts["h1"] = {"interfaces": {"eth0": {"ipv4_address": "10.0.0.7/24"}}}
        full.report(1)
        if not heard:
            # Another manager took over.
            full.core.reports.forget("h1")
        full.monitors.osds[0].up_from = full.monitors.epoch = full.monitors.epoch + 1
        full.monitors.osds[0].pgs = 0
        full.settle()
        assert "osd.0 was on host h1 when its removal was asked for, and is on host strange" in (
            said(full)
        )
        assert (steps(full), full.monitors.osds[0].up) == ([], True)
        keep(full, "0")
        full.settle()
        assert status(full) == []

    def test_one_whose_host_was_renamed_since_it_started_leaves(self, full: Cluster) -> None:
        full.monitors.metadata_of[0] = {"hostname": "former"}
        full.facts["h1"] = {"interfaces": {"eth0": {"ipv4_address": "10.0.0.1/24"}}}
        full.report(1)
        remove(full, "0")
        full.settle(20)
        assert (status(full), 0 in full.monitors.osds) == ([], False)

    def test_so_does_one_of_a_dead_host_that_a_new_manager_has_not_heard(
        self, full: Cluster
    ) -> None:
        full.monitors.metadata_of[0] = {"hostname": "former"}
        full.settle(2)
        remove(full, "0", force=True)
        full.monitors.osds[0].up = False
        full.core.reports.forget("h1")
        full.offline("h1")
        full.settle(20)
        assert 0 not in full.monitors.osds
        assert said(full).startswith("cleaning: waiting for host h1")

    def test_one_that_came_back_while_it_was_cleaned_leaves_again(self, full: Cluster) -> None:
        remove(full, "0", zap=True)
        at(full, Stage.CLEANING, cleaned=True, left=3)
        full.monitors.osds[0].up = False
        full.settle()
        assert 0 not in full.monitors.osds
        assert status(full) == []

    def test_one_of_a_host_that_is_gone_for_good_goes(self, full: Cluster) -> None:
        """Its bucket has another name than the host, which nobody manages any more."""
        for osd_id in (0, 1):
            full.monitors.crush[osd_id] = "h1-ssd"
            full.monitors.osds[osd_id].up = False
        full.offline("h1")
        raise_if_exception(full.orchestrator.remove_host("h1", force=True, offline=True))
        full.settle(3)
        remove(full, "0", force=True)
        full.settle(60)
        assert status(full) == []
        assert 0 not in full.monitors.osds

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
        at(full, Stage.DRAINING, host="h2")
        full.settle()
        assert said(full) == (
            "stopping: osd.0 was on host h2 when its removal was asked for, and is on host h1 now; "
            "`ceph orch osd rm stop 0`, then ask again"
        )
        assert steps(full) == []
        assert "purge 0" not in full.monitors.log
        assert full.monitors.osds[0].up
