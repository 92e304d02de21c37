"""OSDs leave only when they hold nothing, and when that is known."""

from __future__ import annotations

from typing import Any

import pytest

from adapter.cluster.osd_removals import Stage
from adapter.errors import InvalidValue
from adapter.interface import raise_if_exception
from tests.unit.reconcile.fake_cluster import Cluster
from tests.unit.reconcile.removals import at, keep, remove, said, status, steps


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
    at(full, Stage.PURGING, asked_stop=True, stopped=True, empty=True, up_from=5)
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
    at(full, Stage.PURGING, asked_stop=True, stopped=True, empty=True, up_from=5)
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
    assert "it is down, so what it holds is not known" in said(full)
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


def test_a_disk_that_is_not_to_be_seen_is_waited_for(full: Cluster) -> None:
    disk = full.monitors.osds[3].disk
    full.hidden = [disk]
    remove(full, "3", zap=True)
    full.settle()
    assert said(full).startswith(f"cleaning: waiting for {disk} to be seen on host h2")
    assert "`ceph orch osd rm stop 3` gives that up" in said(full)
    assert full.wiped == []

    full.hidden = []
    full.orchestrator.reconciler.remover._jobs.forget_backoff(3)
    full.settle()
    assert (status(full), full.wiped) == ([], ["osd.3"])


def test_a_disk_with_something_else_on_it_is_left_and_said(full: Cluster) -> None:
    disk = full.monitors.osds[3].disk
    full.overwritten = [disk]
    remove(full, "3", zap=True)
    full.settle()
    assert (status(full), full.wiped) == ([], [])
    (event,) = [each.message for each in full.core.events.of("osd.all") if "left" in each.message]
    assert event.startswith(f"osd.3 left {disk} on host h2 as it is: something else is on it")


def test_a_host_whose_record_cannot_be_read_is_not_one_that_is_gone(full: Cluster) -> None:
    remove(full, "3", zap=True)
    at(full, Stage.CLEANING)
    del full.monitors.osds[3]
    full.monitors.epoch += 5
    full.core.hosts.remove("h2")
    full.core.hosts.problems["h2"] = "it is not JSON"
    full.settle()
    assert "the record of host h2 cannot be read (it is not JSON)" in said(full)
    assert full.wiped == []


class TestItsHostWasAway:
    """What the monitors said when an OSD left the map is old when its host comes back."""

    @pytest.fixture
    def purged(self, full: Cluster) -> Cluster:
        full.monitors.pg_num = 3
        full.monitors.osds[1].pgs = 3
        full.monitors.osds[0].up = False
        full.offline("h1")
        remove(full, "0", zap=True)
        full.settle(20)
        assert "waiting for host h1 to wipe its disks" in said(full)
        return full

    def back(self, cluster: Cluster, states: str) -> None:
        cluster.monitors.states = states
        cluster.core.liveness.seen("h1", cluster.now)
        cluster.settle(40)

    def test_its_disk_stays_while_other_data_is_not_well(self, purged: Cluster) -> None:
        self.back(purged, "stale+active+clean")
        assert purged.wiped == []
        assert "may have the last copy of something" in said(purged)
        assert "`ceph orch osd rm stop 0` leaves them as they are" in said(purged)

        self.back(purged, "active+clean")
        assert (status(purged), purged.wiped) == ([], ["osd.0"])

    def test_it_is_asked_again_when_the_wipe_has_waited(self, purged: Cluster) -> None:
        purged.engine.held.add("h1")
        self.back(purged, "active+clean")
        purged.monitors.states = "stale+active+clean"
        purged.engine.held.clear()
        purged.settle(20)
        assert purged.wiped == []


