"""Find the disks that a plan names, and say why one of them must not be written to.

A plan is made from a report, and between the two the disks may have changed: another disk may have
got the name, somebody may have put a file system on it. So everything is looked at again.
"""

from __future__ import annotations

import os
import stat
from types import MappingProxyType
from typing import Any, Callable, Dict, Iterable, Mapping, Optional, Sequence

from ..system.reading import Roots, clean, link_name, read_text
from ..system.subprocess_worker import run_apart
from .block import DEVICE_PATH, Block
from .bluestore_label import read_label
from .inventory import busy_numbers, second_opinions, was_read
from .names import claimants, is_link
from .signatures import inspect
from .udev import device_id

TIMEOUT = 5.0
_BY_PATH = "Name the disk by a path that it alone has"
_PLAN_ANEW = "Read the host's devices again and plan anew"
_ANOTHER = "Plan another disk"
_ZAP = "If nothing on it is needed, zap it first"


class Refused(Exception):
    """Say why a disk of the plan is not touched."""


class Disk:
    """A disk of the plan: ``path`` as planned, ``block`` what it is, ``content`` what is on it.

    ``label`` is BlueStore's label or None; ``held`` says why nobody else may open it now.
    ``planned`` is what the plan says of it, if it is from one.
    """

    def __init__(
        self, path: str, block: Block, planned: Mapping[str, Any] = MappingProxyType({})
    ) -> None:
        self.path = path
        self.block = block
        self.planned = planned
        self.content: Dict[str, Any] = {"error": "it does not answer"}
        self.label: Optional[Dict[str, Any]] = None
        self.held = ""

    @property
    def is_read(self) -> bool:
        """Tell whether the disk could be read, even if not all on it was recognised."""
        return was_read(self.content)

    @property
    def has_lvm(self) -> bool:
        """Tell whether LVM's description of a volume group is on the disk."""
        return self.content.get("type") == "LVM2_member"


def find_disk(roots: Roots, blocks: Sequence[Block], device: Mapping[str, Any]) -> Disk:
    """Return the disk that a planned device means; raise ``Refused``.

    ``link`` is another name by which it was meant; it must still lead there.
    """
    path, link = device["path"], device.get("link") or ""
    block = _find(roots, blocks, path)
    if link and _find(roots, blocks, link) is not block:
        raise Refused(f"{link}: it does not lead to {path} any more. {_PLAN_ANEW}.")
    _check_identity(path, block, device)
    return Disk(path, block, device)


def find_again(roots: Roots, blocks: Sequence[Block], disk: Disk) -> None:
    """Look once more which disk a plan means; raise ``Refused`` where it is another one by now."""
    block = find_disk(roots, blocks, disk.planned).block
    if (block.path, block.number) != (disk.block.path, disk.block.number):
        raise Refused(f"{disk.path}: another disk has this name now. {_PLAN_ANEW}.")
    disk.block = block


def _find(roots: Roots, blocks: Sequence[Block], path: str) -> Block:
    if not DEVICE_PATH.fullmatch(path) or {"..", "."} & set(path.split("/")):
        raise Refused(
            f"Invalid path {clean(path)!r}: it is not a device file. Give a path below /dev, made "
            "of letters, digits and / _ . : + @ = -."
        )
    node = os.path.join(roots.dev, path[len("/dev/") :])
    try:
        state = os.stat(node)
    except (OSError, ValueError):
        reason = "there is no such device"
        if is_link(roots, path):
            reason = "the name leads to no device now"
        raise Refused(f"{path}: {reason}. {_PLAN_ANEW}.") from None
    block = _block_of(roots, blocks, node, state)
    if block is None:
        raise Refused(
            f"{path}: it is not a whole disk of this host that an OSD can use."
            f"{_whose_piece(roots, blocks, node, state)} Give a disk that the host's report lists."
        )
    shared = claimants(roots, blocks, path) if is_link(roots, path) else []
    if len(shared) > 1:
        raise Refused(f"{path}: {' and '.join(shared)} both have this name. {_BY_PATH}.")
    return block


def _whose_piece(roots: Roots, blocks: Iterable[Block], node: str, state: os.stat_result) -> str:
    """Return whose partition a device is, in words, or an empty text."""
    for block in blocks:
        part = _block_of(roots, block.parts, node, state)
        if part is not None:
            return f" It is the partition {part.path} of {block.path}."
    return ""


