"""Drive groups become OSDs: of the disks that they name, once, whatever ends in between."""

from __future__ import annotations

from typing import Any, List

import pytest

from adapter.cluster.osd_plan import Disk, Group
from adapter.errors import InvalidValue, UnknownName
from adapter.interface import (
    DeviceSelection,
    DriveGroupSpec,
    OrchestratorError,
    SpecValidationError,
    raise_if_exception,
)
from tests.unit.reconcile.fake_cluster import Cluster, device_on, drive_group
from tests.unit.reconcile.fake_hosts import GIB


def one_disk(host: str, letter: str) -> Group:
    disk = Disk(f"/dev/sd{letter}", 8 * GIB, f"ID{host}{letter}")
    return Group((disk,), options={"method": "raw", "osdspec": "", "osds_per_device": 1})


def where(cluster: Cluster) -> List[str]:
    return sorted(f"{osd.host}:{osd.disk}" for osd in cluster.monitors.osds.values())


def apply(cluster: Cluster, spec: DriveGroupSpec) -> str:
    return str(raise_if_exception(cluster.orchestrator.apply([spec]))[0])


def test_all_free_disks_become_osds_in_one_job(cluster: Cluster) -> None:
    text = apply(cluster, drive_group("all"))
    assert "h1: /dev/sdb (8 GiB, IDh1b)" in text
    cluster.settle()

    assert where(cluster) == [f"h{n}:/dev/sd{x}" for n in (1, 2, 3) for x in "bc"]
    jobs = [hosts for name, hosts in cluster.operations() if name == "create_osds"]
    assert jobs == [["h1", "h2", "h3"]]
    assert cluster.core.intents.all() == []


def test_a_preview_is_complete_at_once_and_changes_nothing(cluster: Cluster) -> None:
    spec = drive_group("all", preview_only=True)
    raise_if_exception(cluster.orchestrator.apply([spec]))
    row = raise_if_exception(cluster.orchestrator.plan([spec]))[0]

    assert sorted(row["data"]) == ["h1", "h2", "h3"]
    disks = row["data"]["h2"][0]["data"]
    assert [disk["data"] for disk in disks] == ["/dev/sdb", "/dev/sdc"]
    assert row["data"]["h2"][0]["notes"][0] == "h2: /dev/sdb (8 GiB, IDh2b)"
    cluster.settle()
    assert where(cluster) == []
    assert cluster.core.specs.all() == []


def test_a_disk_that_comes_later_is_nobodys_choice_of_all_available(cluster: Cluster) -> None:
    apply(cluster, drive_group("all"))
    cluster.settle()
    cluster.free["h2"].append("/dev/sdx")
    cluster.report()

    assert "h2:/dev/sdx" not in where(cluster)
    apply(cluster, drive_group("all"))
    cluster.settle()
    assert "h2:/dev/sdx" in where(cluster)


def unheard(cluster: Cluster, host: str) -> None:
    """Let a host be one that was added just now: it has not reported yet."""
    cluster.core.reports.forget(host)


def test_all_means_also_the_disks_of_a_host_that_has_not_reported_yet(cluster: Cluster) -> None:
    """Hosts and drive groups stand in one file: a host has said nothing then."""
    unheard(cluster, "h2")
    text = apply(cluster, drive_group("all"))
    assert "h2: the host has not said yet which disks it has; those that are free when" in text
    cluster.settle()
    assert where(cluster) == [f"h{n}:/dev/sd{x}" for n in (1, 3) for x in "bc"]

    cluster.report()
    assert where(cluster) == [f"h{n}:/dev/sd{x}" for n in (1, 2, 3) for x in "bc"]
    cluster.free["h2"].append("/dev/sdx")
    cluster.report()
    assert "h2:/dev/sdx" not in where(cluster), "a later disk is nobody's choice"


