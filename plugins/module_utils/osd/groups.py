"""What a host's part of a plan for OSDs consists of, checked before any disk is looked at."""

from __future__ import annotations

import re
from typing import Any, List, Mapping, Sequence

from ..system.reading import clean

_CLASS = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
_SIZE = re.compile(r"\d{1,20}(\.\d{1,6})? ?([KMGTP]i?)?B?", re.IGNORECASE)
_SPEC = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]{0,256}")
_LARGEST_ID = 1 << 31

# The options of the modules: a device that is planned, and a group of them.
DEVICE = {
    "path": {"type": "str", "required": True},
    "size": {"type": "int", "default": 0},
    "device_id": {"type": "str", "default": ""},
    "link": {"type": "str", "default": ""},
}
DEVICES = {
    "type": "list",
    "elements": "dict",
    "options": DEVICE,
}
GROUP = {
    "method": {"type": "str", "choices": ["", "raw", "lvm"], "default": ""},
    "data": {**DEVICES, "required": True},
    "db": {**DEVICES, "default": []},
    "wal": {**DEVICES, "default": []},
    "osd_ids": {"type": "list", "elements": "int", "default": []},
    "osdspec": {"type": "str", "default": ""},
    "crush_device_class": {"type": "str", "default": ""},
    "encrypted": {"type": "bool", "default": False},
    "tpm2": {"type": "bool", "default": False},
    "osds_per_device": {"type": "int", "default": 1},
    "block_db_size": {"type": "str", "default": ""},
    "block_wal_size": {"type": "str", "default": ""},
    "db_slots": {"type": "int", "default": 0},
    "wal_slots": {"type": "int", "default": 0},
    "data_allocate_fraction": {"type": "float", "default": 0.0},
    "moved": {"type": "bool", "default": False},
}


def method_of(group: Mapping[str, Any], device_mapper: bool) -> str:
    """Return how the OSDs of a group are made on a host with or without device mapper."""
    return group["method"] or ("lvm" if device_mapper else "raw")


def problems_of(groups: Sequence[Mapping[str, Any]], device_mapper: bool) -> List[str]:
    """Return a sentence for everything in the groups that cannot be."""
    problems = []
    for group in groups:
        problems += _bad_values(group)
        method = method_of(group, device_mapper)
        problems += _bad_raw(group) if method == "raw" else _bad_lvm(group, device_mapper)
    return problems + _named_twice(groups)


def _bad_values(group: Mapping[str, Any]) -> List[str]:
    checks = [
        (not group["data"], "data", "it is empty", "Name the data devices"),
        (
            len(group["osd_ids"]) > len(group["data"]) * max(group["osds_per_device"], 1),
            "osd_ids",
            "there are more ids than OSDs",
            "Name at most one id for each OSD",
        ),
        (
            not all(0 <= osd_id < _LARGEST_ID for osd_id in group["osd_ids"])
            or len(set(group["osd_ids"])) != len(group["osd_ids"]),
            "osd_ids",
            "an id is negative, too large or named twice",
            "Give ids of destroyed OSDs",
        ),
        (
            group["crush_device_class"] and not _CLASS.fullmatch(group["crush_device_class"]),
            "crush_device_class",
            "it is not the name of a class",
            "Use letters, digits, _ . and -",
        ),
        (not _SPEC.fullmatch(group["osdspec"]), "osdspec", "it is not one line", "Give a name"),
        (group["osds_per_device"] < 1, "osds_per_device", "it is below 1", "Give 1 or more"),
        (group["db_slots"] < 0, "db_slots", "it is below 0", "Give 1 or more, or 0 for any"),
        (group["wal_slots"] < 0, "wal_slots", "it is below 0", "Give 1 or more, or 0 for any"),
        (
            not 0.0 <= group["data_allocate_fraction"] <= 1.0,
            "data_allocate_fraction",
            "it is not between 0 and 1",
            "Give a fraction, or 0 for all",
        ),
    ]
    for name in ("block_db_size", "block_wal_size"):
        wrong = group[name] and not _SIZE.fullmatch(group[name])
        checks.append((wrong, name, "it is not a size", "Give bytes or a size such as 60G"))
    return [
        f"Invalid {name} {clean(group[name])!r}: {cause}. {remedy}."
        for wrong, name, cause, remedy in checks
        if wrong
    ]


def _bad_raw(group: Mapping[str, Any]) -> List[str]:
    problems = []
    names = ", ".join(clean(device["path"]) for device in group["data"])
    for kind in ("db", "wal"):
        if group[kind] and len(group[kind]) != len(group["data"]):
            problems.append(
                f"Invalid {kind} for {names}: {len(group['data'])} data and {len(group[kind])} "
                f"{kind} devices. Without LVM each OSD needs a whole one: name as many."
            )
    only_lvm = {
        "osds_per_device": group["osds_per_device"] > 1,
        "encrypted": group["encrypted"],
        "tpm2": group["tpm2"],
        "block_db_size": bool(group["block_db_size"]),
        "block_wal_size": bool(group["block_wal_size"]),
        "db_slots": bool(group["db_slots"]),
        "wal_slots": bool(group["wal_slots"]),
        "data_allocate_fraction": group["data_allocate_fraction"] not in (0.0, 1.0),
    }
    problems += [
        f"Invalid {name} {clean(group[name])!r} for {names}: OSDs without LVM take whole disks as "
        "they are. Use the method lvm, or leave it out."
        for name, wrong in only_lvm.items()
        if wrong
    ]
    return problems


def _bad_lvm(group: Mapping[str, Any], device_mapper: bool) -> List[str]:
    if device_mapper:
        return []
    names = ", ".join(clean(device["path"]) for device in group["data"])
    return [
        f"Invalid method 'lvm' for {names}: the kernel of this host has no device mapper. Use the "
        "method raw, or load the kernel's module dm_mod."
    ]


def _named_twice(groups: Sequence[Mapping[str, Any]]) -> List[str]:
    seen = set()
    twice = []
    for group in groups:
        for device in [*group["data"], *group["db"], *group["wal"]]:
            path = device["path"]
            if path in seen and path not in twice:
                twice.append(path)
            seen.add(path)
    return [f"{clean(path)}: the plan names it twice. Name each device once." for path in twice]
