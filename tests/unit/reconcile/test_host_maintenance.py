"""Hosts enter maintenance and leave it: what is changed is kept before, and exactly that undone."""

from __future__ import annotations

import errno
from dataclasses import replace
from typing import Any, Dict, List

import pytest

from adapter.errors import AdapterError, InvalidValue, ReportAwaited, UnknownName
from adapter.interface import (
    DeviceSelection,
    DriveGroupSpec,
    HostSpec,
    MDSSpec,
    OrchestratorError,
    PlacementSpec,
    RGWSpec,
    raise_if_exception,
)
from adapter.reconcile.host_stops import HostNeeded
from tests.unit.reconcile.fake_cluster import Cluster
from tests.unit.reconcile.maintenances import enter, health, kept, leave, operations, status


def test_in_and_out(whole: Cluster) -> None:
    enter(whole)

    assert (status(whole), kept(whole)["stage"]) == ("maintenance", "entered")
    assert whole.monitors.log == ["set-group noout h2"]
    assert not [osd for osd in whole.monitors.osds.values() if osd.host == "h2" and osd.up]
    assert whole.monitors.out_of_quorum == ["h2"]
    (line,) = health(whole)
    assert line.startswith("host h2 is in maintenance since 20")
    assert "asked for by test (4 units masked, noout set for h2). `ceph orch host" in line

    leave(whole)

    assert (status(whole), kept(whole), health(whole)) == ("", {}, [])
    assert whole.monitors.log == ["set-group noout h2", "unset-group noout h2"]
    assert all(osd.up for osd in whole.monitors.osds.values())
    assert whole.monitors.out_of_quorum == []
    assert operations(whole) == [*["enter_host_maintenance"] * 2, "exit_host_maintenance"]


def test_units_and_flags_are_kept_before_they_are_changed(whole: Cluster) -> None:
    seen: List[Dict[str, Any]] = []
    before = whole.monitors._osd_set_group

    def set_group(arguments: Dict[str, Any]) -> str:
        seen.append(kept(whole))
        return before(arguments)

    whole.monitors._osd_set_group = set_group  # type: ignore[method-assign]
    act = whole._on_enter_host_maintenance
    whole.acts["enter_host_maintenance"] = lambda host, variables: (
        seen.append(kept(whole)) or act(host, variables)  # type: ignore[func-returns-value]
    )

    enter(whole)

    flags, units, _ = seen
    assert (flags["nodes"], flags.get("reached")) == (["h2"], None)
    assert (units["reached"], units["at_work"]) == (True, True)
    assert {"ceph-osd@2.service", "ceph-osd@3.service"} <= {row["unit"] for row in units["units"]}


def test_a_flag_that_was_there_stays(whole: Cluster) -> None:
    whole.monitors.noout = {"h2"}
    enter(whole)
    assert kept(whole)["nodes"] == []
    leave(whole)
    assert (whole.monitors.noout, whole.monitors.log) == ({"h2"}, [])


def test_the_flag_goes_by_crush_and_not_by_the_hosts_name(whole: Cluster) -> None:
    whole.monitors.crush = {2: "rack-b-2", 3: "rack-b-2"}
    enter(whole)
    assert whole.monitors.log == ["set-group noout rack-b-2"]
    leave(whole)
    whole.monitors.log.clear()
    # A bucket with others' OSDs is not this host's to set.
    whole.monitors.crush = {2: "both", 3: "both", 0: "both"}
    enter(whole)
    assert whole.monitors.log == ["set-group noout osd.2 osd.3"]
    leave(whole)
    assert whole.monitors.log[1:] == ["unset-group noout osd.2 osd.3"]


@pytest.mark.parametrize("after", range(7))
def test_a_manager_that_ends_anywhere_is_followed_by_one_that_goes_on(
    whole: Cluster, after: int
) -> None:
    enter(whole, rounds=after)
    whole.start_anew(keep_jobs=True)
    whole.settle(40)
    assert (status(whole), kept(whole)["stage"]) == ("maintenance", "entered")
    assert whole.monitors.noout == {"h2"}

    leave(whole, rounds=after)
    whole.start_anew(keep_jobs=True)
    whole.settle(40)
    assert (status(whole), kept(whole), whole.monitors.noout) == ("", {}, set())
    assert all(osd.up for osd in whole.monitors.osds.values())


