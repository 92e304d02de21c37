"""Each disk that a drive group does not take says which filter refused it."""

from __future__ import annotations

from typing import Any, Dict, List

import pytest

from adapter.cluster.osd_plan_reasons import Disks, why_not
from adapter.interface import Device, DeviceSelection, DriveGroupSpec, PlacementSpec

GIB = 2**30


def device(name: str, **more: Any) -> Device:
    api = {
        "size": 8.0 * GIB,
        "human_readable_size": "8.00 GB",
        "rotational": "1",
        "model": "LABDISK ",
        "vendor": "ACME",
        **more.pop("api", {}),
    }
    more.setdefault("available", True)
    return Device(f"/dev/{name}", sys_api=api, device_id=f"ID{name}", **more)


def reasons(
    filters: Dict[str, Any], devices: List[Device], said: Any = (), **more: Any
) -> List[str]:
    known = {"existing": 0, "allow": lambda key: True, "busy": (), "osds": {}}
    known.update({key: more.pop(key) for key in list(more) if key in known})
    spec = DriveGroupSpec(
        service_id="x",
        placement=PlacementSpec(host_pattern="*"),
        data_devices=DeviceSelection(**filters),
        **more,
    )
    return why_not(spec, Disks(devices=devices, **known), said)


SIZE = "its size is 8.00 GB (8192M in `ceph orch device ls`, 8 GiB)"


@pytest.mark.parametrize(
    ("filters", "reason"),
    [
        ({"size": "5T"}, f"{SIZE}, not 5T"),
        ({"size": "9000MB:"}, f"{SIZE}, not 9000MB:"),
        ({"model": "ST4000"}, "its model is 'LABDISK', not 'ST4000'"),
        (
            {"model": "LABDISK*"},
            "its model is 'LABDISK', not 'LABDISK*' (a part of the text is meant; * and ? stand "
            "for themselves)",
        ),
        ({"vendor": "OTHER"}, "its vendor is 'ACME', not 'OTHER'"),
        ({"rotational": False}, "it is rotational"),
        ({"actuators": 2}, "its number of actuators is not known, not 2"),
        (
            {"vendor": "OTHER", "rotational": 0},
            "its vendor is 'ACME', not 'OTHER'; it is rotational",
        ),
    ],
)
def test_the_filter_is_named_with_what_the_disk_has(filters: Dict[str, Any], reason: str) -> None:
    found = reasons(filters, [device("sdb"), device("sdc")])
    assert found == [f"/dev/sdb, /dev/sdc: {reason}"]


def test_or_refuses_only_what_fits_none() -> None:
    filters = {"vendor": "OTHER", "rotational": 0}
    assert reasons({**filters, "rotational": 1}, [device("sdb")], filter_logic="OR") == []
    (line,) = reasons(filters, [device("sdb")], filter_logic="OR")
    assert line.endswith("its vendor is 'ACME', not 'OTHER'; it is rotational")


def test_a_disk_that_tells_nothing() -> None:
    bare = Device("/dev/sdb", available=True)
    assert reasons({"rotational": 1, "size": "1G:", "model": "a", "vendor": "b"}, [bare]) == [
        "/dev/sdb: its size is not known, not 1G:; its model is not known, not 'a'; its vendor is "
        "not known, not 'b'; whether it is rotational is not known"
    ]


def test_what_is_in_the_way_of_disks_that_fit() -> None:
    lv = {"osdspec_affinity": "other", "osd_id": "7"}
    devices = [
        device("sdb", available=False, rejected_reasons=["locked", "LVM detected"]),
        device("sdc"),
        device("sdd"),
        device("sde", available=False, being_replaced=True),
        device("sdf", available=False, ceph_device_lvm=True, lvs=[lv]),
        device("sdg"),
        device("sdh"),
    ]
    found = reasons(
        {"rotational": 1, "limit": 2},
        devices,
        said=["/dev/sdh is not available: it carries an OSD that is not in this cluster"],
        busy=["/dev/sdc"],
        osds={"/dev/sdd": [3, 4]},
        allow=lambda key: key != "IDsdg",
    )
    assert found == [
        "/dev/sdb: it is not available: LVM detected, locked",
        "/dev/sdc: an OSD is being made on it",
        "/dev/sdd: it carries osd.3, osd.4 already",
        "/dev/sde: it is marked as being replaced",
        "/dev/sdf: OSDs of the drive group other are on its volumes",
        "/dev/sdg: it came, or was erased or freed, since the drive group was applied, and is "
        "taken when that is applied again",
    ]
    assert reasons({"rotational": 1, "limit": 2}, [device("sdb")], existing=2) == [
        "/dev/sdb: the limit of 2 is reached, with 2 OSDs on this host"
    ]


def test_of_named_paths_only_these_are_told_of() -> None:
    devices = [device("sdb", available=False), device("sdc")]
    assert reasons({"paths": ["/dev/sdb"]}, devices, osds={"/dev/sdb": [3]}) == [
        "/dev/sdb: it carries osd.3 already"
    ]


def test_a_host_without_disks() -> None:
    assert reasons({"all": True}, []) == ["the host has no disk that can be used"]
