"""A host is emptied: labels, OSDs and daemons go, and all comes back where that is stopped."""

from __future__ import annotations

import errno
import time
from dataclasses import replace
from typing import List

import pytest

from adapter.cluster.drains import Drain
from adapter.cluster.osd_removals import Stage
from adapter.interface import (
    HostSpec,
    MDSSpec,
    PlacementSpec,
    ServiceSpec,
    raise_if_exception,
)
from tests.unit.reconcile.drains import (
    BOTH,
    busy,
    drain,
    labels,
    left,
    listed,
    on,
    queue,
    refused,
    stop,
)
from tests.unit.reconcile.fake_cluster import Cluster, drive_group
from tests.unit.reconcile.over_monitors import KeptCluster
from tests.unit.reconcile.removals import keep, status


def test_a_host_is_emptied(full: Cluster) -> None:
    ids = on(full)
    busy(full)
    said = drain(full)
    assert "Scheduled to remove the following daemons from host 'h3'" in said
    for osd_id in ids:
        assert [line.split() for line in said.splitlines()].count(["osd", str(osd_id)]) == 1
    assert labels(full) == list(BOTH)
    assert listed(full) == "draining"
    full.settle()
    rows = status(full)
    assert [row["osd_id"] for row in rows] == ids
    for row in rows:
        assert row["drain_status"].startswith("draining: drain of host h3; 4 PGs left: ")
        assert row["drain_of_host"] == "h3"
        assert not row["zap"]
    assert on(full) == ids
    busy(full, 0)
    full.settle(20)
    assert on(full) == []
    assert status(full) == []
    assert listed(full) == "drained"
    assert full.wiped == []
    # No OSD is made of its free disks.
    full.settle(20)
    assert on(full) == []


def test_its_disks_are_wiped_where_that_is_asked_for(full: Cluster) -> None:
    ids = on(full)
    drain(full, zap_osd_devices=True)
    full.settle(30)
    assert full.wiped == [f"osd.{each}" for each in ids]


def test_the_keyring_of_the_administrator_may_stay(full: Cluster) -> None:
    drain(full, keep_conf_keyring=True)
    assert labels(full) == ["_no_schedule"]


def test_a_host_that_is_drained_does_not_enter_maintenance(full: Cluster) -> None:
    busy(full)
    drain(full)
    said = refused(full.orchestrator.enter_host_maintenance("h3", True, True))
    assert "it is being drained, and what leaves it has to run" in said
    spec = HostSpec("h3", "10.0.0.3", status="maintenance")
    assert "it is being drained" in refused(full.orchestrator.add_host(spec))
    assert full.core.hosts.get("h3").status == ""
    assert full.core.maintenances.get("h3") is None


def test_a_drain_that_cannot_end_is_refused(full: Cluster) -> None:
    full.monitors.pool_size = 3
    before = (dict(full.store.items("host")), list(full.monitors.log))
    said = refused(full.orchestrator.drain_host("h3"))
    assert (
        "pool data has size 3 and needs as many of type host (CRUSH rule replicated_rule): 2 "
        "would remain (h1, h2)" in said
    )
    assert "--force begins it all the same" in said
    assert (dict(full.store.items("host")), full.monitors.log) == before
    assert queue(full) == {}
    said = drain(full, force=True)
    assert "Begun with --force: pool data has size 3" in said
    assert len(queue(full)) == 2


def test_no_force_takes_a_pool_below_its_min_size(full: Cluster) -> None:
    full.monitors.pool_size = 3
    drain(full, force=True)
    said = refused(full.orchestrator.drain_host("h2", force=True))
    assert "1 would remain (h1), less than its min_size 2" in said
    assert "--force does not help here" in said
    assert labels(full, "h2") == []


def test_a_second_host_is_counted_without_the_first(full: Cluster) -> None:
    full.monitors.pool_size = 2
    busy(full)
    drain(full)
    said = refused(full.orchestrator.drain_host("h2"))
    assert "1 would remain (h1)" in said