def test_another_host_s_manager_waits_until_the_job_before_has_ended(whole: Cluster) -> None:
    whole.mute["enter_host_maintenance"] = {"h2": "killed"}
    enter(whole, rounds=2)
    record = {**kept(whole), "at_work": True}
    whole.store.set("maintenance.h2", record)
    whole.mute.clear()
    whole.start_anew()
    whole.settle(8)
    assert kept(whole)["stage"] == "entering"
    whole.settle(30)
    assert kept(whole)["stage"] == "entered"


def test_the_active_manager_hands_over_first(whole: Cluster) -> None:
    whole.orchestrator.reconciler.absence = _Here()  # type: ignore[assignment]
    with pytest.raises(ReportAwaited):
        raise_if_exception(whole.orchestrator.host_ok_to_stop("h1"))
    said = raise_if_exception(whole.orchestrator.enter_host_maintenance("h1"))
    assert "enters maintenance" in said
    record = kept(whole, "h1")
    whole.store.set("maintenance.h1", {**record, "asked": record["asked"] - 5.0})
    whole.core.maintenances.reload()
    whole.settle(10)
    assert whole.monitors.log[0] == "mgr fail h1"
    # Here no other manager takes over, and this one goes on after a while.
    whole.settle(40)
    assert kept(whole, "h1")["stage"] == "entered"


class _Here:
    """A manager that was never away."""

    def holds(self, now: float) -> bool:
        return False


def test_what_is_lost_is_refused_and_can_be_allowed(whole: Cluster) -> None:
    whole.daemons["h3", "rgw", "web.h3.aaaaaa"] = "running"
    whole.monitors.elsewhere["rgw.web.h3.aaaaaa"] = "h3"
    whole.report(3)
    with pytest.raises(
        HostNeeded, match=r"no other daemon of service rgw.web runs.*WARNING: with --force it"
    ):
        enter(whole, "h3")
    assert (status(whole, "h3"), kept(whole, "h3")) == ("", {})
    enter(whole, "h3", force=True)
    assert kept(whole, "h3")["stage"] == "entered"


def test_data_needs_more_than_force(whole: Cluster) -> None:
    whole.monitors.can_stop = set()
    for flags in ({}, {"force": True}):
        with pytest.raises(HostNeeded, match="With --force --yes-i-really-mean-it it is done"):
            enter(whole, **flags)
    with pytest.raises(InvalidValue, match="goes further than --force"):
        enter(whole, yes_i_really_mean_it=True)
    enter(whole, force=True, yes_i_really_mean_it=True)
    assert kept(whole)["stage"] == "entered"


def test_two_hosts_are_not_taken_together(whole: Cluster) -> None:
    for host in ("h2", "h3"):
        raise_if_exception(whole.orchestrator.enter_host_maintenance(host))
    whole.settle(12)
    assert kept(whole)["stage"] == "entered"
    assert kept(whole, "h3")["stage"] == "entering"
    assert "h3 enters maintenance" in health(whole)[1]
    assert "1 of 3 monitors would be in the quorum" in health(whole)[1]
    leave(whole, "h3")
    assert (status(whole, "h3"), kept(whole, "h3")) == ("", {})


def test_a_metadata_server_is_taken_over_from_before_osds_stop(whole: Cluster) -> None:
    whole.daemons["h2", "mds", "a"] = "running"
    whole.monitors.elsewhere["mds.a"] = "h2"
    whole.monitors.filesystems = {"fs": ["a"]}
    whole.monitors.standbys = {77: "b"}
    whole.report(3)
    whole.requests.clear()
    enter(whole)
    parts = [
        each.variables["host_maintenance_part"]
        for each in whole.requests
        if each.operation == "enter_host_maintenance"
    ]
    assert parts == ["services", "data", "all"]
    assert kept(whole)["stage"] == "entered"