def test_all_means_no_disk_of_a_host_that_is_offline_and_unknown(cluster: Cluster) -> None:
    """What somebody puts in while it is off is nobody's choice."""
    unheard(cluster, "h2")
    cluster.offline("h2")
    text = apply(cluster, drive_group("all"))
    assert "; apply this again when it has reported, to use its disks" in text
    cluster.core.liveness.seen("h2", cluster.now)
    cluster.report()
    assert [disk for disk in where(cluster) if disk.startswith("h2")] == []
    apply(cluster, drive_group("all"))
    cluster.settle()
    assert "h2:/dev/sdb" in where(cluster)


def test_the_next_manager_knows_of_whom_it_waits_to_hear(cluster: Cluster) -> None:
    unheard(cluster, "h2")
    apply(cluster, drive_group("all"))
    cluster.start_anew()
    cluster.report()
    assert "h2:/dev/sdb" in where(cluster)


def test_a_filter_takes_a_disk_that_comes_later(cluster: Cluster) -> None:
    apply(cluster, drive_group("big", data_devices=DeviceSelection(size="1G:")))
    cluster.settle()
    cluster.free["h3"].append("/dev/sdx")
    cluster.report()
    assert "h3:/dev/sdx" in where(cluster)


def test_a_disk_with_the_data_of_an_osd_that_is_gone_is_named(cluster: Cluster) -> None:
    apply(cluster, drive_group("all", "h1"))
    cluster.settle()
    gone = next(each for each, osd in cluster.monitors.osds.items() if osd.disk == "/dev/sdb")
    del cluster.monitors.osds[gone]
    cluster.used["h1"] = ["/dev/sdb"]
    cluster.report()

    big, small = DeviceSelection(size="1G:"), DeviceSelection(size=":1G")
    text = apply(cluster, drive_group("big", "h1", data_devices=big))
    assert "h1: /dev/sdb is not available: it carries an OSD that is not in this cluster" in text
    assert "h1: /dev/sdc: it carries osd." in text
    text = apply(cluster, drive_group("small", "h1", data_devices=small))
    assert "h1: /dev/sdb: its size is 8.00 GB" in text
    assert "zap" not in text


def test_a_zapped_disk_is_not_taken_again_by_itself(cluster: Cluster) -> None:
    spec = drive_group("big", "h1", data_devices=DeviceSelection(size="1G:"))
    cluster.free["h1"] = []
    apply(cluster, spec)
    cluster.free["h1"] = ["/dev/sdb"]
    cluster.core.specs.release("h1", ["IDh1b"])
    cluster.report()

    assert where(cluster) == []
    apply(cluster, spec)
    cluster.settle()
    assert where(cluster) == ["h1:/dev/sdb"]


def test_a_limit_counts_what_is_there(cluster: Cluster) -> None:
    spec = drive_group("one", data_devices=DeviceSelection(size="1G:", limit=1))
    apply(cluster, spec)
    cluster.settle()
    apply(cluster, spec)
    cluster.settle()
    assert where(cluster) == [f"h{n}:/dev/sdb" for n in (1, 2, 3)]


@pytest.mark.parametrize("anew", [False, True])
def test_a_limit_counts_what_has_not_been_up_yet(cluster: Cluster, anew: bool) -> None:
    cluster.monitors.booting = True
    apply(cluster, drive_group("one", data_devices=DeviceSelection(size="1G:", limit=1)))
    cluster.settle()
    if anew:
        cluster.start_anew()
    cluster.settle()
    wanted = [f"h{n}:/dev/sdb" for n in (1, 2, 3)]
    assert where(cluster) == wanted
    cluster.monitors.boot()
    cluster.settle()
    assert where(cluster) == wanted
    assert cluster.store.items("osd_made") == {}


def test_a_limit_counts_what_is_being_made(cluster: Cluster) -> None:
    cluster.break_on["create_osds"] = {"h1": "", "h2": "", "h3": ""}
    spec = drive_group("one", "h1", data_devices=DeviceSelection(size="1G:", limit=1))
    apply(cluster, spec)
    cluster.step()
    apply(cluster, spec)
    cluster.step()
    assert [intent.paths for intent in cluster.core.intents.all()] == [["/dev/sdb"]]


