"""Matching devices with drive groups, and the commands that follow."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

import pytest

from adapter.interface import (
    Device,
    Devices,
    DeviceSelection,
    DriveGroupSpec,
    DriveGroupValidationError,
    DriveSelection,
    OSDMethod,
    PlacementSpec,
    ServiceSpec,
    to_ceph_volume,
)
from adapter.interface.matchers import (
    AllMatcher,
    EqualityMatcher,
    Matcher,
    SizeMatcher,
    SubstringMatcher,
    size_as_listed,
    size_in_bytes,
    size_range,
)
from plugins.module_utils.disks.inventory import human_size


def disk(
    path: str,
    size: str = "10.00 GB",
    rotational: str = "1",
    available: bool = True,
    **more: Any,
) -> Device:
    sys_api = {
        "human_readable_size": size,
        "size": float(size.split(" ")[0]) * 1024 ** (" KMGT".index(size.split(" ")[1][0])),
        "rotational": rotational,
        "model": "M-1",
        "vendor": "V",
    }
    return Device(f"/dev/{path}", sys_api=sys_api, available=available, **more)


def owned(path: str, owner: Optional[str], **more: Any) -> Device:
    lv = {"name": "x"} if owner is None else {"name": "x", "osdspec_affinity": owner}
    return disk(path, available=False, ceph_device_lvm=True, lvs=[lv], **more)


DISKS = [
    disk("c"),
    disk("a", rotational="0"),
    disk("b", "20.00 GB"),
    disk("d", available=False),
    owned("e", "d"),
    owned("f", "other"),
    owned("g", None),
    disk("h", being_replaced=True),
    disk("i", "1.00 TB", rotational="0"),
    disk("j", "500.00 MB"),
    disk("l", available=False, ceph_device_lvm=True),
    disk("m", available=False, ceph_device_lvm=True, lvs=[]),
]
EVERY = ["a", "b", "c", "e", "g", "i", "j", "l", "m"]


def group(**arguments: Any) -> DriveGroupSpec:
    arguments.setdefault("placement", PlacementSpec(host_pattern="*"))
    arguments.setdefault("service_id", "d")
    for name in list(arguments):
        if name.endswith("_devices") and isinstance(arguments[name], dict):
            arguments[name] = DeviceSelection(**arguments[name])
    return DriveGroupSpec(**arguments)


def names(devices: List[Device]) -> List[str]:
    return [device.path.replace("/dev/", "") for device in devices]


def chosen(existing: int = 0, **arguments: Any) -> Dict[str, List[str]]:
    selection = DriveSelection(group(**arguments), DISKS, existing_daemons=existing)
    found = {
        "data": names(selection.data_devices()),
        "db": names(selection.db_devices()),
        "wal": names(selection.wal_devices()),
        "journal": names(selection.journal_devices()),
    }
    return {name: paths for name, paths in found.items() if paths}


@pytest.mark.parametrize(
    ("filters", "paths"),
    [
        ({"all": True}, EVERY),
        ({"rotational": True}, ["b", "c", "e", "g", "j", "l", "m"]),
        ({"rotational": 0}, ["a", "i"]),
        ({"size": "10G"}, ["a", "c", "e", "g", "l", "m"]),
        ({"size": "10GB:20GB"}, ["a", "b", "c", "e", "g", "l", "m"]),
        ({"size": "15G:"}, ["b", "i"]),
        ({"size": ":1G"}, ["j"]),
        ({"size": "1T"}, ["i"]),
        ({"size": "500M"}, ["j"]),
        ({"size": "0.5TB:2TB"}, ["i"]),
        ({"size": "20G:10G"}, []),
        ({"size": "10K:"}, EVERY),
        ({"model": "M"}, EVERY),
        ({"model": "m"}, []),
        ({"vendor": "V", "size": "10G"}, ["a", "c", "e", "g", "l", "m"]),
        ({"actuators": 2}, []),
        ({"paths": ["/dev/z", "/dev/c"]}, ["z", "c"]),
        ({"paths": ["/dev/b", "/dev/a"], "limit": 1}, ["b", "a"]),
    ],
)
def test_data_devices(filters: Dict[str, Any], paths: List[str]) -> None:
    assert chosen(data_devices=filters).get("data", []) == paths


@pytest.mark.parametrize(
    ("existing", "limit", "paths"),
    [(0, 2, ["b", "c", "e"]), (1, 2, ["c", "e"]), (2, 2, ["e"]), (9, 2, ["e"])],
)
def test_limit_counts_new_devices_and_existing_daemons(
    existing: int, limit: int, paths: List[str]
) -> None:
    """The drive group's own device (e) stays chosen beyond the limit."""
    found = chosen(existing, data_devices={"rotational": 1, "limit": limit})

    assert found == {"data": paths}