def test_a_drain_that_is_asked_for_again_goes_on(full: Cluster) -> None:
    first, second = on(full)
    full.monitors.pool_size = 2
    busy(full)
    drain(full)
    asked = full.core.hosts.get("h3").drain
    full.settle()
    keep(full, str(first))
    full.settle()
    assert any(f"osd.{first}: it is not being removed" in each for each in left(full))
    drain(full, zap_osd_devices=True, keep_conf_keyring=True)
    assert {row["osd_id"]: row["zap"] for row in status(full)} == {first: True, second: True}
    assert labels(full) == ["_no_schedule"]
    known = full.core.hosts.get("h3").drain
    assert asked is not None
    assert known is not None
    assert known.asked == asked.asked
    stop(full)
    assert labels(full) == []


@pytest.mark.parametrize("fail_at", [1, 2, 3, 4])
def test_what_cannot_be_kept_changes_nothing(fail_at: int) -> None:
    """The first write is the host, then its two OSDs, then that all of it has begun."""
    full = KeptCluster()
    raise_if_exception(full.orchestrator.apply([drive_group("all")]))
    full.settle()
    busy(full)
    before = full.memory()
    written: List[str] = []

    def refuse(prefix: str, key: str) -> int:
        written.extend([key] if prefix == "config-key set" else [])
        return errno.EACCES if prefix == "config-key set" and len(written) == fail_at else 0

    full.keys.refuse = refuse
    assert "is not kept" in refused(full.orchestrator.drain_host("h3"))
    full.keys.refuse = lambda prefix, key: 0
    assert full.memory() == before
    full.start_anew()
    full.settle()
    assert full.memory() == before
    assert status(full) == []


@pytest.mark.parametrize(
    ("way", "fail_at"), [*(("drain", each) for each in (1, 2, 3, 4)), ("rm", 1), ("rm", 2)]
)
def test_what_cannot_begin_again_stays_as_it_was_stopped(way: str, fail_at: int) -> None:
    full = KeptCluster()
    raise_if_exception(full.orchestrator.apply([drive_group("all")]))
    full.settle()
    busy(full)
    drain(full)
    full.settle()
    for removal in full.core.removals.all():
        full.core.removals.save(replace(removal, stage=Stage.STOPPING, asked_stop=True))
    raise_if_exception(full.orchestrator.stop_drain_host("h3"))
    before, written = full.core.removals.all(), 0
    assert {each.stage for each in before} == {Stage.KEEPING}

    def refuse(prefix: str, key: str) -> int:
        nonlocal written
        written += prefix == "config-key set"
        return errno.EACCES if prefix == "config-key set" and written == fail_at else 0

    full.keys.refuse = refuse
    ids = [str(each.osd_id) for each in before]
    orchestrator = full.orchestrator
    again = orchestrator.drain_host("h3") if way == "drain" else orchestrator.remove_osds(ids)
    assert "is not kept" in refused(again)
    assert full.core.removals.all() == before
    assert full.core.hosts.get("h3").drain is None


def test_a_manager_that_has_just_taken_over_asks_the_host_first(full: Cluster) -> None:
    """What a service cannot spare was not counted: only the manager before knew that it runs."""
    raise_if_exception(full.orchestrator.apply([ServiceSpec("crash")]))
    before = {host: full._report(host) for host in ("h1", "h2", "h3")}
    full.settle(20)
    full.start_anew(before=before)
    line = refused(full.orchestrator.drain_host("h3"))
    assert line.startswith("Host 'h3' has not said yet what runs on it")
    assert (labels(full), status(full)) == ([], [])
    full.report(3)
    assert "crash" in drain(full)


