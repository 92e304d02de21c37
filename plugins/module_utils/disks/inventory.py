"""Read a host's disks as ``ceph-volume inventory`` reports them, without ceph-volume.

The keys and the reasons for rejection are those of Ceph 20; what decides them is read from sysfs,
from udev's database and from the first and last bytes of the disks. One reason of Ceph 18 is kept,
because a disk in use must never look free on a host without Ceph: ``locked`` (mounted, swapped to,
or built upon by RAID, encryption or another mapping). Two are our own: blkid gave no clear answer,
and there is data of which nobody knows what it is.
"""

from __future__ import annotations

import contextlib
import os
import re
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Sequence, Set, Tuple

from ..system.reading import Roots, clean, list_dir, read_lines
from .blkid import opinions
from .block import Block
from .bluestore_label import read_label
from .signatures import inspect
from .udev import device_id

SMALLEST = 5 << 30
UNKNOWN_DATA = "Has data of an unknown format (`ceph orch device zap` erases it)"
# The types that the retired ceph-disk gave to its partitions all carry one of these endings.
_CEPH_DISK_TYPES = re.compile(
    r"[0-9a-f]{8}-9b03-4f30-b4c6-(35865ceff106|5ec00ceff106|b4b80ceff106)"
    r"|[0-9a-f]{8}-9d25-41b8-afd0-(35865ceff05d|5ec00ceff05d|062c0ceff05d)"
    r"|45b0969e-8ae0-4982-bf9d-5a8d867af560|4fbd7e29-8ae0-4982-bf9d-5a8d867af560"
    r"|cafecafe-8ae0-4982-bf9d-5a8d867af560|fb3aabf9-d25f-47cc-bf5e-721d1816496b"
    r"|30cd0809-c2b2-499c-8879-2d6b78529876|5ce17fce-4087-4169-b7ff-056cc58473f9"
)


def inspections(blocks: Iterable[Block]) -> Dict[str, Callable[[], Dict[str, Any]]]:
    """Return the jobs that look at the contents of these disks, by path.

    Where BlueStore's label is, ``label`` says whose it is.
    """

    def job(block: Block) -> Callable[[], Dict[str, Any]]:
        def look() -> Dict[str, Any]:
            content = inspect(block.node, block.size, block.sector_size)
            if content.get("bluestore"):
                with contextlib.suppress(OSError):
                    content["label"] = read_label(block.node)
            return content

        return look

    return {block.path: job(block) for block in blocks}


def osds_on(
    block: Block,
    contents: Mapping[str, Mapping[str, Any]],
    volumes: Iterable[Mapping[str, Any]],
) -> List[Dict[str, Any]]:
    """Return the OSDs that a disk says it belongs to: by its labels, its partitions', its volumes.

    Each has ``osd_id`` (-1 where nothing says it), ``osd_uuid``, ``cluster`` and ``kind``.
    ``volumes`` are the logical volumes on it, as reported.
    """
    found: List[Dict[str, Any]] = []
    for piece in block.pieces:
        content = contents.get(piece.path) or {}
        label = content.get("label")
        if label and is_labelled(content, label):
            found.append({key: label[key] for key in ("osd_id", "osd_uuid", "cluster", "kind")})
    for volume in volumes:
        if str(volume.get("osd_id", "")).isdigit():
            found.append(
                {
                    "osd_id": int(volume["osd_id"]),
                    "osd_uuid": str(volume.get("osd_fsid", "")),
                    "cluster": str(volume.get("cluster_fsid", "")),
                    "kind": str(volume.get("type", "")),
                }
            )
    return found


def is_labelled(content: Mapping[str, Any], label: Optional[Mapping[str, Any]]) -> bool:
    """Tell whether a disk is the OSD's whose label is on it: nothing else is there.

    A copy of the label that lies further behind outlives whatever was written to the disk since.
    """
    if not label:
        return False
    kind = "" if label["place"] else "ceph_bluestore"
    return content.get("type") == kind and not content.get("table")


