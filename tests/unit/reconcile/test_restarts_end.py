"""A restart ends: what does not start is given up, what is gone is left out, the rest goes on."""

from __future__ import annotations

from typing import Any, Dict, List

import pytest

from adapter.cluster.service_actions import ServiceAction
from adapter.engine.model import HostOutcome, HostStatus, Request
from adapter.errors import AdapterError, HostUnreachable
from adapter.interface import PlacementSpec, RGWSpec, raise_if_exception
from adapter.reconcile.parts import OTHERS_JOBS_END
from adapter.reconcile.restart_tries import BACK_WITHIN, TRIES
from tests.unit.reconcile.fake_cluster import Cluster
from tests.unit.reconcile.test_restarts import restarted

BAD = "ceph-osd@3.service"


class Stubborn(Cluster):
    """Hosts on which some units do not start, and where batches are as large as can be."""

    def __init__(self) -> None:
        self.bad: List[str] = []
        self.says_units = True
        super().__init__()
        self.monitors._osd_ok_to_stop = self._all_can  # type: ignore[method-assign]

    def _all_can(self, arguments: Dict[str, Any]) -> str:
        import json

        first = [int(each) for each in arguments["ids"]]
        more = [each for each in self.monitors.osds if each not in first]
        return json.dumps({"osds": [*first, *more][: int(arguments.get("max") or len(first))]})

    def _answer(self, request: Request) -> Dict[str, HostOutcome]:
        answers = super()._answer(request)
        if request.operation != "service_action":
            return answers
        for host, units in request.variables["daemon_action_units"].items():
            if any(unit in self.bad for unit in units):
                rows = [
                    {"unit": unit, "state": "failed" if unit in self.bad else "active"}
                    for unit in units
                ]
                said = {"units": rows} if self.says_units else {}
                answers[host] = HostOutcome(HostStatus.FAILED, f"{BAD} did not start", said)
        return answers


@pytest.fixture
def stubborn() -> Cluster:
    from tests.unit.reconcile.fake_cluster import drive_group

    cluster = Stubborn()
    raise_if_exception(cluster.orchestrator.apply([drive_group("all")]))
    cluster.settle()
    return cluster


def events(cluster: Cluster) -> str:
    return " ".join(each.message for each in cluster.core.events.of("osd.all"))


def test_only_what_failed_is_tried_again_and_then_given_up(stubborn: Stubborn) -> None:
    stubborn.bad = [BAD]
    raise_if_exception(stubborn.orchestrator.service_action("restart", "osd.all"))
    stubborn.settle(60)
    units = restarted(stubborn)
    assert {unit: units.count(unit) for unit in units} == {
        f"ceph-osd@{n}.service": 3 if n == 3 else 1 for n in range(6)
    }
    assert stubborn.core.actions.all() == []
    assert "osd.3 is given up after 3 tries" in events(stubborn)
    assert "did not start" in str(stubborn.orchestrator.health.checks())


def test_a_host_that_does_not_say_which_is_asked_for_all_of_its_own(stubborn: Stubborn) -> None:
    stubborn.bad, stubborn.says_units = [BAD], False
    raise_if_exception(stubborn.orchestrator.service_action("restart", "osd.all"))
    stubborn.settle(60)
    host = stubborn.monitors.osds[3].host
    on_host = [
        f"ceph-osd@{n}.service" for n, osd in stubborn.monitors.osds.items() if osd.host == host
    ]
    units = restarted(stubborn)
    assert units.count(BAD) == 3
    assert {unit for unit in units if units.count(unit) > 1} == set(on_host)
    assert stubborn.core.actions.all() == []


def test_tries_are_kept_for_the_next_manager(stubborn: Stubborn) -> None:
    stubborn.bad = [BAD]
    raise_if_exception(stubborn.orchestrator.service_action("restart", "osd.all"))
    stubborn.settle(3)
    (action,) = stubborn.core.actions.all()
    assert (action.left, dict(action.tries)) == (("osd.3",), {"osd.3": 1})
    stubborn.start_anew()
    (kept,) = stubborn.core.actions.all()
    assert dict(kept.tries) == {"osd.3": 1}


