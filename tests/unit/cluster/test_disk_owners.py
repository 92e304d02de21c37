"""Whose disk is this? By label, by what the OSD said, up or down, whatever the host is called."""

from __future__ import annotations

from typing import Any, Dict, List

import pytest

from adapter.cluster.disk_owners import DiskOwners
from adapter.cluster.osd_map import Osd, OsdMap, OsdMetadata
from adapter.cluster.report_rows import device_row

FSID = "F51D"
OTHER = "0THE"


def osd(**values: Any) -> Osd:
    return Osd(**{"osd_id": 3, "uuid": "u3", "host": "h3", "up": True, **values})


def said(**values: Any) -> OsdMetadata:
    named = {"hostname": "h3", "devices": ("sdb",), "names": (("sdb", "ID1"),)}
    return OsdMetadata(**{"osd_id": 3, **named, **values})


def row(**values: Any) -> Dict[str, Any]:
    found = {"path": "/dev/sdb", "available": False, "device_id": "ID1", "osds": []}
    return {**found, "sys_api": {"device_nodes": ["sdb"]}, **values}


def label(uuid: str = "u3", cluster: str = FSID, kind: str = "block") -> Dict[str, str]:
    return {"osd_uuid": uuid, "cluster": cluster, "kind": kind}


CASES = {
    "it said so itself": ([osd()], [said()], row(), [3]),
    "it said so and is down": ([osd(up=False)], [said()], row(), [3]),
    "by its label, on a host of another name": (
        [osd(up=False)],
        [said(hostname="elsewhere")],
        row(osds=[label()]),
        [3],
    ),
    "by its label, and it never said anything": ([osd(up=False)], [], row(osds=[label()]), [3]),
    "by the label of its db device": ([osd(up=False)], [], row(osds=[label("u3", "", "db")]), [3]),
    "by the device that it named for its db": (
        [osd()],
        [said(devices=("sdz",), names=(), db_devices=("sdb",))],
        row(),
        [3],
    ),
    "by one of the paths of a multipath disk": (
        [osd()],
        [said(devices=("dm-0", "sdq"), names=())],
        row(path="/dev/mapper/mpatha", sys_api={"device_nodes": ["sdq", "sdr"]}),
        [3],
    ),
    "several on one disk": (
        [osd(), osd(osd_id=4, uuid="u4", up=False)],
        [said()],
        row(osds=[label("u4")]),
        [3, 4],
    ),
    "a destroyed one has no disk": ([osd(destroyed=True, uuid="")], [said()], row(), []),
    "one that the map has not": ([], [said()], row(osds=[label()]), []),
    "another uuid with the id": ([osd(uuid="new", up=False)], [], row(osds=[label()]), []),
    "the label of another cluster": ([osd(up=False)], [], row(osds=[label("u3", OTHER)]), []),
    "another host": ([osd(up=False)], [said(hostname="h1")], row(), []),
    "another disk has its name now": ([osd(up=False)], [said()], row(device_id="ID9"), []),
    "its disk's first bytes are lost": ([osd(up=False)], [said()], row(available=True), [3]),
    "its disk has another name now": (
        [osd(up=False)],
        [said()],
        row(available=True, path="/dev/sdz", sys_api={"device_nodes": ["sdz"]}),
        [3],
    ),
    "a disk with its serial while it is up": (
        [osd()],
        [said()],
        row(path="/dev/sdz", sys_api={"device_nodes": ["sdz"]}),
        [],
    ),
    "a blank disk in its place": (
        [osd(up=False)],
        [said()],
        row(available=True, device_id="ID9"),
        [],
    ),
    "a blank disk without a serial": (
        [osd(up=False)],
        [said()],
        row(available=True, device_id=""),
        [],
    ),
    "its disk has another OSD now": ([osd(up=False)], [said()], row(osds=[label("u9")]), []),
    "a report of before it was made": ([osd()], [said()], row(available=True), [3]),
    "a report of an older version": ([osd(up=False)], [said()], row(osds=None), [3]),
    "a disk that cannot be read": ([osd(up=False)], [said()], row(osds=[]), [3]),
}


@pytest.mark.parametrize("up", [True, False])
def test_of_a_host_that_is_called_otherwise_now_the_serial_tells(up: bool) -> None:
    """The host was renamed, and the first bytes of the disk are lost."""
    disk = row(available=True, path="/dev/sdz", sys_api={"device_nodes": ["sdz"]})
    metadata = [said(hostname="before")]
    osds = OsdMap(1, {3: osd(up=up)})
    assert DiskOwners(osds, metadata, FSID, {"h3"}).of(disk, "h3") == [3]
    assert DiskOwners(osds, metadata, FSID, {"h3", "before"}).of(disk, "h3") == []
    assert DiskOwners(osds, metadata, FSID, {"h3"}).of({**disk, "device_id": ""}, "h3") == []
    other = {**disk, "osds": [label("u9")]}
    assert DiskOwners(osds, metadata, FSID, {"h3"}).of(other, "h3") == []


@pytest.mark.parametrize("name", CASES)
def test_whose_disk(name: str) -> None:
    osds, metadata, disk, expected = CASES[name]
    found: Dict[int, Osd] = {each.osd_id: each for each in osds}
    owners: List[int] = DiskOwners(OsdMap(1, found), metadata, FSID).of(disk, "h3")
    assert owners == expected


@pytest.mark.parametrize(
    ("osds", "says"),
    [
        ([label("x", OTHER)], f"an OSD of the cluster {OTHER}"),
        ([label("x")], "an OSD that is not in this cluster"),
        ([label("x", "")], "an OSD that is not in this cluster"),
        (None, "an OSD that is not in this cluster"),
    ],
)
def test_a_stranger_is_named(osds: Any, says: str) -> None:
    assert DiskOwners(OsdMap(), (), FSID).stranger(row(osds=osds)) == says


def test_what_a_purged_osd_left_on_a_db_device_is_nobodys_by_name() -> None:
    """The label of a DB has no id of an OSD: a host reports -1 for it."""
    reported = {
        "path": "/dev/sdb",
        "osds": [
            {"osd_id": -1, "osd_uuid": "gone", "cluster": "", "kind": "db"},
            {"osd_id": 7, "osd_uuid": "u7", "cluster": FSID, "kind": "block"},
            {"osd_id": 3, "osd_uuid": "u3", "cluster": FSID, "kind": "block"},
        ],
    }
    owners = DiskOwners(OsdMap(osds={3: osd()}), cluster=FSID)
    assert owners.left_behind(device_row(reported)) == ["an OSD", "osd.7"]
