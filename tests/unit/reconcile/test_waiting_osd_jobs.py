"""A job for OSDs that leave, and that has not begun, told their hosts nothing."""

from __future__ import annotations

from typing import Any, List

import pytest

from adapter.cluster.osd_removals import Stage
from adapter.errors import AdapterError
from adapter.interface import raise_if_exception
from adapter.reconcile.waiting_osd_jobs import is_told_of
from tests.unit.reconcile import drains
from tests.unit.reconcile.fake_cluster import Cluster
from tests.unit.reconcile.removals import at, keep, remove, said, status


def jobs(cluster: Cluster) -> List[Any]:
    """Return the jobs for OSDs that leave, the oldest first."""
    found = [each for each in cluster.engine.jobs() if each.request.operation == "remove_osds"]
    return found[::-1]


def did(cluster: Cluster) -> List[str]:
    """Return what hosts have done to OSDs that leave."""
    ran = [each.request.variables for each in jobs(cluster) if each.started is not None]
    return [str(each["osd_remove_step"]) for each in ran]


@pytest.fixture
def cleaned(full: Cluster) -> Cluster:
    """Return a cluster where a job that wipes the disk of osd.0 waits for its host."""
    remove(full, "0", force=True, zap=True)
    at(full, Stage.CLEANING, left=full.monitors.epoch)
    del full.monitors.osds[0]
    full.monitors.epoch += 1
    full.engine.held.add("h1")
    full.settle(3)
    assert [each.status.value for each in jobs(full)] == ["queued"]
    assert full.core.removals.all()[0].asked_wipe, "whoever comes next may find it wiped"
    return full


@pytest.fixture
def stopped(full: Cluster) -> Cluster:
    """Return a cluster where a job that stops osd.0, which holds data, waits for its host."""
    full.monitors.osds[0].pgs = 5
    full.engine.held.add("h1")
    remove(full, "0", force=True)
    full.settle(3)
    assert [each.status.value for each in jobs(full)] == ["queued"]
    assert full.core.removals.all()[0].asked_stop
    return full


