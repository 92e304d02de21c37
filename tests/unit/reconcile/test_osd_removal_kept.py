"""OSDs whose removal was stopped, until they run: what is theirs, and what is somebody else's."""

from __future__ import annotations

from typing import Any, Mapping, Optional

import pytest

from adapter.cluster.osd_removals import Stage
from adapter.cluster.store import MemoryStore
from adapter.errors import AdapterError, NotKept
from adapter.interface import raise_if_exception
from adapter.reconcile.parts import OTHERS_JOBS_END
from tests.unit.reconcile.fake_cluster import Cluster
from tests.unit.reconcile.removals import at, keep, remove, said, status, steps


class Electing(MemoryStore):
    """A store of monitors that keep no removal any more, but change one, while they elect."""

    elects = False

    def __init__(self, before: MemoryStore) -> None:
        super().__init__()
        for kind in ("host", "spec", "osd_owner", "deployed", "settings"):
            for name, record in before.items(kind).items():
                self.set(f"{kind}.{name}", record)

    def set(self, key: str, record: Optional[Mapping[str, Any]]) -> None:
        """Refuse the end of a removal, and one that is kept."""
        ends = record is None or record.get("stage") == Stage.KEEPING.value
        if self.elects and key.startswith("osd_removal.") and ends:
            raise NotKept(key, 16, "the monitors elect", "Ask again.")
        super().set(key, record)


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


def moved(cluster: Cluster, osd_id: int, host: str) -> None:
    """Let somebody move an OSD's disk to another host, and start it there."""
    osd = cluster.monitors.osds[osd_id]
    osd.host, osd.up = host, True
    cluster.monitors.epoch += 1
    osd.up_from = cluster.monitors.epoch
    cluster.report(2)


@pytest.fixture
def elsewhere(full: Cluster) -> Cluster:
    """Return a cluster whose osd.0 of h1 was stopped for its removal, and runs on h2 now."""
    remove(full, "0", force=True)
    at(full, Stage.STOPPING, asked_stop=True, stopped=True, up_from=full.monitors.osds[0].up_from)
    moved(full, 0, "h2")
    full.settle(2)
    assert "is on host h2 now; `ceph orch osd rm stop 0`" in said(full)
    full.requests.clear()
    return full


def test_one_that_runs_on_another_host_is_not_started_where_it_was(elsewhere: Cluster) -> None:
    """Both may see the disk: two daemons would write to one BlueStore."""
    assert "osd.0 is on host h2 now, and stays" in keep(elsewhere, "0")
    elsewhere.settle(60)
    assert (steps(elsewhere), status(elsewhere)) == ([], [])


def test_nor_one_that_is_moved_while_it_is_kept(kept: Cluster) -> None:
    kept.settle(3)
    moved(kept, 4, "h1")
    kept.start_anew()
    kept.requests.clear()
    kept.settle(60)
    assert (steps(kept), status(kept)) == ([], [])


def test_one_that_was_moved_and_is_down_is_left_to_its_new_host(elsewhere: Cluster) -> None:
    elsewhere.monitors.osds[0].up = False
    assert "is on host h2 now, where it is down: `ceph orch daemon start osd.0`" in keep(
        elsewhere, "0"
    )
    elsewhere.settle(60)
    assert steps(elsewhere) == []
    assert "`ceph orch daemon start osd.0`" in said(elsewhere)
    elsewhere.monitors.osds[0].up = True
    elsewhere.settle(3)
    assert status(elsewhere) == []


def test_nor_is_one_that_drains_started_where_it_was(elsewhere: Cluster) -> None:
    elsewhere.monitors.osds[0].pgs = 3
    elsewhere.monitors.osds[0].up = False
    at(elsewhere, Stage.DRAINING, force=False)
    elsewhere.settle(10)
    assert steps(elsewhere) == []


def test_a_weight_outlasts_a_stop_that_is_cut(full: Cluster) -> None:
    """Nobody may write that it was given back while it drains on."""
    store = Electing(full.store)
    full.start_anew(store)
    full.store = store
    full.monitors.osds[0].pgs = 3
    remove(full, "0", force=False)
    full.settle(2)
    assert full.monitors.osds[0].weight == 0.0
    store.elects = True
    with pytest.raises(NotKept):
        keep(full, "0")
    store.elects = False
    full.start_anew()
    full.settle(3)
    assert said(full).startswith("draining")
    keep(full, "0")
    full.settle(3)
    assert (full.monitors.osds[0].weight, status(full)) == (1.0, [])


def test_one_that_its_host_did_not_stop_is_not_started_for_somebody_who_stops_it(
    full: Cluster,
) -> None:
    osd = full.monitors.osds[0]
    osd.pgs = 3
    remove(full, "0", force=False)
    full.settle(2)
    at(full, Stage.DRAINING, asked_stop=True)
    with pytest.raises(AdapterError) as raised:
        raise_if_exception(full.orchestrator.daemon_action("stop", "osd.0", force=True))
    assert "osd.0 is being removed, and is started again while it is needed" in str(raised.value)
    at(full, Stage.DRAINING, asked_stop=False)
    full.requests.clear()
    raise_if_exception(full.orchestrator.daemon_action("stop", "osd.0", force=True))
    osd.up = False
    full.settle(5)
    assert steps(full) == []


def test_a_stop_that_ends_while_it_drains_is_undone_under_nodown(full: Cluster) -> None:
    """The map shows it up for good; its host has said that it has stopped it."""
    osd = full.monitors.osds[0]
    osd.pgs = 3
    remove(full, "0", force=True)
    full.now += 2.0
    full.orchestrator.reconciler.step(full.now)
    assert any(each.status.value == "running" for each in full.engine.jobs()), "its host is at it"
    assert keep(full, "0").endswith("osd.0 is started again")
    remove(full, "0", force=False)

    def blind(host: str, variables: Any) -> Any:
        answer = full._on_remove_osds(host, variables)
        osd.up = True
        return answer

    full.acts["remove_osds"] = blind
    full.settle(6)
    assert osd.up
    assert steps(full)[-1] == "start"


def test_a_service_that_is_restarted_waits_for_one_that_is_kept(kept: Cluster) -> None:
    name = "osd.all"
    kept.monitors.can_stop = set(range(6))
    raise_if_exception(kept.orchestrator.service_action("restart", name))
    kept.settle(40)
    (action,) = kept.core.actions.all()
    assert "osd.4" in action.left
    assert "osd.4 is being started again, as its removal was stopped" in action.reason
    kept.break_on.clear()
    kept.monitors.osds[4].up = True
    keep(kept, "4")
    kept.settle(60)
    assert kept.core.actions.all() == []
    assert not any("left out" in str(each) for each in kept.core.events.of(name))