def test_a_monitor_stops_when_data_is_served_without_its_host(whole: Cluster) -> None:
    whole.monitors.together = [(1, 2)]
    enter(whole, rounds=7)
    assert "waiting until all data is served without its OSDs" in health(whole)[0]
    assert whole.monitors.out_of_quorum == []
    # The others are asked how they are now: by themselves they say it some seconds later.
    asked = list(whole.monitors.told_pgs)
    assert asked
    assert {tuple(each) for each in asked} == {(1,)}
    whole.monitors.together = [(1, 4)]
    whole.settle(3)
    assert whole.monitors.out_of_quorum == ["h2"]
    assert whole.monitors.told_pgs == asked


def test_nothing_is_stopped_before_the_flag_is_set(whole: Cluster) -> None:
    """Monitors that do not set it, for whatever reason, would mark its OSDs out in the end."""
    set_group = whole.monitors._osd_set_group

    def refuse(arguments: Dict[str, Any]) -> str:
        raise OrchestratorError("try again", errno=-errno.EAGAIN)

    whole.monitors._osd_set_group = refuse  # type: ignore[method-assign]
    enter(whole, rounds=12)
    assert (kept(whole)["stage"], whole.monitors.noout) == ("entering", set())
    assert "try again" in health(whole)[0]
    assert operations(whole) == []
    whole.monitors._osd_set_group = set_group  # type: ignore[method-assign]
    whole.settle(12)
    assert (kept(whole)["stage"], whole.monitors.noout) == ("entered", {"h2"})


def test_osds_that_came_back_are_asked_until_all_data_is_whole(whole: Cluster) -> None:
    enter(whole)
    whole.monitors.together = [(0, 2)]
    whole.monitors.states = "active+undersized"
    whole.monitors.told_pgs.clear()
    whole.requests.clear()
    leave(whole, rounds=5)
    assert kept(whole) == {}
    asked = list(whole.monitors.told_pgs)
    assert asked
    assert {tuple(each) for each in asked} == {(2, 3, 0)}
    assert not whole.core.refresh.due(whole.now), "a report would take the host's processors"
    whole.monitors.states = "active+clean"
    whole.settle(2)
    assert whole.monitors.told_pgs == asked
    assert whole.core.refresh.due(whole.now) == ["h2"]


def test_data_that_takes_long_is_not_asked_about_for_ever(whole: Cluster) -> None:
    enter(whole)
    whole.monitors.together = [(0, 2)]
    whole.monitors.states = "active+undersized"
    leave(whole, rounds=14)
    asked = list(whole.monitors.told_pgs)
    assert whole.core.refresh.due(whole.now) == ["h2"]
    whole.settle(4)
    assert whole.monitors.told_pgs == asked


def test_a_daemon_that_somebody_starts_meanwhile_is_stopped_again(whole: Cluster) -> None:
    enter(whole)
    whole.monitors.osds[2].up = True
    whole.in_maintenance.pop(("h2", "osd", "2"))
    enter(whole)
    assert not whole.monitors.osds[2].up


def test_what_is_not_back_keeps_the_flag_and_is_named(whole: Cluster) -> None:
    enter(whole)
    whole.monitors.hung = {2}
    leave(whole, rounds=20)
    assert whole.monitors.noout == {"h2"}
    (line,) = health(whole)
    assert "waiting until the cluster's maps show osd.2 back" in line
    assert "exit h2 --force` ends it although these are not back" in line
    leave(whole, force=True)
    assert (kept(whole), whole.monitors.noout) == ({}, set())


def test_a_job_that_fails_is_tried_again_and_told(whole: Cluster) -> None:
    whole.mute["enter_host_maintenance"] = {"h2": "ceph-osd@2.service does not stop"}
    enter(whole, rounds=6)
    assert "ceph-osd@2.service does not stop (job " in health(whole)[0]
    assert kept(whole)["nodes"] == ["h2"]
    whole.mute.clear()
    whole.settle(20)
    assert kept(whole)["stage"] == "entered"