def _block_of(
    roots: Roots, blocks: Iterable[Block], node: str, state: os.stat_result
) -> Optional[Block]:
    if not roots.real:
        real = os.path.realpath(node)
        return next((each for each in blocks if os.path.realpath(each.node) == real), None)
    if not stat.S_ISBLK(state.st_mode):
        return None
    number = f"{os.major(state.st_rdev)}:{os.minor(state.st_rdev)}"
    return next((each for each in blocks if each.number == number), None)


def _check_identity(path: str, block: Block, device: Mapping[str, Any]) -> None:
    size = int(device.get("size") or 0)
    if size and size != block.size:
        raise Refused(
            f"{path}: it has {block.size} bytes, the planned disk has {size}: another disk has "
            f"this name now. {_PLAN_ANEW}."
        )
    planned = str(device.get("device_id") or "")
    found = device_id(block.udev, block.sys_dir)
    if planned and planned != found:
        raise Refused(
            f"{path}: it is the disk {found or 'without a name'!r}, planned is {clean(planned)!r}: "
            f"another disk has this name now. {_PLAN_ANEW}."
        )


def look_at(disks: Sequence[Disk]) -> None:
    """Read what is on the disks. One that hangs keeps its error."""
    answers = run_apart({disk.block.path: _look(disk.block) for disk in disks}, TIMEOUT)
    contents = {path: answer["content"] for path, answer in answers.items()}
    contents = second_opinions([disk.block for disk in disks], contents)
    for disk in disks:
        answer = answers.get(disk.block.path)
        if answer is not None:
            disk.content = contents[disk.block.path]
            disk.label = answer["label"]
            disk.held = answer["held"]


def _look(block: Block) -> Callable[[], Dict[str, Any]]:
    def look() -> Dict[str, Any]:
        content = inspect(block.node, block.size, block.sector_size)
        label = read_label(block.node) if content.get("bluestore") else None
        return {"content": content, "label": label, "held": _held(block.node)}

    return look


def _held(node: str) -> str:
    """Return why nobody else can have the disk for himself, or an empty text."""
    try:
        os.close(os.open(node, os.O_RDONLY | os.O_EXCL | os.O_CLOEXEC | os.O_NONBLOCK))
    except OSError as error:
        return error.strerror or str(error.errno)
    return ""


def reason_in_use(roots: Roots, disk: Disk) -> str:
    """Return why a disk cannot be written to or is in use, or an empty text."""
    block = disk.block
    mounted, swaps = busy_numbers(roots)
    if block.attribute("ro") == "1":
        return "it is read-only. Make it writable or plan another disk"
    for piece in block.pieces:
        if piece.number in mounted:
            return f"{_piece(piece, block)} is mounted. Unmount it or plan another disk"
        if piece.path in swaps:
            return f"{_piece(piece, block)} is used as swap. Run `swapoff` or plan another disk"
    return ""


def reason_held(disk: Disk, remedy: str = _ANOTHER) -> str:
    """Return why a disk is somebody's, or an empty text."""
    holders = sorted({name for piece in disk.block.pieces for name in piece.holders})
    if holders:
        names = ", ".join(_holder_name(disk.block, name) for name in holders)
        return f"it is used by {names}. {remedy}"
    if disk.is_read and disk.held:
        return f"another program uses it ({disk.held}). {remedy}"
    return ""


def reason_not_empty(disk: Disk) -> str:
    """Return what is on a disk besides BlueStore, or an empty text."""
    content = disk.content
    if "error" in content:
        remedy = content.get("remedy", _ANOTHER)
        return f"its contents cannot be read ({clean(content['error'])}). {remedy}"
    if disk.block.parts:
        return f"it has partitions. {_ZAP}"
    if content["replaced"]:
        return "it is marked as being replaced. Put the new disk in; if it is this one, zap it"
    if disk.has_lvm:
        return f"it belongs to LVM. {_ZAP}"
    if content["table"]:
        return f"it has a partition table ({clean(content['table'])}). {_ZAP}"
    known = disk.label is not None and content["type"] == "ceph_bluestore"
    if content["type"] and not known:
        return f"it is not empty ({clean(content['type'])}). {_ZAP}"
    if content.get("unknown"):
        return f"it is not empty (data of an unknown format). {_ZAP}"
    return ""


def _piece(piece: Block, block: Block) -> str:
    return "it" if piece is block else f"its partition {piece.path}"


def _holder_name(block: Block, name: str) -> str:
    """Return how the administrator calls what stands on the disk."""
    for piece in block.pieces:
        label = read_text(os.path.join(piece.sys_dir, "holders", name, "dm/name"))
        if label:
            return f"/dev/mapper/{label}"
    return f"/dev/{link_name(os.path.join(block.sys_dir, 'holders', name)) or name}"
