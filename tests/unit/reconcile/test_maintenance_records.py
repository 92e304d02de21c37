"""What is known of a maintenance, here and on the host, where it is lost or cannot be used."""

from __future__ import annotations

import json
from typing import Any, Dict

import pytest

from adapter.cluster.maintenances import Maintenance
from adapter.errors import AdapterError, ReportAwaited
from adapter.interface import (
    raise_if_exception,
)
from tests.unit.reconcile.fake_cluster import Cluster
from tests.unit.reconcile.maintenances import enter, health, kept, leave


def test_what_was_held_by_hand_is_told_and_undone(whole: Cluster) -> None:
    whole.said_of["h2"] = {"maintenance": {"since": 1.0e9, "units": 5}}
    whole.report(2)
    (line,) = health(whole)
    assert line.startswith("host h2 holds 5 units since 2001-09-09 01:46:40Z, and nobody here")
    with whole.core.lock:
        assert not whole.core.workable("h2"), "its services were seen to fail again and again"
    whole._on_enter_host_maintenance("h2", {"host_maintenance_part": "all"})
    leave(whole)
    assert all(osd.up for osd in whole.monitors.osds.values())


@pytest.mark.parametrize(
    "changes",
    [
        {"stage": "x"},
        {"nodes": "h2"},
        {"nodes": ["h2; id"]},
        {"ids": ["h2"]},
        {"ids": {"h2": 5}},
        {"units": [5]},
        {"units": [{"unit": "ssh.service", "ran": True}]},
        {"since": "now"},
        {"force": 1},
    ],
)
def test_a_record_that_cannot_be_used_is_named_and_written_anew(
    whole: Cluster, changes: Dict[str, Any]
) -> None:
    enter(whole)
    whole.store.set("maintenance.h2", {**kept(whole), **changes})
    whole.start_anew()
    checks = whole.orchestrator.health.checks()
    assert "maintenance.h2" in checks["ANSIBLE_BAD_RECORD"]["detail"][0]
    leave(whole, rounds=12, force=True)
    assert kept(whole) == {}
    assert all(osd.up for osd in whole.monitors.osds.values())


def test_a_record_is_read_as_it_was_written(whole: Cluster) -> None:
    enter(whole)
    one = whole.core.maintenances.get("h2")
    assert one is not None
    read = Maintenance.from_json("h2", json.loads(json.dumps(one.to_json())))
    assert read == one


def test_the_record_of_a_host_that_cannot_be_read_is_waited_for(whole: Cluster) -> None:
    enter(whole, rounds=1)
    whole.store.spoil("host.h2", "it is not JSON")
    whole.core.reload()
    whole.settle(5)
    assert kept(whole)["stage"] == "entering"
    assert "host.h2 cannot be used" in health(whole)[0]


def lose_record(cluster: Cluster) -> None:
    """Let the record of h2 be one that cannot be used."""
    cluster.store.set("maintenance.h2", {"stage": "?"})
    cluster.core.maintenances.reload()


def test_a_record_that_cannot_be_used_is_not_written_over_unasked(whole: Cluster) -> None:
    """The host was seen to leave, and noout to stay for good, without a word."""
    enter(whole)
    lose_record(whole)
    with pytest.raises(AdapterError, match=r"cannot be used: .* exit h2 --force"):
        enter(whole)
    with pytest.raises(AdapterError, match=r"cannot be used: .* exit h2 --force"):
        leave(whole)
    assert kept(whole) == {"stage": "?"}
    leave(whole, force=True)
    assert (kept(whole), whole.monitors.noout, whole.in_maintenance) == ({}, set(), {})


def test_a_host_whose_record_cannot_be_used_is_not_removed(whole: Cluster) -> None:
    """It was seen removed with all its units masked."""
    enter(whole)
    lose_record(whole)
    with pytest.raises(AdapterError, match="its units would stay masked"):
        raise_if_exception(whole.orchestrator.remove_host("h2", force=True))


def test_a_host_that_has_just_come_is_asked_before_it_is_said_to_be_in_none(
    whole: Cluster,
) -> None:
    whole.core.reports.forget("h2")
    with pytest.raises(ReportAwaited, match="has not said yet"):
        leave(whole)


def test_a_host_whose_report_is_a_manager_s_before_is_asked_too(whole: Cluster) -> None:
    """One that was held by the playbook was said to be in none for a minute after a fail-over."""
    whole.start_anew(before={name: whole._report(name) for name in ("h1", "h2", "h3")})
    with pytest.raises(ReportAwaited, match="has not said yet"):
        leave(whole)


def test_what_a_host_forgets_meanwhile_is_kept(whole: Cluster) -> None:
    """A host whose record was lost said of what was masked here that somebody had masked it."""
    enter(whole)
    (before,) = [each for each in kept(whole)["units"] if each["kind"] == "mon"]
    whole.monitors.osds[2].up = True
    whole.forgetful.add("h2")
    enter(whole)
    assert before in kept(whole)["units"]
    (request,) = [each for each in whole.requests if each.operation == "enter_host_maintenance"][
        -1:
    ]
    assert before in request.variables["host_maintenance_units"]["h2"]
