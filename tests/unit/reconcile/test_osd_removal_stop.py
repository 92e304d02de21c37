"""`ceph orch osd rm stop`: until the purge, an OSD can stay."""

from __future__ import annotations

from typing import Dict

import pytest

from adapter.cluster.osd_removals import Stage
from adapter.errors import AdapterError, UnreadableRecord
from adapter.reconcile.parts import OTHERS_JOBS_END
from tests.unit.reconcile.fake_cluster import Cluster
from tests.unit.reconcile.removals import at, keep, remove, said, status, steps


class TestStop:
    """`ceph orch osd rm stop` until the purge."""

    def test_one_that_was_stopped_already_is_started_again(self, full: Cluster) -> None:
        """The job was lost after the unit was down."""
        remove(full, "4", zap=True)
        full.monitors.osds[4].weight = 0.0
        at(full, Stage.STOPPING, asked_stop=True)
        full.monitors.osds[4].up = False
        assert keep(full, "4") == "Stopped OSD(s) removal: osd.4; osd.4 is started again"
        full.settle(40)

        assert full.monitors.osds[4].up
        assert full.monitors.osds[4].weight == 1.0
        assert status(full) == []
        assert steps(full) == ["start"]

    def test_what_was_acknowledged_is_done_after_a_pause_that_is_dropped(
        self, full: Cluster
    ) -> None:
        """`ceph ansible drop-pending` gives back what is being removed, this one too."""
        remove(full, "4", zap=True)
        at(full, Stage.STOPPING, asked_stop=True)
        full.monitors.osds[4].up = False
        full.orchestrator.pause()
        assert keep(full, "4").endswith(
            "osd.4 is started again. It is paused: this is done after `ceph orch resume`."
        )
        (row,) = full.orchestrator.pending.rows()
        assert row["step"] == "it would be started again, for its removal was stopped"
        assert full.orchestrator.pending.drop() == (
            "Done all the same:\nosd.4: it would be started again, for its removal was stopped"
        )
        full.settle(40)
        assert full.monitors.osds[4].up
        assert status(full) == []

    def test_one_that_never_comes_up_can_be_left_as_it_is(self, full: Cluster) -> None:
        remove(full, "4")
        at(full, Stage.STOPPING, asked_stop=True)
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
        at(full, Stage.KEEPING, asked_stop=True)
        osd = full.monitors.osds[4]
        osd.up, osd.weight, osd.said = False, 0.0, False
        full.monitors.placeless.add(4)
        full.settle(40)
        assert osd.up
        assert status(full) == []

    def test_it_goes_on_after_a_manager_that_ended(self, full: Cluster) -> None:
        remove(full, "4")
        at(full, Stage.STOPPING, asked_stop=True)
        full.monitors.osds[4].up = False
        full.break_on["remove_osds"] = {"h3": "no"}
        keep(full, "4")
        full.settle(3)
        full.break_on.clear()
        full.start_anew()
        full.settle(40)
        assert full.monitors.osds[4].up
        assert status(full) == []

    @pytest.mark.parametrize(("zap", "done"), [(True, "wiped"), (False, "removed")])
    def test_one_whose_host_is_cleaned_already_is_not_said_to_be_left(
        self, full: Cluster, zap: bool, done: str
    ) -> None:
        """Between the answer of its host and the end of the removal."""
        remove(full, "4", zap=zap)
        at(full, Stage.CLEANING, cleaned=True)
        del full.monitors.osds[4]
        with pytest.raises(AdapterError, match=rf"osd\.4 cannot be kept: .* {done} already"):
            keep(full, "4")
        full.settle()
        assert status(full) == []

    @pytest.mark.parametrize("up", [True, False])
    @pytest.mark.parametrize("states", ["active+clean", "active+clean+inconsistent"])
    def test_what_is_kept_leaves_again_when_it_is_asked_for(
        self, full: Cluster, states: str, up: bool
    ) -> None:
        """It was refused for up to a minute, as a job could still stop it."""
        osd = full.monitors.osds[4]
        osd.pgs = 4
        remove(full, "4")
        full.settle()
        at(full, Stage.STOPPING, asked_stop=True)
        osd.up = up
        keep(full, "4")
        full.monitors.states = states
        assert said(full).startswith("keeping")
        assert remove(full, "4", zap=True) == "Scheduled OSD(s) for removal: osd.4"
        full.settle()
        assert said(full).startswith("draining")
        assert osd.up, "it has what it holds"
        drains = "inconsistent" not in states
        assert osd.weight == (0.0 if drains else 1.0)
        assert keep(full, "4").startswith("Stopped OSD(s) removal: osd.4")
        full.settle(60)
        assert (osd.up, osd.weight, status(full)) == (True, 1.0, [])

    # Somebody may have put it under another bucket meanwhile.
    @pytest.mark.parametrize("crush", [{}, {4: "elsewhere"}])
    def test_what_is_kept_and_has_no_weight_yet_gets_it_back_the_second_time(
        self, full: Cluster, crush: Dict[int, str]
    ) -> None:
        osd = full.monitors.osds[4]
        osd.pgs = 4
        remove(full, "4")
        full.settle()
        at(full, Stage.STOPPING, asked_stop=True)
        full.monitors.placeless.add(4)
        keep(full, "4")
        assert osd.weight == 0.0
        if crush:
            full.monitors.placeless.clear()
            full.monitors.crush.update(crush)
        remove(full, "4")
        full.monitors.placeless.clear()
        keep(full, "4")
        full.settle(60)
        assert (osd.up, osd.weight, status(full)) == (True, 1.0, [])

    def test_a_host_that_was_cut_off_may_still_stop_it(self, full: Cluster) -> None:
        """The module waited there for the disks, and stopped an OSD that was said to stay."""
        full.unreached.add("h1")
        remove(full, "0", force=True)
        full.settle(3)
        assert "stop" in steps(full)
        full.unreached.clear()
        keep(full, "0")
        full.settle(10)
        assert said(full) == "keeping: it is up; a job that was to stop it may still run"
        full.settle(int(OTHERS_JOBS_END))
        assert status(full) == []

    def test_one_that_somebody_else_purged_meanwhile_ends(self, full: Cluster) -> None:
        remove(full, "4")
        at(full, Stage.STOPPING, asked_stop=True)
        full.monitors.osds[4].up = False
        keep(full, "4")
        del full.monitors.osds[4]
        full.monitors.epoch += 5
        full.settle()
        assert status(full) == []


