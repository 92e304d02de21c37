"""Ask LVM which volume groups and logical volumes stand on a host's disks."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Mapping

from ..system.command import find_program, last_line, run
from ..system.reading import clean, to_int

_FIELDS = "pv_name,vg_name,vg_free_count,lv_name,lv_tags"
_TIMEOUT = 20.0


class LvmUnreadable(OSError):
    """Say why nobody knows which volumes are on the disks."""

    def __init__(
        self, cause: object, remedy: str = "Run `pvs` on the host and mend what it says"
    ) -> None:
        super().__init__(f"LVM does not say what is on this host's disks: {cause}. {remedy}.")


def read_volumes(timeout: float = _TIMEOUT) -> Dict[str, Dict[str, Any]]:
    """Return what LVM says, by the path of the physical volume; raise ``LvmUnreadable``."""
    program = find_program("pvs")
    if not program:
        raise LvmUnreadable("pvs is not installed", "Install lvm2 on the host")
    options = ["--readonly", "--reportformat", "json", "--units", "b", "--nosuffix"]
    answer = run([program, *options, "-o", _FIELDS], timeout)
    if answer.problem:
        said = clean(last_line(answer.err)).rstrip(".")
        raise LvmUnreadable(": ".join(filter(None, [answer.problem, said])))
    try:
        return parse_volumes(answer.out)
    except ValueError as error:
        raise LvmUnreadable(error) from error


def unused(volumes: Mapping[str, Mapping[str, Any]]) -> List[str]:
    """Return the physical volumes whose volume groups have no logical volume on any disk."""
    owned = {group for entry in volumes.values() for group, _ in entry["volumes"]}
    return [
        path
        for path, entry in volumes.items()
        if entry["groups"] and not owned.intersection(entry["groups"])
    ]


def parse_volumes(text: str) -> Dict[str, Dict[str, Any]]:
    """Read LVM's JSON report: one row for each piece of a physical volume.

    One that is in no volume group has neither groups nor volumes. Raises ValueError for anything
    else than a report.
    """
    try:
        rows = [row for report in json.loads(text)["report"] for row in report["pv"]]
        cells = [{key: clean(row[key], 4096) for key in _FIELDS.split(",")} for row in rows]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError("LVM's report cannot be read") from error
    volumes: Dict[str, Dict[str, Any]] = {}
    for cell in cells:
        entry = volumes.setdefault(cell["pv_name"], {"groups": {}, "volumes": {}})
        if not cell["vg_name"]:
            continue
        entry["groups"][cell["vg_name"]] = to_int(cell["vg_free_count"])
        if cell["lv_name"]:
            name = cell["lv_name"].strip("[]")
            entry["volumes"][(cell["vg_name"], name)] = describe(name, cell["lv_tags"])
    return volumes


def describe(name: str, tag_text: str) -> Dict[str, str]:
    """Return a logical volume as ``ceph-volume inventory`` reports it."""
    tags = {}
    for tag in tag_text.split(","):
        key, _, value = tag.partition("=")
        if key.startswith("ceph."):
            tags[key[len("ceph.") :]] = value
    if "osd_id" not in tags:
        return {"name": name, "comment": "not used by ceph"}
    kind = tags.get("type", "")
    return {
        "name": name,
        "osd_id": tags["osd_id"],
        "cluster_name": tags.get("cluster_name", "ceph"),
        "type": kind,
        "osd_fsid": tags.get("osd_fsid", ""),
        "cluster_fsid": tags.get("cluster_fsid", ""),
        "osdspec_affinity": tags.get("osdspec_affinity", ""),
        kind + "_uuid": tags.get(kind + "_uuid", ""),
    }
