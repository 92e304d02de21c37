"""What a plan for OSDs says: in words, and as the rows of a preview. Pure functions."""

from __future__ import annotations

from typing import Any, Dict, List, Sequence

from adapter.cluster.osd_map import listed
from adapter.cluster.osd_plan import Disk, Group, HostPlan


def describe_plans(plans: Sequence[HostPlan]) -> List[str]:
    """Return a line for each disk that becomes an OSD, and one for each note, by host."""
    return [line for plan in plans for line in (*describe_made([plan]), *describe_notes([plan]))]


def describe_made(plans: Sequence[HostPlan]) -> List[str]:
    """Return a line for each disk that becomes an OSD."""
    return [
        f"{plan.host}: {_disk(group, index)}"
        for plan in plans
        for group in plan.groups
        for index in range(len(group.data))
    ]


def describe_notes(plans: Sequence[HostPlan]) -> List[str]:
    """Return a line for each thing that plans leave alone."""
    return [f"{plan.host}: {note}" for plan in plans for note in plan.notes]


def _disk(group: Group, index: int) -> str:
    ids = group.ids_of(index)
    count = f", {group.per_disk} OSDs" if group.per_disk > 1 else ""
    again = f", takes {listed(ids)} again" if ids else ""
    beside = "".join(
        f", {kind} on {', '.join(disk.path for disk in _own(group, disks, index))}"
        for kind, disks in (("db", group.db), ("wal", group.wal))
        if disks
    )
    return f"{group.data[index].describe()}{count}{beside}{again}"


def _own(group: Group, disks: Sequence[Disk], index: int) -> Sequence[Disk]:
    """Return the db or wal disks of a data disk: its own where each has one."""
    return [disks[index]] if len(disks) == len(group.data) else disks


def preview_row(osdspec: str, plan: HostPlan) -> Dict[str, Any]:
    """Return what Ceph's preview shows of a host: a row for each OSD, as ceph-volume reports it."""
    rows = [
        row
        for group in plan.groups
        for index in range(len(group.data))
        for row in _rows(group, index)
    ]
    return {"data": rows, "osdspec": osdspec, "host": plan.host, "notes": describe_plans([plan])}


def _rows(group: Group, index: int) -> List[Dict[str, str]]:
    disk, ids = group.data[index], group.ids_of(index)
    row = {
        "data": disk.path,
        "data_size": str(disk.size // group.per_disk),
        "device_id": disk.device_id,
        "method": str(group.options.get("method") or ""),
        "encryption": "dmcrypt" if group.options.get("encrypted") else "None",
    }
    for kind, disks in (("block_db", group.db), ("block_wal", group.wal)):
        if disks:
            row[kind] = ",".join(each.path for each in _own(group, disks, index))
    given = [{"osd_id": str(osd_id)} for osd_id in ids]
    given += [{}] * (group.per_disk - len(ids))
    return [{**row, **each} for each in given]