class TestAWipe:
    """What a job is told of a disk counts as asked for only if it has begun."""

    def test_it_can_be_stopped_while_it_waits(self, cleaned: Cluster) -> None:
        assert "its disks are left as they are" in keep(cleaned, "0")
        cleaned.engine.held.clear()
        cleaned.settle(4)
        assert (cleaned.wiped, did(cleaned), status(cleaned)) == ([], [], [])

    def test_it_can_be_stopped_in_a_pause(self, cleaned: Cluster) -> None:
        """ "Host h1 was told to wipe the disks": only `resume` led on, which wiped them."""
        cleaned.orchestrator.pause()
        cleaned.engine.held.clear()
        cleaned.settle(3)
        assert jobs(cleaned)[0].message.startswith("not begun: nothing is done by itself")
        assert not cleaned.core.removals.all()[0].asked_wipe
        assert "its disks are left as they are" in keep(cleaned, "0")

    def test_it_can_be_stopped_where_placement_groups_have_failed_since(
        self, full: Cluster
    ) -> None:
        """`osd rm stop`, which the queue named as the way, was refused for as long as that was."""
        full.monitors.osds[2].pgs = 1
        remove(full, "0", zap=True)
        at(full, Stage.CLEANING, left=full.monitors.epoch)
        del full.monitors.osds[0]
        full.monitors.epoch += 1
        full.engine.held.add("h1")
        full.settle(3)
        full.monitors.states = "active+undersized+degraded"
        full.engine.held.clear()
        full.settle(3)
        assert jobs(full)[0].message.startswith("not begun: Not all placement groups")
        assert not full.core.removals.all()[0].asked_wipe
        full.settle(10)
        assert "`ceph orch osd rm stop 0` leaves them as they are" in said(full)
        assert "its disks are left as they are" in keep(full, "0")
        assert full.wiped == []

    def test_it_can_be_stopped_where_no_job_can_be_made(
        self, full: Cluster, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        submit = full.core.engine.submit

        def no_room(request: Any, before: Any = None) -> Any:
            if request.variables.get("osd_remove_step") == "remove":
                raise AdapterError("The directory of jobs is full.", "Make room.")
            return submit(request, before)

        monkeypatch.setattr(full.core.engine, "submit", no_room)
        remove(full, "0", force=True, zap=True)
        full.settle(8)
        assert said(full).startswith("cleaning: The directory of jobs is full.")
        assert not full.core.removals.all()[0].asked_wipe
        assert "its disks are left as they are" in keep(full, "0")

    def test_one_that_an_earlier_job_was_told_of_stays_asked_for(self, full: Cluster) -> None:
        """That host was cut off, and may still wipe; that the next job never began is no answer."""
        remove(full, "0", force=True, zap=True)
        at(full, Stage.CLEANING, left=full.monitors.epoch, asked_wipe=True)
        del full.monitors.osds[0]
        full.monitors.epoch += 1
        full.engine.held.add("h1")
        full.settle(3)
        full.orchestrator.pause()
        full.engine.held.clear()
        full.settle(3)
        assert jobs(full)[0].never_began
        with pytest.raises(AdapterError, match="it may still wipe them"):
            keep(full, "0")

    def test_it_goes_on_after_a_pause(self, cleaned: Cluster) -> None:
        cleaned.orchestrator.pause()
        cleaned.engine.held.clear()
        cleaned.settle(3)
        cleaned.orchestrator.resume()
        cleaned.settle(20)
        assert (cleaned.wiped, status(cleaned)) == (["osd.0"], [])


class TestAStop:
    """An OSD that is to stay is not stopped by what waited."""

    def test_one_that_stays_is_not_stopped(self, stopped: Cluster) -> None:
        """It was stopped minutes later, and started again by another job."""
        assert keep(stopped, "0") == "Stopped OSD(s) removal: osd.0"
        assert status(stopped) == [], "nobody was told to stop it"
        stopped.engine.held.clear()
        stopped.settle(4)
        assert (did(stopped), stopped.monitors.osds[0].up) == ([], True)

    def test_the_others_of_its_job_go_on(self, full: Cluster) -> None:
        full.engine.held.add("h1")
        remove(full, "0", "1", force=True)
        full.settle(3)
        (job,) = jobs(full)
        keep(full, "0")
        assert job.id != jobs(full)[-1].id or jobs(full)[-1].never_began
        full.engine.held.clear()
        full.settle(30)
        assert 1 not in full.monitors.osds
        assert full.monitors.osds[0].up
        assert status(full) == []

    def test_one_whose_drain_is_stopped_is_not_stopped(self, full: Cluster) -> None:
        full.engine.held.add("h1")
        drains.drain(full, "h1")
        full.settle(3)
        assert jobs(full)[0].request.variables["osd_remove_step"] == "stop"
        drains.stop(full, "h1")
        full.engine.held.clear()
        full.settle(4)
        assert did(full) == []
        assert all(full.monitors.osds[each].up for each in (0, 1))

    def test_it_is_asked_for_again_after_a_pause(self, stopped: Cluster) -> None:
        stopped.orchestrator.pause()
        stopped.engine.held.clear()
        stopped.settle(3)
        assert stopped.monitors.osds[0].up
        assert not stopped.core.removals.all()[0].asked_stop
        stopped.orchestrator.resume()
        stopped.settle(20)
        assert did(stopped)[0] == "stop"

    def test_one_that_leaves_its_stage_meanwhile_is_not_stopped(self, stopped: Cluster) -> None:
        """Whoever has written so: what waits asks the record."""
        at(stopped, Stage.DRAINING)
        stopped.engine.held.clear()
        stopped.engine.poll()
        assert "osd.0 has moved on, or was stopped" in jobs(stopped)[0].message
        assert stopped.monitors.osds[0].up


def test_a_start_that_waits_is_given_up_with_its_removal(full: Cluster) -> None:
    """ "It is left as it is", and it was started all the same."""
    remove(full, "0")
    at(full, Stage.KEEPING, asked_stop=True)
    full.monitors.osds[0].up = False
    full.engine.held.add("h1")
    full.settle(3)
    assert "osd.0 is left as it is" in keep(full, "0")
    full.engine.held.clear()
    full.settle(4)
    assert (did(full), full.monitors.osds[0].up) == ([], False)


class TestAHostThatGoes:
    """`ceph orch host rm` while jobs wait for it."""

    @pytest.fixture(params=["stopped", "cleaned"])
    def waiting(self, request: pytest.FixtureRequest) -> Cluster:
        found: Cluster = request.getfixturevalue(request.param)
        return found

    def test_nothing_is_done_there_any_more(self, waiting: Cluster) -> None:
        text = raise_if_exception(waiting.orchestrator.remove_host("h1", force=True))
        assert "In the removal queue stay osd.0" in text
        assert "`ceph orch osd rm stop 0` takes them out of the queue" in text
        assert "told before" not in text
        waiting.engine.held.clear()
        waiting.settle(6)
        assert (did(waiting), waiting.wiped) == ([], [])

    def test_its_disks_are_said_to_be_left(self, cleaned: Cluster) -> None:
        raise_if_exception(cleaned.orchestrator.remove_host("h1", force=True))
        cleaned.settle(3)
        (event,) = [
            each.message
            for each in cleaned.core.events.of("osd.all")
            if "left its disks" in each.message
        ]
        assert event == "osd.0 left its disks: host h1 is not managed, so they were not wiped"


def test_one_that_a_job_may_still_begin_with_counts_as_told(stopped: Cluster) -> None:
    assert is_told_of(stopped.core, 0)
    assert not is_told_of(stopped.core, 1)
    stopped.engine.cancel(jobs(stopped)[0].id)
    assert not is_told_of(stopped.core, 0)
