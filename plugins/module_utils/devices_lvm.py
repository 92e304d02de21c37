"""Ask LVM which volume groups and logical volumes stand on a host's disks."""

from __future__ import annotations

import json

from .command import find_program, run
from .reading import clean, to_int

_FIELDS = "pv_name,vg_name,vg_free_count,lv_name,lv_tags"
_TIMEOUT = 20.0


def read_volumes(timeout=_TIMEOUT):
    """Return what LVM says, by the path of the physical volume; nothing without LVM's tools."""
    program = find_program("pvs")
    if not program:
        return {}
    options = ["--readonly", "--reportformat", "json", "--units", "b", "--nosuffix"]
    answer = run([program, *options, "-o", _FIELDS], timeout)
    return {} if answer.problem else parse_volumes(answer.out)


def parse_volumes(text):
    """Read LVM's JSON report: one row for each piece of a physical volume."""
    try:
        rows = [row for report in json.loads(text)["report"] for row in report["pv"]]
        cells = [{key: clean(row[key], 4096) for key in _FIELDS.split(",")} for row in rows]
    except (ValueError, KeyError, TypeError):
        return {}
    volumes = {}
    for cell in cells:
        if not cell["vg_name"]:
            continue
        entry = volumes.setdefault(cell["pv_name"], {"groups": {}, "volumes": {}})
        entry["groups"][cell["vg_name"]] = to_int(cell["vg_free_count"])
        if cell["lv_name"]:
            name = cell["lv_name"].strip("[]")
            entry["volumes"][(cell["vg_name"], name)] = describe(name, cell["lv_tags"])
    return volumes


def describe(name, tag_text):
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
