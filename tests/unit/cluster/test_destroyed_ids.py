"""Ids of destroyed OSDs go to disks that were put in for them, and to no others by themselves."""

from __future__ import annotations

from typing import Any, Dict, List, Tuple

import pytest

from adapter.cluster.destroyed_ids import destroyed_ids_first
from adapter.cluster.osd_owners import DestroyedOsd
from adapter.interface import Device, DeviceSelection, DriveGroupSpec, PlacementSpec


def spec(**values: Any) -> DriveGroupSpec:
    values.setdefault("data_devices", DeviceSelection(rotational=True))
    return DriveGroupSpec(
        service_id="all", placement=PlacementSpec(host_pattern="*"), method="raw", **values
    )


def device(name: str) -> Device:
    api = {"size": 8e9, "rotational": "1"}
    return Device(f"/dev/{name}", sys_api=api, available=True, device_id=f"ID{name}")


def made(found: Any) -> List[Tuple[str, Tuple[int, ...]]]:
    return [(disk.path[5:], group.osd_ids) for group in found.groups for disk in group.data]


CASES: Dict[str, Any] = {
    "a disk that came since": (
        {},
        ["sdc"],
        DestroyedOsd(3, "h1", disks=("IDsdb",), present=()),
        [("sdc", (3,))],
    ),
    "the same disk": (
        {},
        ["sdb"],
        DestroyedOsd(3, "h1", disks=("IDsdb",), present=()),
        [("sdb", (3,))],
    ),
    "a disk that was there before is its own": (
        {},
        ["sdc"],
        DestroyedOsd(3, "h1", disks=("IDsdb",), present=("IDsdc",)),
        [("sdc", ())],
    ),
    "the new one before the one that was there": (
        {},
        ["sdc", "sdd"],
        DestroyedOsd(3, "h1", disks=("IDsdb",), present=("IDsdc",)),
        [("sdd", (3,)), ("sdc", ())],
    ),
    "a limit counts the OSD that waits": (
        {"data_devices": DeviceSelection(rotational=True, limit=2)},
        ["sdc"],
        DestroyedOsd(3, "h1", disks=("IDsdb",), present=("IDsdc",)),
        [],
    ),
    "a limit lets its replacement in": (
        {"data_devices": DeviceSelection(rotational=True, limit=2)},
        ["sdc", "sdd"],
        DestroyedOsd(3, "h1", disks=("IDsdb",), present=("IDsdc",)),
        [("sdd", (3,))],
    ),
    "nobody knows what was there": (
        {},
        ["sdc"],
        DestroyedOsd(3, "h1", disks=("IDsdb",)),
        [("sdc", ())],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_who_gets_the_id(name: str) -> None:
    values, disks, destroyed, expected = CASES[name]
    plan = destroyed_ids_first(
        spec(**values),
        "h1",
        [device(each) for each in disks],
        existing=1,
        free_ids=[3],
        fits=lambda _, key: destroyed.fits(key),
        allow=lambda key: True,
        fresh=lambda key: False,
    )
    assert made(plan) == expected
    waits = any(note.startswith("osd.3 is destroyed and waits") for note in plan.notes)
    assert waits == all(ids == () for _, ids in made(plan))


def test_disks_that_the_drive_group_may_not_take_are_taken_for_ids_alone() -> None:
    """It took what was free when it was applied; a replacement was asked for since."""
    plan = destroyed_ids_first(
        spec(data_devices=DeviceSelection(all=True)),
        "h1",
        [device("sdc"), device("sdd")],
        existing=1,
        free_ids=[3],
        fits=lambda *_: True,
        allow=lambda key: False,
        fresh=lambda key: True,
    )
    assert made(plan) == [("sdc", (3,))]


def test_a_disk_takes_as_many_ids_as_osds_are_made_on_it() -> None:
    plan = destroyed_ids_first(
        spec(osds_per_device=2),
        "h1",
        [device("sdc"), device("sdd")],
        existing=0,
        free_ids=[3, 4],
        fits=lambda *_: True,
        allow=lambda key: True,
        fresh=lambda key: False,
    )
    assert made(plan) == [("sdc", (3, 4)), ("sdd", ())]