@pytest.mark.parametrize("written", [0, 1, 2])
def test_a_manager_that_ends_in_the_middle_is_followed_by_one_that_goes_on(
    full: Cluster, written: int
) -> None:
    """All that is asked for stands in the host's record, which is written first."""
    busy(full)
    ids = on(full)
    drain(full)
    host = full.core.hosts.get("h3")
    osds = tuple((each, full.monitors.osds[each].uuid) for each in ids)
    assert host.drain is not None
    full.core.hosts.save(replace(host, drain=replace(host.drain, osds=osds, begun=False)))
    for osd_id in ids[written:]:
        full.core.removals.remove(osd_id)
    full.start_anew()
    full.settle(3)
    assert [row["osd_id"] for row in status(full)] == ids
    assert {row["drain_of_host"] for row in status(full)} == {"h3"}
    known = full.core.hosts.get("h3").drain
    assert known is not None
    assert known.begun


def test_fail_over_forgets_nothing(full: Cluster) -> None:
    busy(full)
    drain(full, zap_osd_devices=True)
    full.settle()
    before, hosts = queue(full), dict(full.store.items("host"))
    for _ in range(5):
        full.start_anew()
        full.settle(2)
    assert queue(full) == before
    assert dict(full.store.items("host")) == hosts
    stop(full)
    full.start_anew()
    full.settle()
    assert status(full) == []
    assert labels(full) == []


def test_daemons_leave_and_come_back(cluster: Cluster) -> None:
    cluster.serving()
    placement = PlacementSpec(count=2)
    raise_if_exception(
        cluster.orchestrator.apply([MDSSpec(service_id="data", placement=placement)])
    )
    cluster.settle(20)
    hosts = sorted({host for host, kind, _ in cluster.daemons if kind == "mds"})
    host = next(each for each in hosts if each != "h1")
    said = drain(cluster, host)
    assert "mds" in said
    cluster.settle(30)
    after = {where for where, kind, _ in cluster.daemons if kind == "mds"}
    assert host not in after
    assert len(after) == 2
    assert listed(cluster, host) == "drained"
    stop(cluster, host)
    assert listed(cluster, host) == ""


def test_a_service_without_another_host_is_not_taken_its_last_daemon(cluster: Cluster) -> None:
    cluster.serving()
    raise_if_exception(cluster.orchestrator.add_host_label("h3", "fs"))
    placement = PlacementSpec(label="fs")
    raise_if_exception(
        cluster.orchestrator.apply([MDSSpec(service_id="data", placement=placement)])
    )
    cluster.settle(20)
    said = refused(cluster.orchestrator.drain_host("h3"))
    assert "service mds.data has no other host for mds.data.h3." in said
    assert labels(cluster) == ["fs"]
    assert "Begun with --force: service mds.data has no other host" in drain(cluster, force=True)


def test_the_last_monitors_stay(cluster: Cluster) -> None:
    for host in ("h1", "h2", "h3"):
        raise_if_exception(cluster.orchestrator.add_host_label(host, "mon"))
    spec = ServiceSpec("mon", placement=PlacementSpec(label="mon"))
    raise_if_exception(cluster.orchestrator.apply([spec]))
    cluster.settle(30)
    assert sorted(cluster.monitors.mons) == ["h1", "h2", "h3"]
    drain(cluster)
    cluster.settle(30)
    assert sorted(cluster.monitors.mons) == ["h1", "h2"]
    said = refused(cluster.orchestrator.drain_host("h2"))
    assert "service mon: its placement (label:mon) leaves 1 of the" in said
    drain(cluster, "h2", force=True)
    cluster.settle(30)
    assert sorted(cluster.monitors.mons) == ["h1", "h2"]
    assert any("mon.h2: its placement" in each for each in left(cluster, "h2"))


def test_a_host_in_maintenance_is_not_drained(full: Cluster) -> None:
    full.core.hosts.save(replace(full.core.hosts.get("h3"), status="maintenance"))
    said = refused(full.orchestrator.drain_host("h3", force=True))
    assert "it is in maintenance, and its daemons are stopped" in said
    assert queue(full) == {}


