"""Drains that are stopped, and the labels that go with them."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from adapter.cluster.osd_removals import Stage
from adapter.errors import AdapterError
from adapter.interface import (
    HostSpec,
    ServiceSpec,
    raise_if_exception,
)
from tests.unit.reconcile.drains import BOTH, busy, drain, labels, left, listed, on, refused, stop
from tests.unit.reconcile.fake_cluster import Cluster
from tests.unit.reconcile.removals import remove, status


def test_only_the_labels_of_the_drain_are_taken_away(full: Cluster) -> None:
    raise_if_exception(full.orchestrator.add_host_label("h3", "_no_schedule"))
    busy(full)
    drain(full)
    assert set(labels(full)) == set(BOTH)
    said = stop(full)
    assert labels(full) == ["_no_schedule"]
    assert "The drain did not set the label _no_schedule: it stays." in said
    assert listed(full) == ""


def test_a_label_that_a_spec_gives_meanwhile_stays(full: Cluster) -> None:
    busy(full)
    drain(full)
    spec = HostSpec("h3", "10.0.0.3", labels=["_no_schedule"])
    raise_if_exception(full.orchestrator.add_host(spec))
    stop(full)
    assert labels(full) == ["_no_schedule"]


def test_a_label_that_somebody_gives_meanwhile_stays(full: Cluster) -> None:
    """It was seen taken away with the drain, although it was said to be there."""
    busy(full)
    drain(full)
    said = raise_if_exception(full.orchestrator.add_host_label("h3", "_no_schedule"))
    assert "keeps it when its drain ends" in str(said)
    stop(full)
    assert labels(full) == ["_no_schedule"]


def test_a_drain_is_not_stopped_while_a_removal_of_it_cannot_be_read(full: Cluster) -> None:
    """It was seen stopped, and the OSD purged and wiped when its record was mended."""
    ids = on(full)
    busy(full)
    drain(full)
    full.store.set(f"osd_removal.{ids[1]}", {"osd_id": "?"})
    full.core.removals.reload()
    with pytest.raises(AdapterError, match=f"record of osd.{ids[1]} in the removal queue cannot"):
        stop(full)
    assert set(labels(full)) == set(BOTH)


def test_a_label_that_went_meanwhile_and_came_again_stays(full: Cluster) -> None:
    busy(full)
    drain(full)
    host = full.core.hosts.get("h3")
    full.core.hosts.save(host.without_labels(["_no_schedule"]))
    full.settle()
    assert any("the label _no_schedule was taken" in each for each in left(full))
    raise_if_exception(full.orchestrator.add_host_label("h3", "_no_schedule"))
    stop(full)
    assert labels(full) == ["_no_schedule"]


@pytest.mark.parametrize("by_hand", [False, True])
def test_taking_the_label_ends_the_drain(full: Cluster, by_hand: bool) -> None:
    """The dashboard's Stop Drain does nothing else."""
    ids = on(full)
    if by_hand:
        raise_if_exception(full.orchestrator.add_host_label("h3", "_no_schedule"))
    busy(full)
    drain(full)
    full.settle()
    said = str(raise_if_exception(full.orchestrator.remove_host_label("h3", "_no_schedule")))
    assert said.startswith("Removed label _no_schedule from host h3")
    assert ("Stopped host drain for h3" in said) is not by_hand
    full.settle()
    assert (labels(full), status(full), listed(full)) == ([], [], "")
    assert [full.monitors.osds[each].weight for each in ids] == [1.0, 1.0]


def test_dropping_what_waits_ends_a_drain(full: Cluster) -> None:
    ids = on(full)
    raise_if_exception(full.orchestrator.apply([ServiceSpec("crash")]))
    full.settle(20)
    busy(full)
    full.orchestrator.pause()
    drain(full)
    rows = [f"{row['what']}: {row['step']}" for row in full.orchestrator.pending.rows()]
    assert any(each.startswith("host h3: its drain would go on") for each in rows)
    assert any("crash.h3 on h3 would be removed" in each for each in rows)
    said = full.orchestrator.pending.drop()
    assert "host h3: its drain would go on (dropped, the labels that it has set go too)" in said
    full.settle(20)
    assert (labels(full), status(full), listed(full)) == ([], [], "")
    assert on(full) == ids
    assert ("h3", "crash", "h3") in full.daemons
    assert not full.core.specs.get("crash").spec.unmanaged