def test_an_osd_that_is_removed_before_it_was_up_frees_its_place(cluster: Cluster) -> None:
    cluster.monitors.booting = True
    apply(
        cluster,
        drive_group("one", "h[12]", data_devices=DeviceSelection(size="1G:", limit=1)),
    )
    cluster.settle()
    gone = next(each for each, osd in cluster.monitors.osds.items() if osd.host == "h1")
    del cluster.monitors.osds[gone]
    cluster.settle()
    assert where(cluster) == ["h1:/dev/sdc", "h2:/dev/sdb"]


def test_an_unmanaged_drive_group_makes_nothing(cluster: Cluster) -> None:
    assert "unmanaged" in apply(cluster, drive_group("all", unmanaged=True))
    cluster.settle()
    assert where(cluster) == []
    raise_if_exception(cluster.orchestrator.set_unmanaged("osd.all", False))
    cluster.settle()
    assert len(where(cluster)) == 6


def test_pause_holds_everything(cluster: Cluster) -> None:
    cluster.orchestrator.pause()
    apply(cluster, drive_group("all"))
    cluster.settle()
    assert where(cluster) == []
    cluster.orchestrator.resume()
    cluster.settle()
    assert len(where(cluster)) == 6


def test_a_host_that_refuses_is_told_of_and_tried_later(cluster: Cluster) -> None:
    cluster.break_on["create_osds"] = {"h2": "/dev/sdb carries a file system"}
    apply(cluster, drive_group("all"))
    cluster.settle()

    assert len(where(cluster)) == 4
    service = raise_if_exception(cluster.orchestrator.describe_service("osd"))[0]
    # Ten seconds later once more, twenty after that again.
    assert [e.message for e in service.events if e.level == "ERROR"] == [
        "h2: /dev/sdb carries a file system"
    ] * 2
    assert "h2" in str(cluster.orchestrator.health.checks()["ANSIBLE_JOB_FAILED"])
    assert cluster.core.intents.all() == []


def test_what_a_lost_job_was_to_make_is_asked_for_again_by_the_next_manager(
    cluster: Cluster,
) -> None:
    cluster.break_on["create_osds"] = {"h1": "", "h2": "", "h3": ""}
    apply(cluster, drive_group("all"))
    cluster.step()
    assert [intent.host for intent in cluster.core.intents.all()] == ["h1", "h2", "h3"]

    # The disks are not free any more: only what was written down can lead there again.
    cluster.break_on.clear()
    cluster.start_anew()
    cluster.settle()
    assert len(where(cluster)) == 6
    assert cluster.core.intents.all() == []


def paths(cluster: Cluster) -> List[str]:
    return [
        f"{intent.host}:{path}" for intent in cluster.core.intents.all() for path in intent.paths
    ]


def test_a_start_that_fails_leaves_what_was_to_be_made_before(cluster: Cluster) -> None:
    cluster.break_on["create_osds"] = {"h2": ""}
    raise_if_exception(cluster.orchestrator.create_osds(device_on("h2", "/dev/sdb")))
    cluster.step()
    cluster.monitors.silent = True

    with pytest.raises(OrchestratorError, match="do not answer"):
        raise_if_exception(cluster.orchestrator.create_osds(device_on("h2", "/dev/sdc")))

    assert paths(cluster) == ["h2:/dev/sdb"], "only what this call added goes"
    cluster.monitors.silent = False
    cluster.break_on.clear()
    cluster.settle()
    assert where(cluster) == ["h2:/dev/sdb"]


def test_what_has_not_ended_is_asked_for_again_and_made_once(cluster: Cluster) -> None:
    cluster.unfinished["h2"] = ["/dev/sdc"]
    apply(cluster, drive_group("all"))
    cluster.step()

    assert len(where(cluster)) == 5
    assert "h2:/dev/sdc" in paths(cluster)
    assert not [each for each in paths(cluster) if not each.startswith("h2")]
    service = raise_if_exception(cluster.orchestrator.describe_service("osd"))[0]
    assert "h2: ceph-volume has not ended" in [event.message for event in service.events]

    cluster.unfinished.clear()
    cluster.settle()
    assert len(where(cluster)) == 6
    assert paths(cluster) == []


