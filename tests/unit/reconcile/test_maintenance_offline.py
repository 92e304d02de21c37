"""Hosts that do not answer, or cease to, enter maintenance and leave it."""

from __future__ import annotations

import pytest

from adapter.errors import AdapterError
from adapter.interface import (
    raise_if_exception,
)
from adapter.reconcile.host_stops import HostNeeded
from tests.unit.reconcile.fake_cluster import Cluster
from tests.unit.reconcile.maintenances import enter, health, kept, leave, operations, status


def test_a_host_that_is_offline_enters_and_its_units_are_left_alone(whole: Cluster) -> None:
    whole.offline("h2")
    whole.now += 100.0
    enter(whole)
    assert (kept(whole)["stage"], kept(whole).get("reached")) == ("entered", None)
    assert whole.monitors.noout == {"h2"}
    assert "It was offline then: its units were not touched." in health(whole)[0]
    whole.core.liveness.seen("h2", whole.now)
    whole.settle(5)
    assert operations(whole) == []
    leave(whole)
    assert (status(whole), kept(whole), whole.monitors.noout) == ("", {}, set())
    assert operations(whole) == ["exit_host_maintenance"], "the host may have a record of its own"


def test_what_was_offline_is_stopped_when_it_answers_and_somebody_asks(whole: Cluster) -> None:
    """It was seen to be "in maintenance already" while its daemons ran and were missed by none."""
    whole.offline("h2")
    whole.now += 100.0
    enter(whole)
    assert "is in maintenance already" in enter(whole), "it is offline still"
    whole.core.liveness.seen("h2", whole.now)
    whole.monitors.can_stop = set()
    with pytest.raises(HostNeeded):
        enter(whole)
    whole.monitors.can_stop = {2, 3}
    enter(whole)
    assert (kept(whole)["stage"], kept(whole)["reached"]) == ("entered", True)
    assert not any(each.up for each in whole.monitors.osds.values() if each.host == "h2")
    assert "is in maintenance already" in enter(whole)


def test_a_connection_that_breaks_while_units_stop_loses_none_of_them(whole: Cluster) -> None:
    """They were seen forgotten: the host left maintenance, and all of them stayed masked."""
    whole.cut_off.add("h2")
    enter(whole, rounds=2)
    whole.offline("h2")
    whole.settle(4)
    assert kept(whole)["stage"] == "entered"
    assert "the rest of its units stops when it answers" in health(whole)[0]
    whole.cut_off.clear()
    whole.core.liveness.seen("h2", whole.now)
    whole.settle(20)
    assert "missed" not in kept(whole)
    assert not any(each.up for each in whole.monitors.osds.values() if each.host == "h2")
    leave(whole)
    assert (kept(whole), whole.in_maintenance, whole.monitors.noout) == ({}, {}, set())


def test_a_host_that_was_cut_off_is_undone_at_once(whole: Cluster) -> None:
    whole.cut_off.add("h2")
    enter(whole, rounds=2)
    whole.offline("h2")
    whole.settle(4)
    whole.cut_off.clear()
    whole.core.liveness.seen("h2", whole.now)
    leave(whole)
    assert (kept(whole), whole.in_maintenance) == ({}, {})
    assert all(each.up for each in whole.monitors.osds.values())


def test_a_host_is_in_when_no_job_has_reached_it(whole: Cluster) -> None:
    """It has just gone, and nobody knows it yet."""
    whole.unreached.add("h2")
    enter(whole, rounds=2)
    whole.offline("h2")
    whole.settle(4)
    assert kept(whole)["stage"] == "entered"


def test_an_offline_host_leaves_and_is_undone_when_it_answers(whole: Cluster) -> None:
    enter(whole)
    whole.offline("h2")
    with pytest.raises(AdapterError, match=r"is offline.*--offline --force"):
        leave(whole)
    with pytest.raises(AdapterError, match="needs --force"):
        leave(whole, offline=True)
    leave(whole, offline=True, force=True)
    assert (whole.monitors.noout, kept(whole)["stage"]) == (set(), "leaving")
    assert "Its units are put back when it answers" in health(whole)[0]
    whole.core.liveness.seen("h2", whole.now)
    whole.settle(8)
    assert kept(whole) == {}
    assert all(osd.up for osd in whole.monitors.osds.values())


def test_leave_out_offline_where_it_answers(whole: Cluster) -> None:
    enter(whole)
    with pytest.raises(AdapterError, match="it is not offline"):
        leave(whole, offline=True, force=True)


def test_what_stays_masked_on_a_host_that_is_gone_is_said(whole: Cluster) -> None:
    enter(whole)
    whole.offline("h2")
    said = raise_if_exception(whole.orchestrator.remove_host("h2", force=True, offline=True))
    assert "its units stay masked there. Added again, `ceph orch host maintenance exit h2`" in said