def test_a_drained_host_that_loses_the_label_is_one_as_any_other(full: Cluster) -> None:
    drain(full)
    full.settle(30)
    assert listed(full) == "drained"
    raise_if_exception(full.orchestrator.remove_host_label("h3", "_no_conf_keyring"))
    assert listed(full) == "drained"
    raise_if_exception(full.orchestrator.remove_host_label("h3", "_no_schedule"))
    assert listed(full) == ""
    full.settle()
    assert full.core.drain_watch.lines(time.time() + 4000) == []
    assert "it is not being drained" in refused(full.orchestrator.stop_drain_host("h3"))


def test_a_stopped_drain_gives_all_back(full: Cluster) -> None:
    ids = on(full)
    busy(full)
    weights = {each: full.monitors.osds[each].weight for each in ids}
    drain(full)
    full.settle()
    assert [full.monitors.osds[each].weight for each in ids] == [0.0, 0.0]
    said = stop(full)
    assert said.splitlines()[0] == "Stopped host drain for h3"
    assert f"Kept: osd.{ids[0]}, osd.{ids[1]}." in said
    full.settle()
    assert {each: full.monitors.osds[each].weight for each in ids} == weights
    assert status(full) == []
    assert labels(full) == []
    assert full.core.hosts.get("h3").drain is None


def test_a_drain_begins_again_right_after_it_was_stopped(full: Cluster) -> None:
    """It was refused for up to a minute where hosts had been told to stop OSDs."""
    ids = on(full)
    busy(full)
    drain(full)
    full.settle()
    for removal in full.core.removals.all():
        full.core.removals.save(replace(removal, stage=Stage.STOPPING, asked_stop=True))
    stop(full)
    assert {row["drain_status"].partition(":")[0] for row in status(full)} == {"keeping"}
    said = drain(full, zap_osd_devices=True)
    listing = [line.split() for line in said.splitlines()]
    assert [["osd", str(each)] in listing for each in ids] == [True, True]
    assert full.core.hosts.get("h3").drain.begun
    full.settle()
    assert [row["osd_id"] for row in status(full)] == ids
    assert all(row["drain_status"].startswith("draining") and row["zap"] for row in status(full))
    busy(full, 0)
    full.settle(60)
    assert (on(full), status(full), listed(full)) == ([], [], "drained")


def test_what_somebody_removed_before_goes_on(full: Cluster) -> None:
    first, second = on(full)
    busy(full)
    remove(full, str(first))
    assert f"osd.{first} is being removed already" in drain(full)
    full.settle()
    stop(full)
    full.settle()
    assert [row["osd_id"] for row in status(full)] == [first]
    assert full.monitors.osds[second].weight == 1.0


def test_what_is_out_of_the_map_does_not_come_back(full: Cluster) -> None:
    first, second = on(full)
    full.monitors.osds[second].pgs = 4
    full.problems[first] = "its unit is busy"
    drain(full)
    full.settle()
    assert on(full) == [second]
    said = stop(full)
    assert f"osd.{first} is out of the map already: its removal goes on (cleaning" in said
    assert f"Kept: osd.{second}." in said
    assert [row["osd_id"] for row in status(full)] == [first]


def test_a_host_that_is_not_drained_cannot_be_stopped(full: Cluster) -> None:
    assert "it is not being drained" in refused(full.orchestrator.stop_drain_host("h3"))
    raise_if_exception(full.orchestrator.add_host_label("h3", "_no_schedule"))
    said = refused(full.orchestrator.stop_drain_host("h3"))
    assert "Its label _no_schedule was put there by hand: `ceph orch host label rm h3" in said
    assert "There is no host 'h9'" in refused(full.orchestrator.stop_drain_host("h9"))
    assert "There is no host 'h9'" in refused(full.orchestrator.drain_host("h9"))


def test_what_was_asked_for_beside_the_drain_is_named(full: Cluster) -> None:
    first, second = on(full)
    busy(full)
    raise_if_exception(full.orchestrator.remove_osds([str(first)]))
    drain(full)
    full.settle()
    said = stop(full)
    assert f"Kept: osd.{second}." in said
    assert f"Still being removed, for that was asked for by itself: osd.{first}." in said
    assert f"`ceph orch osd rm stop {first}` ends that." in said