def test_osds_of_a_host_that_failed_in_the_middle_have_their_owner(cluster: Cluster) -> None:
    cluster.monitors.booting = True
    cluster.unfinished["h2"] = ["/dev/sdc"]
    apply(cluster, drive_group("all"))
    cluster.step()

    made = {each: osd for each, osd in cluster.monitors.osds.items() if osd.host == "h2"}
    assert [osd.disk for osd in made.values()] == ["/dev/sdb"]
    assert [cluster.core.owners.service_of(each) for each in made] == ["osd.all"]


def test_groups_that_are_done_or_refused_leave_and_others_stay(cluster: Cluster) -> None:
    cluster.unfinished["h2"] = ["/dev/sdb"]
    with cluster.core.lock:
        cluster.core.intents.add("h2", (one_disk("h2", "c"), one_disk("h2", "b")), 1.0)
    cluster.step()

    assert where(cluster) == ["h2:/dev/sdc"]
    assert paths(cluster) == ["h2:/dev/sdb"]


def test_a_host_that_fails_without_a_word_may_have_begun(cluster: Cluster) -> None:
    """A module that was killed by the kernel says neither that it refuses nor that it is done."""
    cluster.mute["create_osds"] = {"h2": "MODULE FAILURE"}
    apply(cluster, drive_group("all", "h2"))
    cluster.step()
    assert paths(cluster) == ["h2:/dev/sdb", "h2:/dev/sdc"]

    cluster.mute.clear()
    cluster.settle()
    assert where(cluster) == ["h2:/dev/sdb", "h2:/dev/sdc"]
    assert paths(cluster) == []


def test_a_pause_is_counted_by_the_loops_clock(cluster: Cluster) -> None:
    """Two clocks would make it last for ever, or not at all."""
    cluster.break_on["create_osds"] = {"h2": "it is broken"}
    apply(cluster, drive_group("all", "h2"))
    cluster.step()
    cluster.step()
    cluster.step()
    jobs = [hosts for name, hosts in cluster.operations() if name == "create_osds"]
    assert jobs == [["h2"]], "ten seconds have not passed"
    cluster.settle(4)
    jobs = [hosts for name, hosts in cluster.operations() if name == "create_osds"]
    assert jobs == [["h2"], ["h2"]]


def test_one_named_device(cluster: Cluster) -> None:
    spec = device_on("h2", "/dev/sdc")
    text = raise_if_exception(cluster.orchestrator.create_osds(spec))
    assert text.startswith("Making OSDs: h2: /dev/sdc (8 GiB, IDh2c) (job ")
    cluster.settle()
    assert where(cluster) == ["h2:/dev/sdc"]
    request = next(r for r in cluster.requests if r.operation == "create_osds")
    assert "KEYOFTHECLUSTER" in request.secrets["bootstrap-osd.keyring"]
    assert "KEYOFTHECLUSTER" not in str(request.to_json())


@pytest.mark.parametrize(
    ("host", "path", "kind", "says"),
    [
        ("nope", "/dev/sdb", UnknownName, "no host 'nope'"),
        ("h1", "/dev/nope", UnknownName, "It has: /dev/sdb, /dev/sdc"),
        ("h1", "/dev/{{ 7*7 }}", InvalidValue, "device"),
        ("h1", "sdb", InvalidValue, "device"),
        ("h1", "/dev/../etc/passwd", InvalidValue, "device"),
        ("h1", "-x", InvalidValue, "device"),
    ],
)
def test_a_wrong_device_is_refused(
    cluster: Cluster, host: str, path: str, kind: type, says: str
) -> None:
    spec = device_on(host, path)
    with pytest.raises(kind, match=says):
        raise_if_exception(cluster.orchestrator.create_osds(spec))
    assert cluster.core.intents.all() == []