class TestOneWithoutARecord:
    """The record of a removal cannot be used: what the OSD had before is not known."""

    @pytest.fixture
    def spoilt(self, full: Cluster) -> Cluster:
        remove(full, "4")
        full.monitors.osds[4].weight = 0.0
        full.store.spoil("osd_removal.4", "it is not JSON")
        full.core.removals.reload()
        return full

    def test_it_is_not_asked_for_again_over_it(self, spoilt: Cluster) -> None:
        """A new record would give the weight of the drain back, which is 0."""
        with pytest.raises(UnreadableRecord, match="`ceph orch osd rm stop 4` ends that removal"):
            remove(spoilt, "4")
        assert spoilt.core.removals.problems == {"4": "it is not JSON"}

    def test_its_end_says_what_it_has_now(self, spoilt: Cluster) -> None:
        said_of = keep(spoilt, "4")
        assert "`ceph osd crush reweight osd.4 WEIGHT`" in said_of

    def test_one_that_had_no_weight_before_is_told(self, spoilt: Cluster) -> None:
        keep(spoilt, "4")
        remove(spoilt, "4")
        assert "the CRUSH weight of osd.4 is 0, as it was when" in keep(spoilt, "4")


def test_one_in_two_places_of_crush_gets_each_weight_back(full: Cluster) -> None:
    """`osd crush reweight`, by which it drains, sets the weight of all its places."""
    full.monitors.also_in = {"fast": {4: 0.5}}
    full.monitors.osds[4].pgs = 3
    remove(full, "4")
    full.settle(2)
    assert (full.monitors.osds[4].weight, full.monitors.also_in) == (0.0, {"fast": {4: 0.0}})
    full.start_anew()
    keep(full, "4")
    full.settle(2)
    assert (full.monitors.osds[4].weight, full.monitors.also_in) == (1.0, {"fast": {4: 0.5}})
    assert status(full) == []


class TestPlacesInCrush:
    """What somebody does to an OSD's places while it drains; each has a weight of its own."""

    @pytest.fixture
    def draining(self, full: Cluster) -> Cluster:
        full.monitors.also_in = {"fast": {4: 0.5}}
        full.monitors.osds[4].pgs = 3
        remove(full, "4")
        full.settle(2)
        assert (full.monitors.osds[4].weight, full.monitors.also_in) == (0.0, {"fast": {4: 0.0}})
        return full

    def test_one_that_goes_leaves_the_other_its_own(self, draining: Cluster) -> None:
        draining.monitors.also_in = {}
        keep(draining, "4")
        assert draining.monitors.osds[4].weight == 1.0

    def test_one_that_is_renamed_has_its_own(self, draining: Cluster) -> None:
        draining.monitors.bucket_ids["faster"] = draining.monitors.bucket_ids.pop("fast")
        draining.monitors.also_in = {"faster": {4: 0.0}}
        keep(draining, "4")
        assert draining.monitors.also_in == {"faster": {4: 0.5}}

    def test_one_that_is_moved_takes_its_weight_with_it(self, draining: Cluster) -> None:
        draining.monitors.also_in = {"other": {4: 0.0}}
        keep(draining, "4")
        assert draining.monitors.also_in == {"other": {4: 0.5}}

    def test_one_that_is_new_is_named(self, draining: Cluster) -> None:
        draining.monitors.also_in["new"] = {4: 0.0}
        answer = keep(draining, "4")
        assert "osd.4 has weight 0 under host new" in answer
        assert "`ceph osd crush set osd.4 WEIGHT host=new`" in answer
        assert draining.monitors.also_in == {"fast": {4: 0.5}, "new": {4: 0.0}}

    def test_one_that_came_with_a_weight_does_not_hide_the_first(self, full: Cluster) -> None:
        full.monitors.osds[4].pgs = 3
        remove(full, "4")
        full.settle(2)
        full.monitors.also_in = {"new": {4: 0.25}}
        keep(full, "4")
        assert (full.monitors.osds[4].weight, full.monitors.also_in["new"]) == (1.0, {4: 0.25})


def test_an_error_of_one_says_what_was_done_for_the_others(full: Cluster) -> None:
    full.monitors.osds[3].pgs = full.monitors.osds[4].pgs = 3
    full.monitors.also_in = {"fast": {4: 0.5}}
    remove(full, "3", "4")
    full.settle(2)
    full.monitors.refuse = "osd crush set"
    with pytest.raises(AdapterError) as raised:
        keep(full, "3", "4")
    assert "osd.4 is not kept: the monitors do not answer. osd.3 is kept." in str(raised.value)