def test_filters_are_joined_by_logic() -> None:
    filters = {"size": "10G", "model": "x"}

    assert chosen(data_devices=filters) == {}
    assert chosen(data_devices=filters, filter_logic="OR") == {
        "data": ["a", "c", "e", "g", "l", "m"]
    }


def test_device_serves_one_purpose() -> None:
    assert chosen(
        data_devices={"rotational": 1},
        db_devices={"rotational": 0, "limit": 1},
        wal_devices={"rotational": 0, "limit": 1},
    ) == {"data": ["b", "c", "e", "g", "j", "l", "m"], "wal": ["a"], "db": ["i"]}
    assert "c" not in chosen(data_devices={"paths": ["/dev/c"]}, db_devices={"rotational": 1})["db"]


def test_devices_of_other_drive_groups() -> None:
    assert chosen(data_devices={"all": True}, service_id="other")["data"] == [
        "a", "b", "c", "f", "g", "i", "j", "l", "m",
    ]  # fmt: skip
    assert "e" not in chosen(data_devices={"all": True}, service_id=None)["data"]


def test_device_that_tells_nothing_matches_no_filter() -> None:
    bare = Device("/dev/k", available=True)

    for filters in ({"rotational": 1}, {"size": "1K:"}, {"model": "x"}, {"vendor": ""}):
        spec = group(data_devices=filters)
        paths = names(DriveSelection(spec, [bare]).data_devices())
        assert paths == (["k"] if filters == {"vendor": ""} else [])


def test_devices_are_not_changed() -> None:
    devices = Devices(list(DISKS))
    selection = DriveSelection(group(data_devices={"all": True}), devices)

    assert devices == Devices(DISKS)
    assert repr(selection).startswith("DriveSelection(data=['/dev/a'")


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("10G", 10e9),
        ("10GB", 10e9),
        ("10.00 GB", 10e9),
        ("1.5T", 1.5e12),
        ("2K", 2e3),
        ("3MB", 3e6),
        ("8GiB", 8 * 2**30),
        ("8.5 MiB", 8.5 * 2**20),
        ("2Ki", 2048),
        ("8iB", None),
        ("8PiB", None),
        ("10", None),
        ("10g", None),
        ("1P", None),
        ("-5G", None),
        ("", None),
        ("G", None),
        ("1" * 400 + "G", None),
    ],
)
def test_size_in_bytes(text: str, size: Optional[float]) -> None:
    assert size_in_bytes(text) == size


def test_size_range() -> None:
    assert size_range("1G:2G") == (1e9, 2e9)
    assert size_range("1G") == (1e9, 1e9)
    assert size_range(":") is None
    assert size_range("1G:2G:3G") is None
    assert size_range("1G:x") is None
    assert size_range("x:1G") is None


def test_matchers() -> None:
    device = disk("a")

    assert AllMatcher("all", "True").compare(device)
    assert EqualityMatcher("rotational", 1).compare(device)
    assert not EqualityMatcher("zzz", "1").compare(device)
    assert SubstringMatcher("model", "M-").compare(device)
    assert not SubstringMatcher("model", "M-12").compare(device)
    assert not SizeMatcher("size", "x").compare(device)
    with pytest.raises(NotImplementedError):
        Matcher("a", "b").compare(device)


def test_size_falls_back_to_bytes() -> None:
    device = Device("/dev/a", sys_api={"size": 10e9})

    assert SizeMatcher("size", "10G").compare(device)
    assert not SizeMatcher("size", "11G:").compare(device)
    assert not SizeMatcher("size", "1K:").compare(Device("/dev/a", sys_api={"size": "big"}))


