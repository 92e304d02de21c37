"""Ids of destroyed OSDs go to disks that were put in for them, and to no others by themselves."""

from __future__ import annotations

from typing import Any, Dict, List, Tuple

import pytest

from adapter.cluster.destroyed_ids import destroyed_ids_first
from adapter.cluster.osd_owners import DestroyedOsd
from adapter.cluster.osd_plan import plan_host
from adapter.interface import Device, DeviceSelection, DriveGroupSpec, PlacementSpec


def spec(**values: Any) -> DriveGroupSpec:
    values = {"data_devices": DeviceSelection(rotational=True), "method": "raw", **values}
    return DriveGroupSpec(service_id="all", placement=PlacementSpec(host_pattern="*"), **values)


def device(name: str) -> Device:
    api = {"size": 8e9, "rotational": "0" if name.startswith("nvme") else "1"}
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
        had=lambda _, key: key in destroyed.disks,
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
        had=lambda *_: False,
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
        had=lambda *_: False,
        allow=lambda key: True,
        fresh=lambda key: False,
    )
    assert made(plan) == [("sdc", (3, 4)), ("sdd", ())]


# (data, DB, WAL, ids) of each group.
Made = Tuple[List[str], List[str], List[str], Tuple[int, ...]]
HYBRID: Dict[str, Any] = {
    "data_devices": DeviceSelection(rotational=True),
    "db_devices": DeviceSelection(rotational=False),
}
NAMED: Dict[str, Any] = {
    "data_devices": DeviceSelection(paths=["/dev/sdx", "/dev/sdc"]),
    "db_devices": DeviceSelection(paths=["/dev/nvme0", "/dev/nvme1"]),
}
OLD = DestroyedOsd(3, "h1", disks=("IDsdb", "IDnvme0"), present=("IDsdc", "IDnvme1"))
SECOND = DestroyedOsd(4, "h1", disks=("IDsdd", "IDnvme1"), present=("IDsdc", "IDnvme0"))


def shown(groups: Any) -> List[Made]:
    return [
        (*([disk.path[5:] for disk in each] for each in (g.data, g.db, g.wal)), g.osd_ids)  # type: ignore[misc]  # three lists
        for g in groups
    ]


def hybrid(
    disks: List[str],
    destroyed: Tuple[DestroyedOsd, ...] = (OLD,),
    released: Tuple[str, ...] = (),
    **values: Any,
) -> Any:
    """Return the plan of a drive group with DB disks; ``released`` may be taken no more."""
    by_id = {each.osd_id: each for each in destroyed}
    more = {key: values.pop(key) for key in ("busy",) if key in values}
    return destroyed_ids_first(
        spec(**{**HYBRID, **values}),
        "h1",
        [device(each) for each in disks],
        existing=0,
        free_ids=list(by_id),
        fits=lambda osd_id, key: by_id[osd_id].fits(key),
        had=lambda osd_id, key: key in by_id[osd_id].disks,
        allow=lambda key: key[2:] not in released,
        fresh=lambda key: False,
        **more,
    )


WITH_DB: Dict[str, Tuple[List[str], Dict[str, Any], List[Made]]] = {
    "its own DB disk, which was erased with it": (
        ["sdx", "nvme0"],
        {"released": ("sdb", "nvme0")},
        [(["sdx"], ["nvme0"], [], (3,))],
    ),
    "a DB disk that was there before": (
        ["sdx", "nvme1"],
        {},
        [(["sdx"], ["nvme1"], [], (3,))],
    ),
    "its own before another one": (
        ["sdx", "nvme00", "nvme0"],
        {"released": ("nvme0",)},
        [(["sdx"], ["nvme0"], [], (3,))],
    ),
    "each its own": (
        ["sdx", "sdy", "nvme0", "nvme1"],
        {"destroyed": (SECOND, OLD), "released": ("nvme0", "nvme1")},
        [(["sdx"], ["nvme1"], [], (4,)), (["sdy"], ["nvme0"], [], (3,))],
    ),
    "the names that are given": (
        ["sdx", "sdc", "nvme0", "nvme1"],
        {**NAMED, "released": ("nvme0",)},
        [(["sdx"], ["nvme0"], [], (3,)), (["sdc"], ["nvme1"], [], ())],
    ),
    "the rest gets what is left": (
        ["sdx", "sdc", "nvme0", "nvme1"],
        {},
        [(["sdx"], ["nvme0"], [], (3,)), (["sdc"], ["nvme1"], [], ())],
    ),
    "its own WAL disk": (
        ["sdx", "nvme0"],
        {"db_devices": None, "wal_devices": DeviceSelection(rotational=False)},
        [(["sdx"], [], ["nvme0"], (3,))],
    ),
    "LVM divides a disk among all": (
        ["sdx", "sdc", "nvme0"],
        {"method": "lvm", "released": ("nvme0",)},
        [(["sdx", "sdc"], ["nvme0"], [], (3,))],
    ),
    "a DB disk takes no id": (
        ["nvme0", "sdx"],
        {},
        [(["sdx"], ["nvme0"], [], (3,))],
    ),
    "a DB disk alone takes no id": (["nvme0"], {}, []),
}


