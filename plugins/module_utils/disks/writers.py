"""Which programs have disks open for writing, as /proc shows it.

A virtual machine or a database on a raw disk leaves no signature that must be there, and does not
open the disk for itself alone. Programs of other PID namespaces are not seen from inside one.
"""

from __future__ import annotations

import os
import stat
import time
from typing import Dict, Optional

from ..system.reading import Roots, clean, list_dir, read_lines, read_text
from .block import Block
from .planned import Disk

# udev and its helpers open disks for a moment.
_PATIENCE = 1.5
_INTERVAL = 0.25


class OpenDisks:
    """One look through /proc, made when it is first needed; what it finds is looked at again."""

    def __init__(self, roots: Roots) -> None:
        self._roots = roots
        self._found: Optional[Dict[str, str]] = None

    def reason(self, disk: Disk, remedy: str) -> str:
        """Return who has a disk or a partition of it open for writing, or an empty text."""
        if self._found is None:
            self._found = writers(self._roots)
        deadline = time.monotonic() + _PATIENCE
        while True:
            reason = self._reason(disk.block, remedy)
            if not reason or time.monotonic() > deadline:
                return reason
            time.sleep(_INTERVAL)
            self._found = writers(self._roots)

    def _reason(self, block: Block, remedy: str) -> str:
        found = self._found or {}
        for piece in block.pieces:
            key = piece.number if self._roots.real else os.path.realpath(piece.node)
            if key in found:
                what = "it" if piece is block else f"its partition {piece.path}"
                return f"{found[key]} has {what} open for writing. {remedy}"
        return ""


def writers(roots: Roots) -> Dict[str, str]:
    """Return which process has a block device open for writing, by the device's number."""
    found = {}
    below = os.path.realpath(roots.dev) + "/"
    for pid in list_dir(roots.proc):
        if not pid.isdigit():
            continue
        place = os.path.join(roots.proc, pid)
        for number in list_dir(os.path.join(place, "fd")):
            key = _device(roots, below, os.path.join(place, "fd", number))
            if key and key not in found and _writes(os.path.join(place, "fdinfo", number)):
                name = clean(read_text(os.path.join(place, "comm"))) or "?"
                found[key] = f"the program {name} (process {pid})"
    return found


def _device(roots: Roots, below: str, link: str) -> Optional[str]:
    """Return the number of the block device that an open file is, or None.

    Only names below /dev are looked at: a file of a server that does not answer would hang.
    """
    try:
        target = os.path.realpath(link) if not roots.real else os.readlink(link)
        if not target.startswith(below):
            return None
        if not roots.real:
            return target
        state = os.stat(link)
    except OSError:
        return None
    if not stat.S_ISBLK(state.st_mode):
        return None
    return f"{os.major(state.st_rdev)}:{os.minor(state.st_rdev)}"


def _writes(path: str) -> bool:
    for line in read_lines(path):
        name, _, value = line.partition(":")
        if name == "flags":
            try:
                return int(value.strip(), 8) & os.O_ACCMODE != os.O_RDONLY
            except ValueError:
                return True
    return False
