"""OSDs leave: drained first, each step once, whatever ends in between."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from adapter.cluster.osd_removals import Stage
from adapter.errors import AdapterError, AlreadyExists, InvalidValue, UnknownName
from adapter.interface import raise_if_exception
from tests.unit.reconcile.fake_cluster import Cluster
from tests.unit.reconcile.removals import at, keep, remove, status, steps
from tests.unit.reconcile.test_osd_creation import where


def test_an_empty_osd_is_drained_stopped_and_purged(full: Cluster) -> None:
    assert remove(full, "0") == "Scheduled OSD(s) for removal: osd.0"
    full.settle()

    assert full.monitors.log == ["reweight 0 0.0", "purge 0"]
    assert steps(full) == ["stop", "remove"]
    assert full.wiped == []
    assert status(full) == []
    assert 0 not in full.monitors.osds


@pytest.mark.parametrize("zap", [False, True])
def test_a_host_that_asks_the_monitors_has_the_key_for_it(full: Cluster, zap: bool) -> None:
    remove(full, "0", zap=zap)
    full.settle()

    given = [list(each.secrets) for each in full.requests if each.operation == "remove_osds"]
    assert steps(full) == ["stop", "remove"]
    assert given == [[], ["bootstrap-osd.keyring"]]


def test_nothing_is_stopped_before_the_data_is_elsewhere(full: Cluster) -> None:
    full.monitors.osds[2].pgs = 3
    remove(full, "2", zap=True)
    full.settle(3)
    # The statistics of before say nothing about what CRUSH finds.
    assert status(full)[0]["drain_status"] == "draining: 3 PGs left: 3 active+clean"
    full.settle()

    (row,) = status(full)
    assert row["osd_id"] == row.osd_id == 2
    assert row.drain_status_human().startswith("draining: 3 PGs left: 3 active+clean")
    assert "CRUSH may find no other place for pool data" in row["drain_status"]
    assert row.get_pg_count() == 3
    assert full.operations() == []

    full.monitors.osds[2].pgs = 0
    full.settle()
    assert full.wiped == ["osd.2"]
    assert status(full) == []


@pytest.mark.parametrize("flags", [{}, {"zap": True}, {"replace": True, "zap": True}])
@pytest.mark.parametrize("rounds", range(8))
def test_a_manager_that_ends_after_any_step_is_followed_by_one_that_goes_on(
    full: Cluster, rounds: int, flags: Any
) -> None:
    remove(full, "1", "4", **flags)
    for _ in range(rounds):
        full.now += 2
        full.core.look_at_maps()
        full.orchestrator.reconciler.step(full.now)
        full.start_anew()
        full.step()
    full.settle()

    word = "destroy" if flags.get("replace") else "purge"
    assert [line for line in full.monitors.log if line.startswith(word)] == [
        f"{word} 1",
        f"{word} 4",
    ]
    assert status(full) == []
    assert sorted(set(full.wiped)) == (["osd.1", "osd.4"] if flags else [])


def test_an_empty_or_older_map_ends_nothing(full: Cluster) -> None:
    full.monitors.osds[0].pgs = 1
    remove(full, "0")
    full.settle()
    kept, epoch = dict(full.monitors.osds), full.monitors.epoch
    full.monitors.osds, full.monitors.epoch = {}, 1
    full.settle()
    assert [row.osd_id for row in status(full)] == [0]

    full.start_anew()
    full.settle()
    assert [row.osd_id for row in status(full)] == [0]
    full.monitors.osds, full.monitors.epoch = kept, epoch
    full.monitors.osds[0].pgs = 0
    full.settle()
    assert 0 not in full.monitors.osds


def test_monitors_that_do_not_answer_are_waited_for(full: Cluster) -> None:
    remove(full, "0")
    full.monitors.silent = True
    full.settle()
    assert "do not answer" in status(full)[0]["drain_status"]
    full.monitors.silent = False
    full.settle()
    assert status(full) == []


def test_a_dead_osd_of_a_host_that_is_gone_comes_to_its_end(full: Cluster) -> None:
    full.monitors.osds[0].up = False
    full.offline("h1")
    remove(full, "0")
    full.settle()

    assert 0 not in full.monitors.osds
    assert status(full)[0]["drain_status"] == "cleaning: waiting for host h1 to take its unit away"
    raise_if_exception(full.orchestrator.remove_host("h1", force=True, offline=True))
    full.settle()
    assert status(full) == []


def test_stop_gives_the_weight_back(full: Cluster) -> None:
    full.monitors.osds[5].pgs = 7
    remove(full, "5")
    full.settle()
    text = raise_if_exception(full.orchestrator.stop_remove_osds(["5"]))

    assert text == "Stopped OSD(s) removal: osd.5"
    assert full.monitors.log == ["reweight 5 0.0", "reweight 5 1.0"]
    assert status(full) == []


def test_a_job_that_fails_is_tried_again_and_named(full: Cluster) -> None:
    full.break_on["remove_osds"] = {"h1": "the unit does not stop"}
    remove(full, "0")
    full.settle()
    assert status(full)[0]["drain_status"].startswith("stopping: the unit does not stop (job ")
    assert 0 in full.monitors.osds


@pytest.mark.parametrize(
    ("ids", "kind", "says"),
    [
        (["99"], UnknownName, "no OSD 'osd.99'"),
        (["-1"], InvalidValue, "OSD id"),
        (["{{ 7 }}"], InvalidValue, "OSD id"),
        (["99999999999"], InvalidValue, "OSD id"),
        ([], InvalidValue, "none is named"),
        (["0", "99"], UnknownName, "osd.99"),
    ],
)
def test_wrong_ids_are_refused_and_none_is_removed(
    full: Cluster, ids: Any, kind: type, says: str
) -> None:
    with pytest.raises(kind, match=says):
        remove(full, *ids)
    full.settle()
    assert full.monitors.log == []
    assert len(where(full)) == 6


def test_what_is_in_the_queue_is_not_asked_for_twice(full: Cluster) -> None:
    full.monitors.osds[0].pgs = 1
    remove(full, "osd.0")
    with pytest.raises(AlreadyExists, match="being removed already"):
        remove(full, "0")
    with pytest.raises(UnknownName, match=r"osd\.3"):
        raise_if_exception(full.orchestrator.stop_remove_osds(["3"]))


def test_an_osd_that_is_out_of_the_map_is_not_put_back(full: Cluster) -> None:
    full.hidden = [full.monitors.osds[0].disk]
    remove(full, "0", zap=True)
    full.settle()
    assert status(full)[0]["drain_status"].startswith("cleaning: waiting for ")

    text = keep(full, "0")
    assert "osd.0 is out of the map already; its disks are left as they are" in text
    assert (status(full), full.wiped) == ([], [])


def test_what_is_being_cleaned_is_not_stopped(full: Cluster) -> None:
    remove(full, "0", zap=True)
    full.break_on["remove_osds"] = {"h1": "the disk is read-only"}
    at(full, Stage.CLEANING)
    del full.monitors.osds[0]
    full.now += 2.0
    full.orchestrator.reconciler.step(full.now)
    with pytest.raises(AdapterError, match="host h1 is being cleaned"):
        keep(full, "0")
    assert len(status(full)) == 1


def test_rows_can_be_pickled_by_other_modules(full: Cluster) -> None:
    full.monitors.osds[0].pgs = 1
    remove(full, "0")
    (row,) = pickle.loads(pickle.dumps(status(full)))
    assert (row.osd_id, row["hostname"]) == (0, "h1")
    assert row.to_json()["zap"] is False


def test_the_disk_of_an_osd_that_runs_is_not_erased(full: Cluster) -> None:
    with pytest.raises(InvalidValue, match=r"osd\.0 runs on it"):
        raise_if_exception(full.orchestrator.zap_device("h1", full.monitors.osds[0].disk))
    assert full.operations() == []


def test_a_wipe_that_cannot_begin_is_not_acknowledged(full: Cluster) -> None:
    """No record keeps it for the next manager."""
    full.free["h1"].append("/dev/sdx")
    full.report()
    full.requests.clear()
    full.engine.held.add("h1")
    with pytest.raises(AdapterError, match="was not erased: another job works on h1"):
        raise_if_exception(full.orchestrator.zap_device("h1", "/dev/sdx"))
    full.engine.held.clear()
    full.settle(2)
    assert full.operations() == []
    assert "ANSIBLE_JOB_FAILED" not in full.orchestrator.health.checks(), "it was told at once"