def sized(size: float) -> Device:
    """Return a disk of so many bytes as ceph-volume reports it."""
    return Device(
        "/dev/a", sys_api={"size": float(size), "human_readable_size": human_size(float(size))}
    )


@pytest.mark.parametrize(
    ("size", "fit", "other"),
    [
        # What `ceph orch device ls` prints, what ceph-volume prints, and our own plans.
        (
            8 * 2**30,
            ["8192M", "8192M:", ":8192M", "8G", "8GB", "8.00 GB", "8GiB", "8 GiB", "8GiB:9GiB"],
            ["8192MB", "8192MB:", "8193M", ":7999M", "8.1GiB", "8001MB:", ":7GiB", "9GiB:"],
        ),
        (
            4000787030016,
            ["3726G", "3.64 TB", "3.639TiB", "3700G:", ":3726G", "3700GiB:", "3.6T:3.7T"],
            ["4TB", "4T", "3700GB:", "3TiB", "3T", "3.7TiB", ":3.6TiB", "3727GiB:"],
        ),
        (
            10 * 2**30,
            ["10.0G", "10G", "10240MiB", "10GiB", "10Gi"],
            ["9.9G", "10.1GiB", "10241MiB"],
        ),
        (500107862016, ["465G", "465.76 GB", "465.8GiB", "465GiB:466GiB"], ["466G", "500GB"]),
    ],
)
def test_sizes_as_they_are_printed_and_counted(size: int, fit: List[str], other: List[str]) -> None:
    device = sized(size)
    assert [text for text in fit if not SizeMatcher("size", text).compare(device)] == []
    assert [text for text in other if SizeMatcher("size", text).compare(device)] == []


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (8 * 2**30, "8192M"),
        (4000787030016, "3726G"),
        (10 * 2**30, "10.0G"),
        (500 * 2**30, "500G"),
        (14901 * 2**30, "14.5T"),
        (512, "512"),
        (0, "0"),
    ],
)
def test_a_size_as_the_list_prints_it(size: int, text: str) -> None:
    assert size_as_listed(size) == text


DATA = {"paths": ["/dev/c", "/dev/b"]}
DB = {"paths": ["/dev/i"]}
WAL = {"paths": ["/dev/j"]}
LVM = "lvm batch --no-auto /dev/c /dev/b"
TAIL = "--objectstore bluestore"
END = "--yes --no-systemd"


@pytest.mark.parametrize(
    ("arguments", "commands"),
    [
        ({}, [f"{LVM} {TAIL} {END}"]),
        ({"db_devices": DB}, [f"{LVM} --db-devices /dev/i {TAIL} {END}"]),
        (
            {"db_devices": DB, "wal_devices": WAL, "block_db_size": "5G", "block_wal_size": "1G"},
            [
                f"{LVM} --db-devices /dev/i --wal-devices /dev/j --block-wal-size 1G"
                f" --block-db-size 5G {TAIL} {END}"
            ],
        ),
        ({"encrypted": True, "tpm2": True}, [f"{LVM} {TAIL} --dmcrypt --with-tpm {END}"]),
        ({"osds_per_device": 2}, [f"{LVM} {TAIL} --osds-per-device 2 {END}"]),
        ({"data_allocate_fraction": 0.5}, [f"{LVM} {TAIL} --data-allocate-fraction 0.5 {END}"]),
        ({"crush_device_class": "ssd"}, [f"{LVM} --crush-device-class ssd {TAIL} {END}"]),
        ({"journal_devices": DB, "journal_size": "5G", "db_slots": 2}, [f"{LVM} {TAIL} {END}"]),
        (
            {"method": "raw"},
            ["raw prepare --bluestore --data /dev/c", "raw prepare --bluestore --data /dev/b"],
        ),
        (
            {
                "method": "raw",
                "db_devices": {"paths": ["/dev/i", "/dev/j"]},
                "wal_devices": {"paths": ["/dev/g", "/dev/h"]},
                "crush_device_class": "x",
                "encrypted": True,
            },
            [
                "raw prepare --bluestore --data /dev/c --block.db /dev/i --block.wal /dev/g"
                " --crush-device-class x --dmcrypt",
                "raw prepare --bluestore --data /dev/b --block.db /dev/j --block.wal /dev/h"
                " --crush-device-class x --dmcrypt",
            ],
        ),
    ],
)
def test_commands(arguments: Dict[str, Any], commands: List[str]) -> None:
    spec = group(data_devices=DATA, **arguments)

    assert to_ceph_volume(DriveSelection(spec, DISKS)).run() == commands


