"""A disk is meant by any of its names, as the host reported it; a name of no disk is refused."""

from __future__ import annotations

from typing import Any, Dict, List

import pytest

from adapter.errors import InvalidValue, UnknownName
from adapter.interface import DeviceSelection, raise_if_exception
from tests.unit.reconcile.fake_cluster import Cluster, device_on, drive_group

BY_ID = "/dev/disk/by-id/ata-DISK1"
BY_PATH = "/dev/disk/by-path/pci-0000:00:1f.2-ata-1"
LINKS = {
    BY_ID: ["/dev/sdb"],
    BY_PATH: ["/dev/sdb"],
    "/dev/slot4": ["/dev/sdc"],
    "/dev/disk/by-id/ata-GONE": [],
    "/dev/disk/by-id/ata-TWIN": ["/dev/sdb", "/dev/sdc"],
    "/dev/disk/by-partuuid/0b4d-01": ["/dev/sdb1"],
    "/dev/mapper/vg-lv": ["/dev/dm-4"],
}
UNCLEAR = {
    "/dev/disk/by-id/ata-GONE": "the name leads to no device now",
    "/dev/disk/by-id/ata-TWIN": "/dev/sdb and /dev/sdc both have this name",
    "/dev/mapper/vg-lv": "it leads to /dev/dm-4, which is not a whole disk",
    "/dev/disk/by-partuuid/0b4d-01": "it leads to /dev/sdb1, which is not a whole disk",
}


@pytest.fixture
def named(cluster: Cluster) -> Cluster:
    """Return the cluster with a host whose disks have more names."""
    cluster.storage["h2"] = {"links": LINKS, "device_mapper": True}
    cluster.report()
    cluster.requests.clear()
    return cluster


def paths(*names: str, **more: Any) -> Any:
    return drive_group("byid", "h2", data_devices=DeviceSelection(paths=list(names)), **more)


def preview(cluster: Cluster, spec: Any) -> Dict[str, Any]:
    row = raise_if_exception(cluster.orchestrator.plan([spec]))[0]
    return dict(row["data"]["h2"][0])


def written(cluster: Cluster, key: str = "osd_create_groups") -> List[Any]:
    return [r.variables[key]["h2"] for r in cluster.requests if key in r.variables]


@pytest.mark.parametrize("name", [BY_ID, BY_PATH])
def test_a_drive_group_means_the_disk_behind_a_name(named: Cluster, name: str) -> None:
    found = preview(named, paths(name))
    assert [row["data"] for row in found["data"]] == ["/dev/sdb"]
    assert found["notes"] == [f"h2: /dev/sdb (8 GiB, IDh2b, named {name})"]

    raise_if_exception(named.orchestrator.apply([paths(name)]))
    named.settle()
    (groups,) = written(named)
    # The host looks whether the name still leads there.
    assert groups[0]["data"] == [
        {"path": "/dev/sdb", "size": 8 * 2**30, "device_id": "IDh2b", "link": name}
    ]
    assert [osd.disk for osd in named.monitors.osds.values()] == ["/dev/sdb"]
    raise_if_exception(named.orchestrator.apply([paths(name)]))
    named.settle()
    assert len(written(named)) == 1


def test_a_link_outlives_the_manager(named: Cluster) -> None:
    named.break_on["create_osds"] = {"h2": ""}
    raise_if_exception(named.orchestrator.apply([paths(BY_ID)]))
    named.settle(2)
    named.break_on.clear()
    named.start_anew()
    named.settle()
    assert [group["data"][0]["link"] for group in written(named)[-1]] == [BY_ID]


def test_a_disk_is_taken_once_by_whatever_names(named: Cluster) -> None:
    notes = preview(named, paths(BY_ID, BY_PATH))["notes"]
    assert f"h2: {BY_PATH}: it is the same disk as {BY_ID}; name each disk once" in notes
    spec = paths(BY_ID, db_devices=DeviceSelection(paths=["/dev/sdb"]))
    found = preview(named, spec)
    assert found["data"] == []
    start = "h2: nothing is made without the db_devices that are named: "
    assert any(note.startswith(start) for note in found["notes"])
    # What is meant by a name is not chosen by a filter for something else.
    spec = paths("/dev/slot4", db_devices=DeviceSelection(size="1G:"))
    assert [row["block_db"] for row in preview(named, spec)["data"]] == ["/dev/sdb"]


