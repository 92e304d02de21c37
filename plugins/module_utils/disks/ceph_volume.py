"""Take a host's disks from ``ceph-volume inventory``, started only when it would say new things.

ceph-volume costs half a second of processor time and more with every call, most of it for starting
other programs. Its answer is kept (``json_cache.JsonCache``) with a fingerprint of everything that
decides it: the kernel's attributes of every disk and partition, what udev knows of them, the
signatures on them and the state of LVM's metadata as read here, what is mounted and what is built
on what, and the installed ceph-volume itself. As long as the fingerprint holds and the answer is
young, the answer is given again.
"""

from __future__ import annotations

import glob
import json
import os
import stat
from typing import Any, Dict, Iterable, List, Mapping, Optional, Tuple

from ..system.command import Command, find_program, last_line
from ..system.reading import Roots, clean_data, hash_of, list_dir, read_text
from .block import DEVICE_PATH, LOOP_VARIABLE, Block
from .inventory import busy_numbers

_VERSION = 2
# The kernel's attributes that appear in the inventory or decide a reason for rejection.
_ATTRIBUTES = [
    "size",
    "ro",
    "removable",
    "hidden",
    "partition",
    "start",
    "device/vendor",
    "device/model",
    "device/rev",
    "device/type",
    "device/sas_address",
    "device/sas_device_handle",
    "queue/rotational",
    "queue/nr_requests",
    "queue/discard_granularity",
    "queue/logical_block_size",
    "queue/hw_sector_size",
    "queue/scheduler",
    "dm/name",
    "dm/uuid",
    "loop/backing_file",
]


def program() -> str:
    """Return the path of ceph-volume, or an empty text when the host has none."""
    return find_program("ceph-volume")


def fingerprint(
    roots: Roots, blocks: Iterable[Block], contents: Mapping[str, Any], setting: str
) -> str:
    """Return a text that changes whenever ceph-volume's answer could.

    What cannot be read counts too: a disk that begins to answer changes the fingerprint.
    """
    mounted, swaps = busy_numbers(roots)
    facts: List[Any] = [_VERSION, setting, _installed(), list_dir(os.path.join(roots.sys, "block"))]
    for block in blocks:
        for piece in block.pieces:
            facts.append(
                [
                    piece.path,
                    piece.number,
                    [piece.attribute(name) for name in _ATTRIBUTES],
                    list_dir(os.path.join(piece.sys_dir, "slaves")),
                    [_holder(piece, name) for name in piece.holders],
                    sorted(piece.udev.items()),
                    contents.get(piece.path),
                    piece.number in mounted or piece.path in swaps,
                ]
            )
    return hash_of(json.dumps(facts, sort_keys=True).encode("ascii"))


def _holder(piece: Block, name: str) -> List[str]:
    mapping = os.path.join(piece.sys_dir, "holders", name, "dm")
    return [
        name,
        read_text(os.path.join(mapping, "uuid")),
        read_text(os.path.join(mapping, "name")),
    ]


def _installed() -> List[List[Any]]:
    """Identify the installed ceph-volume by its files: a new package gives new ones."""
    places = [program(), *glob.glob("/usr/lib/python3*/*-packages/ceph_volume/__init__.py")]
    states: List[List[Any]] = []
    for place in places:
        try:
            state = os.stat(place)
            states.append([place, state.st_mtime_ns, state.st_size, state.st_ino])
        except OSError:
            states.append([place])
    return states


def start(setting: str) -> Command:
    """Start ceph-volume; the caller does other things until it asks for the answer."""
    environment = {LOOP_VARIABLE: setting} if setting else {}
    return Command([program(), "inventory", "--format", "json"], environment)


def finish(command: Command, timeout: float) -> Tuple[Optional[List[Dict[str, Any]]], str]:
    """Return ceph-volume's devices and an empty text, or nothing and what went wrong."""
    answer = command.result(timeout)
    if answer.problem:
        said = last_line(answer.err)
        return None, f"{answer.problem}: {said}" if said else answer.problem
    try:
        return parse_inventory(answer.out), ""
    except ValueError as error:
        return None, f"ceph-volume inventory gave no usable JSON: {error}"


def parse_inventory(text: str) -> List[Dict[str, Any]]:
    """Read the JSON of any release into the keys of Ceph 20; raise ValueError for anything else."""
    start_of_json = text.find("[")
    rows = json.loads(text[start_of_json:]) if start_of_json >= 0 else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError("it is not a list of devices")
    return [_row(clean_data(row)) for row in rows]


def _row(row: Dict[str, Any]) -> Dict[str, Any]:
    if not isinstance(row.get("path"), str) or not isinstance(row.get("available"), bool):
        raise ValueError("a device lacks its path or its availability")  # noqa: TRY004 - bad JSON
    member = bool(row.pop("ceph_device", False))
    row.setdefault("ceph_device_lvm", member)
    row.setdefault("being_replaced", False)
    for key, kind in (("sys_api", dict), ("lsm_data", dict), ("lvs", list), ("device_id", str)):
        if not isinstance(row.get(key), kind):
            row[key] = kind()
    row["rejected_reasons"] = sorted(map(str, row.get("rejected_reasons") or []))
    return row


def only_own(rows: Iterable[Dict[str, Any]], blocks: Iterable[Block]) -> List[Dict[str, Any]]:
    """Leave out the devices that have no node in this host's /dev."""
    own = {block.path for block in blocks}
    return [
        row
        for row in rows
        if row["path"] in own or (DEVICE_PATH.fullmatch(row["path"]) and _is_node(row["path"]))
    ]


def _is_node(path: str) -> bool:
    """Tell whether a path is a block device, and not what somebody put in its place."""
    try:
        return stat.S_ISBLK(os.stat(path).st_mode)
    except OSError:
        return False
