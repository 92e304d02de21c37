"""OSDs whose removal was stopped, until they run: what is theirs, and what is somebody else's."""

from __future__ import annotations

from typing import Any

import pytest

from adapter.cluster.osd_removals import Stage
from adapter.errors import AdapterError
from adapter.interface import raise_if_exception
from adapter.reconcile.parts import OTHERS_JOBS_END
from tests.unit.reconcile.fake_cluster import Cluster
from tests.unit.reconcile.removals import at, keep, remove, said, status, steps


@pytest.fixture
def kept(full: Cluster) -> Cluster:
    """Return a cluster whose osd.4 drained and was stopped, and does not start again."""
    full.monitors.osds[4].pgs = 3
    remove(full, "4", force=False)
    full.settle(2)
    assert full.monitors.osds[4].weight == 0.0
    at(full, Stage.STOPPING, asked_stop=True)
    full.monitors.osds[4].up = False
    full.break_on["remove_osds"] = {"h3": "its disk is dead"}
    keep(full, "4")
    assert full.monitors.osds[4].weight == 1.0
    return full


def test_what_others_take_away_later_is_not_given_back(kept: Cluster) -> None:
    """The monitors mark out what does not come up, so that its data is copied elsewhere."""
    osd = kept.monitors.osds[4]
    kept.settle(3)
    osd.reweight, osd.weight = 0.0, 0.0
    kept.settle(10)
    kept.start_anew()
    kept.settle(10)
    assert said(kept).startswith("keeping")
    assert (osd.reweight, osd.weight) == (0.0, 0.0)


def test_it_is_asked_again_with_what_it_has_then(kept: Cluster) -> None:
    kept.break_on.clear()
    remove(kept, "4")
    kept.settle(3)
    assert kept.monitors.osds[4].weight == 0.0
    keep(kept, "4")
    kept.settle(40)
    assert (kept.monitors.osds[4].weight, status(kept)) == (1.0, [])


def test_it_is_not_stopped_beside_that(kept: Cluster) -> None:
    """Else it is acknowledged, and undone in the same second."""
    with pytest.raises(AdapterError) as raised:
        raise_if_exception(kept.orchestrator.daemon_action("stop", "osd.4"))
    assert "osd.4 is being started again, as its removal was stopped: keeping" in str(raised.value)
    assert "`ceph orch osd rm stop 4` once more leaves it as it is" in str(raised.value)
    keep(kept, "4")
    raise_if_exception(kept.orchestrator.daemon_action("stop", "osd.4"))


class TestTheMapShowsItUp:
    """Under the flag nodown, or for a moment, the map has one up that its host has stopped."""

    @pytest.fixture(autouse=True)
    def _its_host(self, full: Cluster) -> None:
        """Have a daemon that its host starts in the map anew."""
        act = full.acts.get("remove_osds", full._on_remove_osds)

        def start(host: str, variables: Any) -> Any:
            found = act(host, variables)
            if variables["osd_remove_step"] == "start":
                osd = full.monitors.osds[4]
                osd.up_from = full.monitors.epoch = full.monitors.epoch + 1
            return found

        full.acts["remove_osds"] = start

    def test_one_that_its_host_has_stopped_is_started(self, full: Cluster) -> None:
        osd = full.monitors.osds[4]
        remove(full, "4", force=True)
        at(full, Stage.STOPPING, asked_stop=True, stopped=True, up_from=osd.up_from)
        before = osd.up_from
        assert keep(full, "4").endswith("osd.4 is started again")
        full.settle(5)
        assert steps(full) == ["start"]
        assert osd.up_from > before
        assert status(full) == []

    def test_one_whose_job_ends_only_then_is_started(self, full: Cluster) -> None:
        osd = full.monitors.osds[4]
        before, seen = osd.up_from, []

        def stop(host: str, variables: Any) -> Any:
            if variables["osd_remove_step"] == "stop":
                seen.append(keep(full, "4"))
                return {"removed": [{"osd_id": 4, "state": "stopped", "held": 0}]}
            return act(host, variables)

        act = full.acts["remove_osds"]
        full.acts["remove_osds"] = stop
        remove(full, "4", force=True)
        full.settle(5)
        assert seen == ["Stopped OSD(s) removal: osd.4; osd.4 is started again"]
        assert steps(full) == ["stop", "start"]
        assert osd.up_from > before
        assert status(full) == []

    def test_one_of_whose_job_nobody_heard_is_started_when_that_is_over(
        self, full: Cluster
    ) -> None:
        remove(full, "4", force=True)
        at(full, Stage.STOPPING, asked_stop=True)
        keep(full, "4")
        full.settle(3)
        assert "a job that was to stop it may still run" in said(full)
        assert steps(full) == []
        full.now += OTHERS_JOBS_END
        full.settle(5)
        assert steps(full) == ["start"]
        assert status(full) == []


def test_what_its_host_had_no_time_for_is_asked_again_at_once(full: Cluster) -> None:
    """It stops no other one when the first took long: nobody might expect that any more."""
    asked = []

    def later(host: str, variables: Any) -> Any:
        asked.append(variables["osd_remove_step"])
        if asked == ["stop"]:
            return {"removed": [{"osd_id": 4, "state": "later", "held": None}]}
        return full._on_remove_osds(host, variables)

    full.acts["remove_osds"] = later
    remove(full, "4", force=True)
    full.settle(20)
    assert asked == ["stop", "stop", "remove"]
    assert (status(full), 4 in full.monitors.osds) == ([], False)