@pytest.mark.parametrize("name", UNCLEAR)
def test_a_name_of_no_disk_is_refused_with_a_sentence(named: Cluster, name: str) -> None:
    found = preview(named, paths(name))
    assert found["data"] == []
    assert f"h2: {name}: {UNCLEAR[name]}" in found["notes"][0]
    orchestrator = named.orchestrator
    for asked in (
        lambda: orchestrator.create_osds(device_on("h2", name)),
        lambda: orchestrator.zap_device("h2", name),
        lambda: orchestrator.replace_device("h2", name),
    ):
        with pytest.raises(InvalidValue) as raised:
            raise_if_exception(asked())
        assert UNCLEAR[name] in str(raised.value)
    assert named.requests == []


def test_a_partition_is_named_as_one(named: Cluster) -> None:
    rows = named.core.reports.get("h2").devices  # type: ignore[union-attr]
    rows[0]["sys_api"]["partitions"] = {"sdb1": {}}
    for name in ("/dev/disk/by-partuuid/0b4d-01", "/dev/sdb1"):
        note = preview(named, paths(name))["notes"][0]
        assert "it is the partition /dev/sdb1 of /dev/sdb; OSDs are made of whole disks" in note


def test_a_name_that_nobody_knows(named: Cluster) -> None:
    name = "/dev/disk/by-id/ata-OTHER"
    assert preview(named, paths(name))["notes"][0] == f"h2: {name}: the host has no such device"
    with pytest.raises(UnknownName, match="It has: /dev/sdb, /dev/sdc"):
        raise_if_exception(named.orchestrator.create_osds(device_on("h2", name)))


def test_the_commands_take_names(named: Cluster) -> None:
    text = raise_if_exception(named.orchestrator.create_osds(device_on("h2", BY_PATH)))
    assert f"/dev/sdb (8 GiB, IDh2b, named {BY_PATH})" in text
    named.settle()
    assert written(named)[0][0]["data"][0]["link"] == BY_PATH
    with pytest.raises(InvalidValue, match=r"osd\.0 runs on it"):
        raise_if_exception(named.orchestrator.zap_device("h2", BY_ID))

    raise_if_exception(named.orchestrator.zap_device("h2", "/dev/slot4"))
    named.settle(1)
    (disk,) = written(named, "device_zap_devices")[0]
    assert (disk["path"], disk["link"]) == ("/dev/sdc", "/dev/slot4")
    raise_if_exception(named.orchestrator.replace_device("h2", BY_ID))
    assert [row["osd_id"] for row in named.orchestrator.remove_osds_status().result] == [0]


def test_a_named_db_that_cannot_be_used_is_not_left_out(named: Cluster) -> None:
    named.used["h2"] = ["/dev/sdx"]
    named.report()
    spec = paths("/dev/sdb", db_devices=DeviceSelection(paths=["/dev/sdx"]))
    raise_if_exception(named.orchestrator.apply([spec]))
    named.settle()
    assert named.monitors.osds == {}
    (line,) = named.orchestrator.health.checks()["ANSIBLE_SERVICE_FAILED"]["detail"]
    assert "osd.byid on host h2" in line
    assert "nothing is made without the db_devices that are named" in line
    named.free["h2"].append(named.used["h2"].pop())
    named.report()
    assert len(named.monitors.osds) == 1
    assert "ANSIBLE_SERVICE_FAILED" not in named.orchestrator.health.checks()


def test_a_named_disk_that_was_erased_since_is_not_taken_again_by_itself(named: Cluster) -> None:
    spec = paths(BY_ID)
    named.free["h2"].remove("/dev/sdb")
    named.report()
    raise_if_exception(named.orchestrator.apply([spec]))
    named.core.specs.release("h2", ["IDh2b"])
    named.free["h2"].append("/dev/sdb")
    named.report()
    assert named.monitors.osds == {}
    raise_if_exception(named.orchestrator.apply([spec]))
    named.settle()
    assert len(named.monitors.osds) == 1


def test_a_disk_that_two_hosts_show_takes_no_osd(cluster: Cluster) -> None:
    """Two daemons on one disk destroy its data, and no lock is theirs together."""
    wwn = "/dev/disk/by-id/wwn-0x5000c500a1b2c3d4"
    for host, path in (("h2", "/dev/sdb"), ("h3", "/dev/sdc")):
        cluster.storage[host] = {"links": {wwn: [path]}, "device_mapper": True}
    cluster.report()
    row = raise_if_exception(cluster.orchestrator.plan([drive_group("all")]))[0]
    planned = {
        (host, disk["data"])
        for host, plans in row["data"].items()
        for plan in plans
        for disk in plan["data"]
    }
    assert planned
    assert not planned & {("h2", "/dev/sdb"), ("h3", "/dev/sdc")}
    for skip in (True, False):
        with pytest.raises(InvalidValue, match=r"the same disk is h3:/dev/sdc"):
            raise_if_exception(
                cluster.orchestrator.create_osds(device_on("h2", "/dev/sdb"), skip_validation=skip)
            )