def test_an_osd_that_is_purged_is_left_out(full: Cluster) -> None:
    full.core.actions.save(ServiceAction("osd.all", "restart", ("osd.4", "osd.77")))
    full.settle(20)
    assert restarted(full) == ["ceph-osd@4.service"]
    del full.monitors.osds[5]
    full.core.actions.save(ServiceAction("osd.all", "restart", ("osd.5",)))
    full.settle(5)
    assert restarted(full) == ["ceph-osd@4.service"]
    assert full.core.actions.all() == []
    assert "osd.5 is left out of the restart of osd.all: it is no longer in the cluster" in events(
        full
    )


def test_daemons_of_a_removed_host_are_left_out(full: Cluster) -> None:
    gone = [f"osd.{n}" for n, osd in full.monitors.osds.items() if osd.host == "h3"]
    full.core.actions.save(ServiceAction("osd.all", "restart", tuple(gone)))
    raise_if_exception(full.orchestrator.remove_host("h3", force=True))
    full.settle(5)
    assert restarted(full) == []
    assert full.core.actions.all() == []


def test_a_host_that_is_offline_is_refused_at_once(full: Cluster) -> None:
    full.offline("h2")
    with pytest.raises(HostUnreachable, match="h2"):
        raise_if_exception(full.orchestrator.service_action("restart", "osd.all"))
    assert full.core.actions.all() == []


def test_a_host_that_falls_silent_holds_up_no_other_and_is_given_up(full: Cluster) -> None:
    raise_if_exception(full.orchestrator.service_action("restart", "osd.all"))
    full.offline("h1")
    full.settle(60)
    units = [f"ceph-osd@{n}.service" for n, osd in full.monitors.osds.items() if osd.host != "h1"]
    assert sorted(restarted(full)) == units
    (action,) = full.core.actions.all()
    assert "host h1 is offline" in action.reason
    full.settle(200)
    assert full.core.actions.all() == []
    assert "is given up: its host h1 is offline" in events(full)


def test_one_that_is_not_back_is_given_up(full: Cluster) -> None:
    full.core.actions.save(ServiceAction("osd.all", "restart", ("osd.5",), ("osd.4",)))
    full.monitors.osds[4].up = False
    full.monitors.stale = True
    full.settle(250)
    assert "osd.4 is given up: it is not back in the cluster's maps" in events(full)
    (action,) = full.core.actions.all()
    assert action.left == ("osd.5",), "the monitors say when the next one may be down"


def test_the_answer_names_the_way_out(full: Cluster) -> None:
    full.core.actions.save(ServiceAction("osd.all", "restart", ("osd.5",)))
    with pytest.raises(AdapterError, match=r"`ceph orch start osd\.all` ends it"):
        raise_if_exception(full.orchestrator.service_action("restart", "osd.all"))


@pytest.mark.parametrize("what", ["offline", "gone"])
def test_the_way_out_is_open_where_a_host_is_away(full: Cluster, what: str) -> None:
    full.core.actions.save(ServiceAction("osd.all", "restart", ("osd.5",)))
    if what == "offline":
        full.offline("h1")
        with pytest.raises(HostUnreachable):
            raise_if_exception(full.orchestrator.service_action("start", "osd.all"))
    else:
        for osd_id in list(full.monitors.osds):
            del full.monitors.osds[osd_id]
        full.core.submit("get_inventory", full.core.hosts.all())
        full.engine.poll()
        raise_if_exception(full.orchestrator.service_action("start", "osd.all"))
    assert full.core.actions.all() == []