@pytest.mark.parametrize("name", WITH_DB)
def test_an_osd_of_a_destroyed_id_has_the_db_disk_that_its_drive_group_asks_for(name: str) -> None:
    disks, values, expected = WITH_DB[name]
    plan = hybrid(disks, **values)
    assert shown(plan.groups) == expected
    assert not plan.refused


REFUSED: Dict[str, Tuple[List[str], Dict[str, Any]]] = {
    "a filter": (["sdx", "nvme1"], {}),
    "a name": (["sdx", "nvme1"], {"db_devices": DeviceSelection(paths=["/dev/nvme1"])}),
    "LVM": (["sdx", "nvme1"], {"method": "lvm"}),
    "no id": (["sdx", "nvme1"], {"destroyed": ()}),
    "WAL": (["sdx", "nvme1"], {"wal_devices": HYBRID["db_devices"], "db_devices": None}),
}


@pytest.mark.parametrize("name", REFUSED)
def test_nothing_is_made_without_a_db_disk_that_may_not_be_taken(name: str) -> None:
    """An OSD would have its DB on its own disk for good, and nothing would say so."""
    disks, values = REFUSED[name]
    plan = hybrid(disks, **{"released": ("nvme1",), **values})
    assert plan.groups == ()
    (sentence,) = plan.refused
    kind = "wal" if name == "WAL" else "db"
    how = "named" if name == "a name" else "selected"
    assert sentence == (
        f"nothing is made without the {kind}_devices that are {how}: /dev/nvme1 was erased or "
        "freed since the drive group was applied; it is taken when that is applied again"
    )


def test_a_db_disk_on_which_something_is_being_made_is_waited_for() -> None:
    plan = hybrid(["sdx", "nvme0"], busy=["/dev/nvme0"])
    assert (plan.groups, plan.refused) == ((), ())
    assert "/dev/nvme0: an OSD is being made on it" in plan.notes


@pytest.mark.parametrize("paths", [None, ["/dev/nvme0"]], ids=["selected", "named"])
def test_nothing_is_made_without_a_db_disk_that_another_osd_has(paths: Any) -> None:
    """A whole disk is one OSD's: the next one had its DB on its own disk, with HEALTH_OK."""
    has = device("nvme0")
    has.available, has.rejected_reasons = False, ["Has BlueStore device label"]
    db = DeviceSelection(paths=paths) if paths else HYBRID["db_devices"]
    wanted = spec(**{**HYBRID, "db_devices": db})
    plan = plan_host(wanted, "h1", [device("sdx"), has], existing=1, ours=["/dev/nvme0"])
    assert plan.groups == ()
    how = "named" if paths else "selected"
    assert plan.refused == (
        f"nothing is made without the db_devices that are {how}: /dev/nvme0 is an OSD's already",
    )
    # What is there already is what the drive group asks for.
    assert not plan_host(wanted, "h1", [has], existing=1, ours=["/dev/nvme0"]).refused


def test_ids_go_to_the_disks_that_were_put_in_for_them_whatever_their_order() -> None:
    own = (
        DestroyedOsd(3, "h1", disks=("IDsdy",), present=()),
        DestroyedOsd(4, "h1", disks=("IDsdx",), present=("IDsdy",)),
    )
    by_id = {each.osd_id: each for each in own}
    plan = destroyed_ids_first(
        spec(),
        "h1",
        [device("sdy"), device("sdx")],
        existing=0,
        free_ids=[3, 4],
        fits=lambda osd_id, key: key in by_id[osd_id].disks,
        had=lambda *_: False,
        allow=lambda key: True,
        fresh=lambda key: False,
    )
    assert shown(plan.groups) == [(["sdx", "sdy"], [], [], (4, 3))]