def test_a_disk_in_use_is_refused_with_the_reason(cluster: Cluster) -> None:
    apply(cluster, drive_group("all", "h1"))
    cluster.settle()
    spec = device_on("h1", "/dev/sdb")
    with pytest.raises(InvalidValue, match=r"osd.0 runs on it. `ceph orch osd rm 0 --zap` drains"):
        raise_if_exception(cluster.orchestrator.create_osds(spec))
    cluster.monitors.osds[0].up = False
    cluster.settle()
    with pytest.raises(InvalidValue, match=r"osd.0 is on it. If it only stopped, `ceph orch"):
        raise_if_exception(cluster.orchestrator.create_osds(spec))
    del cluster.monitors.osds[0]
    cluster.used["h1"] = ["/dev/sdb"]
    cluster.report()
    with pytest.raises(InvalidValue, match="BlueStore device label"):
        raise_if_exception(cluster.orchestrator.create_osds(spec))


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        (lambda: drive_group("all", "zz*"), "matches no host"),
        (lambda: drive_group(""), "name|service_id|id"),
        (lambda: drive_group("all", data_devices=None), "data_devices"),
    ],
)
def test_a_wrong_drive_group_is_refused_and_not_kept(
    cluster: Cluster, spec: Any, says: str
) -> None:
    with pytest.raises((InvalidValue, SpecValidationError), match=says):
        raise_if_exception(cluster.orchestrator.apply([spec()]))
    assert cluster.core.specs.all() == []


def test_osds_that_nobody_specified_are_an_unmanaged_service(cluster: Cluster) -> None:
    spec = device_on("h2", "/dev/sdc")
    raise_if_exception(cluster.orchestrator.create_osds(spec))
    apply(cluster, drive_group("all", "h1"))
    cluster.settle()
    found = {
        service.spec.service_name(): (service.spec.unmanaged, service.size, service.running)
        for service in raise_if_exception(cluster.orchestrator.describe_service("osd"))
    }
    assert found == {"osd": (True, 1, 1), "osd.all": (False, 2, 2)}


def test_a_service_that_only_its_osds_name_has_no_specification(cluster: Cluster) -> None:
    apply(cluster, drive_group("all"))
    cluster.settle()
    raise_if_exception(cluster.orchestrator.remove_service("osd.all", force=True))

    with pytest.raises(UnknownName, match=r"no specification of the service 'osd\.all'"):
        raise_if_exception(cluster.orchestrator.remove_service("osd.all", force=True))


def test_an_answer_that_nobody_understands_takes_no_host_out_of_service(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster.monitors, "_auth_get", lambda arguments: "[]")
    with pytest.raises(Exception, match="index"):
        raise_if_exception(cluster.orchestrator.create_osds(device_on("h2", "/dev/sdb")))
    monkeypatch.undo()
    raise_if_exception(cluster.orchestrator.create_osds(device_on("h2", "/dev/sdb")))
    cluster.settle()
    assert where(cluster) == ["h2:/dev/sdb"]


def failed_to_start(cluster: Cluster, host: str) -> None:
    """Let a job say that it has made the OSD of a host, and that it did not start."""
    spec = device_on(host, "/dev/sdb")
    act = cluster._on_create_osds

    def made(name: str, variables: Any) -> Any:
        result = act(name, variables)
        for row in result["osds"]:
            row["state"] = "not started"
            cluster.monitors.osds[row["osd_id"]].up = False
        return {**result, "failed": "ceph-osd@0.service did not stay up"}

    cluster.acts["create_osds"] = made
    raise_if_exception(cluster.orchestrator.create_osds(spec))
    cluster.settle(2)
    cluster.acts.clear()


def test_an_osd_that_did_not_start_is_no_failure_any_more_once_it_is_up(cluster: Cluster) -> None:
    """Whoever started it: nothing is to be made on the host any more, and no job says so."""
    failed_to_start(cluster, "h2")
    cluster.settle()
    said = str(cluster.orchestrator.health.checks()["ANSIBLE_JOB_FAILED"])
    assert "create_osds on host h2 failed" in said
    cluster.monitors.osds[0].up = True
    cluster.settle()
    assert "ANSIBLE_JOB_FAILED" not in cluster.orchestrator.health.checks()
