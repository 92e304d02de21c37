"""Which disk a name means, or the sentence that says why none."""

from __future__ import annotations

from typing import Any

import pytest

from adapter.cluster.device_names import DeviceNames, NamedPaths
from adapter.interface import Device, DeviceSelection, DriveGroupSpec, PlacementSpec

DEVICES = [
    Device("/dev/sdb", sys_api={"partitions": {"sdb1": {}}, "device_nodes": ["sdb"]}),
    Device("/dev/sdc", sys_api={}),
    Device(
        "/dev/mapper/mpatha",
        sys_api={"type": "mpath", "parent": "/dev/dm-3", "device_nodes": ["sdx", "sdy"]},
    ),
]
LINKS = {
    "/dev/disk/by-id/ata-1": ["/dev/sdb"],
    "/dev/disk/by-id/wwn-1": ["/dev/mapper/mpatha"],
    "/dev/disk/by-partuuid/1": ["/dev/sdb1"],
    "/dev/disk/by-id/lvm-1": ["/dev/dm-9"],
    "/dev/disk/by-id/gone": [],
    "/dev/disk/by-id/twin": ["/dev/sdb", "/dev/sdc"],
}


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("/dev/sdb", "/dev/sdb"),
        ("/dev/disk/by-id/ata-1", "/dev/sdb"),
        ("/dev/disk/by-id/wwn-1", "/dev/mapper/mpatha"),
        ("/dev/mapper/mpatha", "/dev/mapper/mpatha"),
        ("/dev/dm-3", "/dev/mapper/mpatha"),
    ],
)
def test_a_name_of_a_disk(name: str, path: str) -> None:
    assert DeviceNames(DEVICES, LINKS).find(name) == (path, "")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("/dev/sdz", "the host has no such device"),
        ("/dev/sdx", "it is one path of /dev/mapper/mpatha; name that"),
        ("/dev/sdb1", "it is the partition /dev/sdb1 of /dev/sdb; OSDs are made of whole disks"),
        ("/dev/disk/by-partuuid/1", "it is the partition /dev/sdb1 of /dev/sdb"),
        ("/dev/disk/by-id/lvm-1", "it leads to /dev/dm-9, which is not a whole disk"),
        ("/dev/disk/by-id/gone", "the name leads to no device now"),
        ("/dev/disk/by-id/twin", "/dev/sdb and /dev/sdc both have this name"),
    ],
)
def test_a_name_of_none(name: str, reason: str) -> None:
    path, problem = DeviceNames(DEVICES, LINKS).find(name)
    assert path == ""
    assert problem.startswith(reason)


@pytest.mark.parametrize("nodes", ["sdx,sdy", ["sdx"], 5, None, {}, [[]]])
def test_what_the_host_says_of_paths_is_not_trusted(nodes: Any) -> None:
    several = Device("/dev/mapper/a", sys_api={"type": "mpath", "device_nodes": nodes})
    found = DeviceNames([several], {}).find("/dev/sdx")[1]
    assert found.startswith("it is one path" if "sdx" in str(nodes) else "the host has no")


def named(**selections: Any) -> NamedPaths:
    spec = DriveGroupSpec(service_id="x", placement=PlacementSpec(host_pattern="*"), **selections)
    return NamedPaths(spec, DeviceNames(DEVICES, LINKS))


def test_a_selection_of_which_no_name_means_a_disk_chooses_nothing() -> None:
    """Without paths and filters a selection would choose every device."""
    found = named(data_devices=DeviceSelection(paths=["/dev/disk/by-id/gone"]))
    assert found.spec.data_devices is None
    assert len(found.problems["data_devices"]) == 1


def test_the_class_of_a_path_stays_with_the_disk() -> None:
    path = {"path": "/dev/disk/by-id/ata-1", "crush_device_class": "nvme"}
    spec = DeviceSelection(paths=[path])
    found = named(data_devices=spec)
    assert found.spec.data_devices is not None
    (device,) = found.spec.data_devices.paths
    assert (device.path, device.crush_device_class) == ("/dev/sdb", "nvme")
    assert found.links == {"/dev/sdb": "/dev/disk/by-id/ata-1"}
    assert spec.paths[0].path == "/dev/disk/by-id/ata-1"


def test_a_spec_without_other_names_is_itself() -> None:
    found = named(data_devices=DeviceSelection(paths=["/dev/sdb"]))
    assert found.spec.data_devices is not None
    assert found.spec.data_devices.paths[0].path == "/dev/sdb"
    assert found.links == {}