def second_opinions(
    blocks: Iterable[Block], contents: Mapping[str, Dict[str, Any]]
) -> Dict[str, Dict[str, Any]]:
    """Let blkid look at the disks that seem empty; return the changed contents.

    One about which it gives no clear answer gets an ``error`` beside what was read, one with
    data of no known format ``unknown``.
    """
    seemingly_empty = [
        block
        for block in blocks
        if not contents.get(block.path, {"error": ""}).keys() & {"error"}
        and not contents[block.path]["type"]
        and not contents[block.path]["table"]
    ]
    changed = dict(contents)
    for path, opinion in opinions(seemingly_empty).items():
        content = dict(contents[path], **opinion)
        # A mark of ours and a copy of BlueStore's label have reasons of their own.
        named = content["replaced"] or content["bluestore"]
        changed[path] = dict(content, unknown=bool(content.get("unknown")) and not named)
    return changed


def busy_numbers(roots: Roots) -> Tuple[Set[str], Set[str]]:
    """Return the numbers of the block devices that are mounted, and of those swapped to."""
    mounted = set()
    for line in read_lines(os.path.join(roots.proc, "self/mountinfo")):
        fields = line.split(" ")
        if len(fields) > 2:
            mounted.add(fields[2])
    swaps = {line.split(" ")[0].split("\t")[0] for line in read_lines(f"{roots.proc}/swaps")[1:]}
    return mounted, swaps


def describe_devices(
    roots: Roots,
    blocks: Iterable[Block],
    contents: Mapping[str, Mapping[str, Any]],
    volumes: Mapping[str, Mapping[str, Any]],
) -> List[Dict[str, Any]]:
    """Return the report's rows: the free disks first, each group in order of path."""
    busy = busy_numbers(roots)
    rows = [_row(block, contents.get(block.path), volumes, busy) for block in blocks]
    return sorted(rows, key=lambda row: (not row["available"], row["path"]))


def _row(
    block: Block,
    content: Optional[Mapping[str, Any]],
    volumes: Mapping[str, Mapping[str, Any]],
    busy: Tuple[Set[str], Set[str]],
) -> Dict[str, Any]:
    on_disk = [volumes[piece.path] for piece in block.pieces if piece.path in volumes]
    groups = [free for entry in on_disk for free in entry["groups"].values()]
    logical = [volume for entry in on_disk for volume in entry["volumes"].values()]
    reasons = _reasons(block, content or {"error": "no answer"}, groups, busy)
    return {
        "path": block.path,
        "available": not reasons,
        "rejected_reasons": sorted(reasons),
        "sys_api": _sys_api(block),
        "device_id": device_id(block.udev, block.sys_dir),
        "lsm_data": {},
        "lvs": logical,
        "ceph_device_lvm": any("osd_id" in volume for volume in logical),
        "being_replaced": bool(content and content.get("replaced")),
    }


def _reasons(
    block: Block,
    content: Mapping[str, Any],
    groups: Sequence[int],
    busy: Tuple[Set[str], Set[str]],
) -> List[str]:
    checks = {
        "id_bus": block.udev.get("ID_BUS") == "usb",
        "read-only": block.attribute("ro") == "1",
        "Insufficient space (<5GB)": block.size < SMALLEST,
        "Used by ceph-disk": any(_made_by_ceph_disk(part) for part in block.parts),
        "Has partitions": bool(block.parts),
        "Insufficient space (<10 extents) on vgs": bool(groups) and max(groups) <= 10,
        "LVM detected": bool(groups),
        "locked": _is_mounted(block, busy) or _is_held(block, groups),
    }
    if "error" in content and was_read(content):
        checks["Has BlueStore device label"] = content["bluestore"]
        checks["Is being replaced"] = content["replaced"]
        said = ". ".join(filter(None, [content["error"], content.get("remedy")]))
        checks[f"Failed to determine what is on the device ({clean(said, 200)})"] = True
    elif "error" in content:
        checks["Failed to determine if device is BlueStore"] = True
        checks["Has GPT headers"] = block.udev.get("ID_PART_TABLE_TYPE") == "gpt"
        checks["Has a FileSystem"] = bool(block.udev.get("ID_FS_TYPE"))
    else:
        checks["Has BlueStore device label"] = content["bluestore"]
        checks["Has GPT headers"] = content["table"] == "gpt"
        checks["Has a FileSystem"] = bool(content["type"])
        checks["Is being replaced"] = content["replaced"]
        checks[UNKNOWN_DATA] = bool(content.get("unknown"))
    return [reason for reason, applies in checks.items() if applies]