def test_what_names_the_host_is_said(cluster: Cluster) -> None:
    spec = ServiceSpec("crash", placement=PlacementSpec(hosts=["h2", "h3"]))
    raise_if_exception(cluster.orchestrator.apply([spec]))
    raise_if_exception(cluster.orchestrator.add_host_label("h3", "_admin"))
    said = refused(cluster.orchestrator.drain_host("h3"))
    assert "it is the last host with the label _admin; the placement of crash names it" in said
    drain(cluster, force=True)


def test_daemons_that_nothing_removes_are_named(cluster: Cluster) -> None:
    cluster.daemons["h3", "mds", "old"] = "running"
    cluster.report()
    said = drain(cluster)
    assert (
        "Stays until somebody removes it: mds.old: it has no spec; `ceph orch daemon rm mds.old` "
        "removes it." in said
    )
    cluster.settle()
    assert listed(cluster) == "draining"
    assert left(cluster) == ["mds.old: it has no spec; `ceph orch daemon rm mds.old` removes it"]


def test_a_drain_that_stands_still_is_a_warning(full: Cluster) -> None:
    busy(full)
    drain(full)
    full.settle()
    assert "ANSIBLE_DRAIN_WAITS" not in full.orchestrator.health.checks()
    with full.core.lock:
        known = full.core.drain_watch.lines(time.time() + 400)
    assert len(known) == 1
    assert "host h3 has been draining since " in known[0]
    assert "nothing has changed for 6 min: osd." in known[0]


def test_a_host_that_is_off(full: Cluster) -> None:
    """Its OSDs leave the map; what is on the host ends with the host."""
    ids = on(full)
    for osd_id in ids:
        full.monitors.osds[osd_id].up = False
    full.offline("h3")
    said = drain(full)
    assert "Host 'h3' is offline: its OSDs leave when their data is elsewhere" in said
    full.settle(30)
    assert on(full) == []
    assert [row["drain_status"] for row in status(full)] == [
        "cleaning: drain of host h3; waiting for host h3 to take its unit away"
    ] * 2
    raise_if_exception(full.orchestrator.remove_host("h3", force=True, offline=True))
    full.settle(10)
    assert status(full) == []
    assert "h3" not in full.core.hosts
    assert queue(full) == {}


def test_a_drained_host_that_is_removed_leaves_no_record(full: Cluster) -> None:
    drain(full, zap_osd_devices=True)
    full.settle(30)
    assert listed(full) == "drained"
    raise_if_exception(full.orchestrator.remove_host("h3"))
    full.settle()
    assert sorted(full.store.items("host")) == ["h1", "h2"]
    assert "h3" not in full.store.items("deployed")
    assert queue(full) == {}


def test_a_host_is_applied_as_it_was_listed(full: Cluster) -> None:
    busy(full)
    drain(full)
    (spec,) = [
        each for each in raise_if_exception(full.orchestrator.get_hosts()) if each.hostname == "h3"
    ]
    raise_if_exception(full.orchestrator.apply([spec]))
    assert full.core.hosts.get("h3").drain is not None


def test_a_drain_survives_what_its_record_says() -> None:
    known = Drain(5.0, ("_no_schedule",), ((3, "u"),), zap=True, begun=True, done=7.0)
    assert Drain.from_json(known.to_json()) == known
    assert Drain.from_json({}) == Drain()


def test_the_active_manager_hands_over_and_leaves_last(cluster: Cluster) -> None:
    raise_if_exception(
        cluster.orchestrator.apply([ServiceSpec("mgr", placement=PlacementSpec(count=2))])
    )
    cluster.settle(30)
    assert len(cluster.monitors.managers) == 2
    active = cluster.monitors.managers[0]
    assert active == "h1"
    drain(cluster, "h1")
    cluster.settle(30)
    # The manager that takes over finds what is left in the store.
    cluster.start_anew()
    cluster.settle(30)
    assert "h1" not in cluster.monitors.managers
    assert len(cluster.monitors.managers) == 2
    assert f"mgr fail {active}" in cluster.monitors.log
    assert any("mon.h1: it has no spec" in each for each in left(cluster, "h1"))