def test_asked_for_again_it_is_so_already(whole: Cluster) -> None:
    enter(whole)
    assert "is in maintenance already, since 20" in enter(whole)
    leave(whole)
    with pytest.raises(InvalidValue, match="it is not in maintenance"):
        leave(whole)
    assert operations(whole) == [*["enter_host_maintenance"] * 2, "exit_host_maintenance"]


@pytest.mark.parametrize("name", ["", "h9", "h1;id", "../h1", 5])
def test_an_unknown_host_is_refused(whole: Cluster, name: Any) -> None:
    with pytest.raises(UnknownName):
        enter(whole, name)
    with pytest.raises(UnknownName):
        leave(whole, name)


def test_nothing_is_placed_restarted_or_removed_meanwhile(whole: Cluster) -> None:
    spec = MDSSpec("mds", service_id="fs", placement=PlacementSpec(hosts=["h2", "h3"]))
    raise_if_exception(whole.orchestrator.apply([spec]))
    whole.settle(20)
    whole.monitors.standbys = {
        700 + number: name for number, (_, kind, name) in enumerate(whole.daemons) if kind == "mds"
    }
    enter(whole, rounds=12)
    assert kept(whole)["stage"] == "entered"
    whole.requests.clear()
    raise_if_exception(
        whole.orchestrator.apply(
            [
                MDSSpec("mds", service_id="fs", placement=PlacementSpec(hosts=["h3"])),
                RGWSpec("rgw", service_id="web", placement=PlacementSpec(hosts=["h2"])),
            ]
        )
    )
    whole.settle(30)
    assert not [each for each in whole.requests if each.changes and "h2" in each.hosts]
    for call in (
        lambda: whole.orchestrator.daemon_action("start", "mon.h2"),
        lambda: whole.orchestrator.daemon_action("restart", "osd.2"),
        lambda: whole.orchestrator.remove_daemons(["mgr.h2"]),
    ):
        with pytest.raises(AdapterError, match="Host 'h2' is in maintenance"):
            raise_if_exception(call())
    assert not [code for code in whole.orchestrator.health.checks() if "FAILED" in code]
    whole.offline("h2")
    whole.settle(5)
    assert "ANSIBLE_HOST_OFFLINE" not in whole.orchestrator.health.checks()


def test_a_service_of_a_count_is_not_moved_away(whole: Cluster) -> None:
    spec = MDSSpec("mds", service_id="fs", placement=PlacementSpec(count=2))
    raise_if_exception(whole.orchestrator.apply([spec]))
    whole.settle(20)
    places = sorted(host for host, kind, _ in whole.daemons if kind == "mds")
    whole.monitors.standbys = {
        700 + number: name for number, (_, kind, name) in enumerate(whole.daemons) if kind == "mds"
    }
    for key in [each for each in whole.daemons if each[1] == "mds"]:
        whole.said[key] = {"unit": f"ceph-mds@{key[2]}.service"}
    whole.report(3)
    enter(whole, places[1], rounds=30)
    assert kept(whole, places[1])["stage"] == "entered"
    whole.report(20)
    assert sorted(host for host, kind, _ in whole.daemons if kind == "mds") == places


def test_it_goes_on_while_the_rest_is_paused(whole: Cluster) -> None:
    whole.orchestrator.pause()
    enter(whole)
    leave(whole)
    assert kept(whole) == {}


def test_a_spec_asks_for_it(whole: Cluster) -> None:
    spec = HostSpec("h2", "10.0.0.2", status="maintenance")
    said = raise_if_exception(whole.orchestrator.add_host(spec))
    assert "It enters maintenance" in said
    whole.settle(8)
    assert kept(whole)["stage"] == "entered"
    assert "nothing is changed" in raise_if_exception(whole.orchestrator.add_host(spec))
    whole.monitors.can_stop = set()
    with pytest.raises(HostNeeded):
        raise_if_exception(
            whole.orchestrator.add_host(HostSpec("h3", "10.0.0.3", status="maintenance"))
        )