class TestCopiesDiffer:
    """Copies of a placement group differ: the good one may be on the OSD that goes."""

    @pytest.fixture
    def damaged(self, full: Cluster) -> Cluster:
        full.monitors.pg_num = 3
        full.monitors.osds[0].pgs = 3
        full.monitors.osds[1].pgs = 3
        full.monitors.states = "active+clean+inconsistent"
        return full

    @pytest.mark.parametrize("replace", [True, False])
    def test_nothing_moves_before_they_are_repaired(self, damaged: Cluster, replace: bool) -> None:
        remove(damaged, "0", zap=True, replace=replace)
        damaged.settle(20)
        assert "inconsistent, and the good copy may be this one" in said(damaged)
        assert "`ceph pg repair PGID`" in said(damaged)
        assert damaged.monitors.osds[0].reweight == 1
        assert damaged.monitors.osds[0].weight > 0

        damaged.monitors.states = "active+clean"
        damaged.settle(5)
        assert said(damaged).startswith("draining: ")
        damaged.monitors.osds[0].pgs = 0
        damaged.settle(40)
        assert (status(damaged), damaged.wiped) == ([], ["osd.0"])

    @pytest.mark.parametrize("then", [True, False])
    def test_one_that_is_down_may_have_the_good_copy_too(
        self, damaged: Cluster, then: bool
    ) -> None:
        damaged.monitors.osds[0].up = then
        remove(damaged, "0", zap=True)
        damaged.settle(5)
        # Its placement groups are others' now.
        damaged.monitors.osds[0].up = False
        damaged.monitors.osds[0].pgs = 0
        damaged.settle(30)
        assert "the good copy may be this one" in said(damaged)
        assert damaged.wiped == []

        damaged.monitors.states = "active+clean"
        damaged.settle(40)
        assert damaged.wiped == ["osd.0"]

    def test_what_scrubs_find_after_it_began_counts_for_one_that_is_down(
        self, damaged: Cluster
    ) -> None:
        damaged.monitors.states = "active+clean"
        damaged.monitors.osds[0].up = False
        remove(damaged, "0", zap=True)
        damaged.settle(3)
        damaged.monitors.states = "active+clean+inconsistent"
        damaged.monitors.osds[0].pgs = 0
        damaged.settle(30)
        assert "the good copy may be this one" in said(damaged)
        assert damaged.wiped == []

        damaged.monitors.states = "active+clean"
        damaged.settle(40)
        assert damaged.wiped == ["osd.0"]

    @pytest.mark.parametrize("replace", [True, False])
    def test_what_scrubs_find_while_it_drains_stops_that(
        self, damaged: Cluster, replace: bool
    ) -> None:
        osd, damaged.monitors.states = damaged.monitors.osds[0], "active+clean+remapped"
        remove(damaged, "0", zap=True, replace=replace)
        damaged.settle(3)
        assert 0 in (osd.weight, osd.reweight)
        damaged.monitors.states = "active+clean+remapped+inconsistent"
        damaged.settle(5)
        assert 0 not in (osd.weight, osd.reweight)
        assert "`ceph pg repair PGID`" in said(damaged)

        damaged.monitors.states = "active+clean"
        damaged.settle(5)
        assert 0 in (osd.weight, osd.reweight)
        osd.pgs = 0
        damaged.settle(40)
        assert (status(damaged), damaged.wiped) == ([], ["osd.0"])

    def test_its_disk_is_not_erased_by_name_either(self, damaged: Cluster) -> None:
        damaged.monitors.osds[0].up = False
        damaged.monitors.osds[0].pgs = 0
        disk = damaged.monitors.osds[0].disk
        with pytest.raises(InvalidValue, match="the good copy may be this one") as error:
            raise_if_exception(damaged.orchestrator.zap_device("h1", disk))
        assert "`ceph orch osd rm 0 --zap` drains it first" in str(error.value)
        assert damaged.operations() == []

        damaged.monitors.states = "active+clean"
        raise_if_exception(damaged.orchestrator.zap_device("h1", disk))
        damaged.settle(1)
        assert damaged.operations() == [("zap_device", ["h1"])]

    @pytest.mark.parametrize("rows", [True, False])
    @pytest.mark.parametrize("up", [True, False])
    def test_a_manager_that_knows_no_states_yet_begins_nothing(
        self, damaged: Cluster, rows: bool, up: bool
    ) -> None:
        damaged.monitors.osds[0].up = up
        damaged.monitors.states = "unknown"
        if not rows:
            damaged.monitors.osds[0].pgs = damaged.monitors.osds[1].pgs = 0
        remove(damaged, "0", zap=True)
        damaged.settle(20)
        assert "is not known yet" in said(damaged)
        assert damaged.monitors.osds[0].weight > 0
        assert damaged.wiped == []

    def test_with_force_nobody_waits(self, damaged: Cluster) -> None:
        remove(damaged, "0", zap=True, force=True)
        damaged.settle(40)
        assert damaged.wiped == ["osd.0"]