def test_commands_for_classes_of_paths() -> None:
    paths = [
        {"path": "/dev/c", "crush_device_class": "ssd"},
        {"path": "/dev/b", "crush_device_class": "hdd"},
        "/dev/a",
    ]
    spec = group(data_devices={"paths": paths}, db_devices=DB, crush_device_class="x")

    assert to_ceph_volume(DriveSelection(spec, DISKS)).run() == [
        f"lvm batch --no-auto {path} --db-devices /dev/i --crush-device-class {name} {TAIL} {END}"
        for path, name in (("/dev/c", "ssd"), ("/dev/b", "hdd"), ("/dev/a", "x"))
    ]


def test_claims_and_preview() -> None:
    selection = DriveSelection(group(data_devices=DATA), DISKS)

    assert to_ceph_volume(selection, ["1", "2"]).run() == [f"{LVM} {TAIL} --osd-ids 1 2 {END}"]
    assert to_ceph_volume(selection, [], preview=True).run() == [
        f"{LVM} {TAIL} {END} --report --format json"
    ]


def test_no_devices_no_command() -> None:
    selection = DriveSelection(group(data_devices={"model": "gone"}), DISKS)

    assert to_ceph_volume(selection).run() == []


def test_raw_needs_a_device_each() -> None:
    spec = group(data_devices=DATA, db_devices=DB, method="raw")

    with pytest.raises(ValueError, match="2 data devices and 1 db devices"):
        to_ceph_volume(DriveSelection(spec, DISKS)).run()


def test_odd_paths_are_quoted() -> None:
    spec = group(data_devices={"paths": ["/dev/x y; reboot"]})

    assert to_ceph_volume(DriveSelection(spec, [])).run() == [
        f"lvm batch --no-auto '/dev/x y; reboot' {TAIL} {END}"
    ]


def test_device_selection_forms() -> None:
    selection = DeviceSelection.from_json({"rotational": "true", "limit": "2", "all": "false"})

    assert selection == DeviceSelection(rotational=True, limit=2)
    assert DeviceSelection.from_json({}) is None
    assert DeviceSelection.from_json(None) is None
    assert DeviceSelection.from_json(selection) is selection  # type: ignore[arg-type]
    assert selection != {}
    assert repr(selection) == "DeviceSelection({'rotational': True, 'limit': 2})"
    assert names(DeviceSelection(paths=[Device("/dev/a"), "/dev/b"]).paths) == ["a", "b"]


def test_drive_group_forms() -> None:
    spec = ServiceSpec(  # type: ignore[call-arg]
        service_type="osd", service_id="a", placement=PlacementSpec("x"), method="raw"
    )

    assert isinstance(spec, DriveGroupSpec)
    assert spec.method is OSDMethod.raw
    assert spec.to_json()["spec"]["method"] == "raw"
    assert DriveGroupSpec(service_type=None).service_type == "osd"  # type: ignore[arg-type]
    with pytest.raises(DriveGroupValidationError, match=r'"a".*data_devices is required'):
        spec.validate()


def test_legacy_host_pattern() -> None:
    data = {"host_pattern": "data*", "data_devices": {"all": True}}
    spec = DriveGroupSpec.from_json(data)

    assert spec.placement == PlacementSpec(host_pattern="data*")
    assert spec.service_name() == "osd"


def test_values_as_the_command_gives_them() -> None:
    """`ceph orch daemon add osd h1:data_devices=...,osds_per_device=2` gives text."""
    spec = DriveGroupSpec.from_json(
        {
            "service_type": "osd",
            "placement": {"host_pattern": "h1"},
            "data_devices": {"paths": ["/dev/sda"]},
            "osds_per_device": "2",
        }
    )

    assert spec.osds_per_device == 2


def test_wrong_types_in_python_are_found_by_validate() -> None:
    with pytest.raises(DriveGroupValidationError, match="data_devices"):
        group(data_devices=["/dev/sda"]).validate()
    with pytest.raises(DriveGroupValidationError, match="placement"):
        group(placement="h1", data_devices={"all": True}).validate()