def test_a_host_is_not_removed_with_masked_units(whole: Cluster) -> None:
    enter(whole)
    with pytest.raises(AdapterError, match="its units would stay masked"):
        raise_if_exception(whole.orchestrator.remove_host("h2", force=True))
    whole.offline("h2")
    raise_if_exception(whole.orchestrator.remove_host("h2", force=True, offline=True))
    assert (kept(whole), whole.monitors.noout) == ({}, set())


def test_what_goes_wrong_is_told_once(whole: Cluster) -> None:
    whole.mute["enter_host_maintenance"] = {"h2": "it does not stop"}
    enter(whole, rounds=6)
    assert "ANSIBLE_JOB_FAILED" not in whole.orchestrator.health.checks()


def test_asked_for_again_meanwhile_it_just_goes_on(whole: Cluster) -> None:
    enter(whole, rounds=0)
    whole.monitors.can_stop = set()
    assert "enters maintenance" in enter(whole, rounds=0)
    with pytest.raises(HostNeeded):
        enter(whole, force=True)


def test_how_far_it_is_stands_in_the_list_of_hosts(whole: Cluster) -> None:
    """A host was restarted while its monitor still ran: the list had said "maintenance"."""
    enter(whole, rounds=0)
    assert status(whole) == "entering maintenance"
    whole.settle(8)
    whole.offline("h2")
    assert status(whole) == "Offline, maintenance", "while it restarts"
    whole.core.liveness.seen("h2", whole.now)
    leave(whole, rounds=0)
    assert status(whole) == "leaving maintenance"


def test_what_enters_is_named_as_pending(whole: Cluster) -> None:
    enter(whole, rounds=0)
    rows = whole.orchestrator.pending.rows()
    assert "its daemons would be stopped" in str(rows)


def test_no_osd_is_made_on_it(whole: Cluster) -> None:
    enter(whole)
    group = DriveGroupSpec(
        placement=PlacementSpec(host_pattern="h2"), data_devices=DeviceSelection(paths=["/dev/sdz"])
    )
    with pytest.raises(AdapterError, match="is in maintenance: nothing is done"):
        raise_if_exception(whole.orchestrator.create_osds(group))


def test_that_another_host_is_stopped_already_is_said_first(whole: Cluster) -> None:
    enter(whole)
    with pytest.raises(HostNeeded, match=r"stopped now\. In maintenance, .*: h2\. End that first"):
        raise_if_exception(whole.orchestrator.host_ok_to_stop("h3"))


def test_a_bucket_that_is_renamed_meanwhile_loses_the_flag_too(whole: Cluster) -> None:
    """The flag was seen to stay under the new name."""
    enter(whole)
    whole.monitors.rename_bucket("h2", "moved")
    leave(whole)
    assert whole.monitors.noout == set()


def test_a_renamed_bucket_that_has_no_osd_any_more_loses_the_flag_too(whole: Cluster) -> None:
    """Its name was looked for where the host's OSDs are."""
    enter(whole)
    whole.monitors.rename_bucket("h2", "moved")
    whole.monitors.buckets["moved"] = ("host", [])
    for osd_id in [k for k, osd in whole.monitors.osds.items() if osd.host == "h2"]:
        del whole.monitors.osds[osd_id]
    leave(whole, rounds=12, force=True)
    assert whole.monitors.noout == set()


def test_another_bucket_that_has_the_name_now_keeps_the_flag_of_others(whole: Cluster) -> None:
    enter(whole)
    whole.monitors.rename_bucket("h2", "moved")
    whole.monitors.buckets["h2"] = ("host", [])
    whole.monitors.noout.add("h2")
    leave(whole)
    assert whole.monitors.noout == {"h2"}


def test_a_record_without_ids_follows_the_osds_of_the_host(whole: Cluster) -> None:
    enter(whole)
    known = whole.core.maintenances.get("h2")
    assert known is not None
    whole.core.maintenances.save(replace(known, ids={}))
    whole.monitors.rename_bucket("h2", "moved")
    leave(whole)
    assert whole.monitors.noout == set()