def was_read(content: Mapping[str, Any]) -> bool:
    """Tell whether a disk could be read, even if what is on it was not recognised for sure."""
    return "bluestore" in content


def _made_by_ceph_disk(part: Block) -> bool:
    kind = part.udev.get("ID_PART_ENTRY_TYPE", "").lower()
    label = part.udev.get("ID_PART_ENTRY_NAME", "")
    return "ceph" in label or bool(_CEPH_DISK_TYPES.fullmatch(kind))


def _is_mounted(block: Block, busy: Tuple[Set[str], Set[str]]) -> bool:
    mounted, swaps = busy
    return any(piece.number in mounted or piece.path in swaps for piece in block.pieces)


def _is_held(block: Block, groups: Sequence[int]) -> bool:
    """Tell whether RAID, encryption or a mapping stands on the disk; LVM has its own reason."""
    return not groups and any(piece.holders for piece in block.pieces)


def _sys_api(block: Block) -> Dict[str, Any]:
    """Return the kernel's description of a disk, with ceph-volume's keys and types."""
    size = float(block.size)
    scheduler = re.search(r"\[([^\]]*)\]", block.attribute("queue/scheduler"))
    actuators = os.path.join(block.sys_dir, "queue/independent_access_ranges")
    slaves = list_dir(os.path.join(block.sys_dir, "slaves"))
    name = os.path.basename(block.sys_dir)
    return {
        "removable": block.attribute("removable"),
        "ro": block.attribute("ro"),
        "vendor": block.attribute("device/vendor"),
        "model": block.attribute("device/model"),
        "rev": block.attribute("device/rev"),
        "sas_address": block.attribute("device/sas_address"),
        "sas_device_handle": block.attribute("device/sas_device_handle"),
        "support_discard": block.attribute("queue/discard_granularity"),
        "rotational": block.attribute("queue/rotational"),
        "nr_requests": block.attribute("queue/nr_requests"),
        "partitions": {part.name: _partition(part) for part in block.parts},
        "device_nodes": slaves or [name],
        "actuators": len(list_dir(actuators)) if os.path.isdir(actuators) else None,
        "scheduler_mode": scheduler.group(1) if scheduler else "",
        "sectors": 0,
        "sectorsize": str(block.sector_size),
        "size": size,
        "human_readable_size": human_size(size),
        "path": block.path,
        "devname": name,
        "type": block.kind,
        "parent": "/dev/" + name,
        "id_bus": block.udev.get("ID_BUS", ""),
    }


def _partition(part: Block) -> Dict[str, Any]:
    size = float(part.size)
    return {
        "start": part.attribute("start", "0"),
        "sectors": part.attribute("size", "0"),
        "sectorsize": 512,
        "size": size,
        "human_readable_size": human_size(size),
        "holders": part.holders,
    }


def human_size(size: float) -> str:
    """Return a size as ceph-volume writes it: steps of 1024 with the letters of 1000."""
    units = ["B", "KB", "MB", "GB", "TB", "PB"]
    step = 0
    while size >= 1024 and step < len(units) - 1:
        size /= 1024
        step += 1
    return f"{size:.2f} {units[step]}"