class TestTheMapShowsMoreThanThereIs:
    """An OSD that has ended without a word, or under the flag nodown, is still up in the map."""

    def test_one_that_was_not_started_since_is_waited_for(self, full: Cluster) -> None:
        full.monitors.hung = set(full.monitors.osds)
        raise_if_exception(full.orchestrator.service_action("restart", "osd.all"))
        full.settle(20)
        assert len(restarted(full)) == 1
        (action,) = full.core.actions.all()
        assert action.reason == "waiting for osd.0 to be back"

        full.monitors.hung = set(full.monitors.osds) - {0}
        full.monitors.osds[0].up_from = full.monitors.epoch = full.monitors.epoch + 1
        full.settle(20)
        assert len(restarted(full)) == 2

    def test_one_that_was_given_up_counts_as_down(self, full: Cluster) -> None:
        full.monitors.hung = {0}
        raise_if_exception(full.orchestrator.service_action("restart", "osd.all"))
        full.settle(int(BACK_WITHIN))
        assert "osd.0 is given up" in events(full)
        assert restarted(full) == ["ceph-osd@0.service"]
        (action,) = full.core.actions.all()
        assert "PGs would be inactive" in action.reason

        full.monitors.osds[0].up_from = full.monitors.epoch = full.monitors.epoch + 1
        full.settle(60)
        assert len(restarted(full)) == 6
        assert full.core.actions.all() == []

    @pytest.mark.parametrize("stop", ["restart osd.all", "stop osd.3", "restart osd.3"])
    @pytest.mark.parametrize("whom", ["all", "osd"])
    def test_under_nodown_none_is_stopped(self, full: Cluster, stop: str, whom: str) -> None:
        full.monitors.flags = ["nodown"] if whom == "all" else []
        for osd in full.monitors.osds.values():
            osd.flags = ["nodown"] if whom == "osd" else []
        action, _, name = stop.partition(" ")
        if name == "osd.all":
            raise_if_exception(full.orchestrator.service_action(action, name))
            full.settle(5)
            (kept,) = full.core.actions.all()
            said = kept.reason
        else:
            with pytest.raises(AdapterError) as caught:
                raise_if_exception(full.orchestrator.daemon_action(action, name))
            said = str(caught.value)
        assert "the flag nodown is set for it" in said
        assert "`ceph osd unset nodown`" in said
        assert restarted(full) == []

    @pytest.mark.parametrize("restart", ["restart osd.all", "restart osd.3"])
    @pytest.mark.parametrize("whom", ["all", "osd"])
    def test_under_noup_none_is_restarted(self, full: Cluster, restart: str, whom: str) -> None:
        full.monitors.flags = ["noup"] if whom == "all" else []
        for osd in full.monitors.osds.values():
            osd.flags = ["noup"] if whom == "osd" else []
        action, _, name = restart.partition(" ")
        if name == "osd.all":
            raise_if_exception(full.orchestrator.service_action(action, name))
            full.settle(5)
            (kept,) = full.core.actions.all()
            assert "the flag noup is set for it" in kept.reason
        else:
            with pytest.raises(AdapterError, match="`ceph osd unset noup`"):
                raise_if_exception(full.orchestrator.daemon_action(action, name))
            raise_if_exception(full.orchestrator.daemon_action("stop", "osd.1"))
        assert not [line for line in restarted(full) if line.startswith("restart")]

    def test_a_manager_that_takes_over_tells_again_whom_nobody_told(self, full: Cluster) -> None:
        epoch = full.monitors.epoch
        before = ServiceAction("osd.all", "restart", ("osd.1",), ("osd.0",), epoch=epoch)
        full.core.actions.save(before)
        full.start_anew()
        full.now += OTHERS_JOBS_END
        full.settle(60)
        assert sorted(restarted(full)) == ["ceph-osd@0.service", "ceph-osd@1.service"]
        assert full.core.actions.all() == []


def test_a_gateway_that_does_not_come_back_is_the_only_one_that_goes() -> None:
    """The monitors do not say whether another one can be missed."""
    cluster = Stubborn()
    cluster.serving()
    spec = RGWSpec(service_id="a", placement=PlacementSpec(hosts=["h1", "h2", "h3"]))
    raise_if_exception(cluster.orchestrator.apply([spec]))
    cluster.settle(20)
    units = [f"rgw@{name}" for _, kind, name in cluster.daemons if kind == "rgw"]
    cluster.bad = units
    raise_if_exception(cluster.orchestrator.service_action("restart", "rgw.a"))
    cluster.settle(60)
    assert len(set(restarted(cluster))) == 1
    assert len(restarted(cluster)) == TRIES
    assert cluster.core.actions.all() == []
    said = " ".join(each.message for each in cluster.core.events.of("rgw.a"))
    assert "is given up after 3 tries" in said
    assert "keep running as they are" in said
