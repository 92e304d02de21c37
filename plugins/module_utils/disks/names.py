"""The other names of a host's disks: links of udev and of the administrator below /dev.

A name is only as good as what it leads to at the moment. One that leads to nothing, or that udev
would give to two disks, names no disk.
"""

from __future__ import annotations

import os
import stat
from typing import Dict, Iterable, List, Mapping, Optional, Sequence, Set

from ..system.reading import Roots, list_dir, read_lines
from .block import DEVICE_PATH, Block

# Hosts with more names than that have something other than disks there.
MOST = 16384


def read_links(roots: Roots, blocks: Sequence[Block]) -> Dict[str, List[str]]:
    """Return what the links below /dev lead to, by their paths: a list of device files.

    It is empty for one that dangles, and has several for one that several disks claim. What leads
    neither to a block device nor to nothing is left out.
    """
    known = _by_node(blocks)
    claims = _claims(roots, blocks)
    links: Dict[str, List[str]] = {}
    for path in _links(roots):
        behind = _behind(roots, path, known)
        if behind is not None:
            links[path] = sorted({*behind, *claims.get(path, ())}) if behind else []
    return links


def claimants(roots: Roots, blocks: Iterable[Block], path: str) -> List[str]:
    """Return the disks and partitions that udev would give this name to."""
    return sorted(_claims(roots, blocks).get(path, ()))


def is_link(roots: Roots, path: str) -> bool:
    """Tell whether a path below /dev is a name of something else."""
    return os.path.islink(_node(roots, path))


def _node(roots: Roots, path: str) -> str:
    return os.path.join(roots.dev, path[len("/dev/") :])


def _links(roots: Roots) -> List[str]:
    """Return the paths of links: those of udev, of device mapper, and those that lie in /dev."""
    folders = ["", "mapper"]
    folders += [f"disk/{name}" for name in list_dir(os.path.join(roots.dev, "disk"))]
    found = []
    for folder in folders:
        for name in list_dir(os.path.join(roots.dev, folder)):
            path = "/".join(filter(None, ["/dev", folder, name]))
            if DEVICE_PATH.fullmatch(path) and is_link(roots, path):
                found.append(path)
    return found[:MOST]


def _by_node(blocks: Iterable[Block]) -> Dict[str, str]:
    """Return the paths by which disks and partitions are called, by where their nodes lie."""
    pieces = [piece for block in blocks for piece in block.pieces]
    return {os.path.realpath(piece.node): piece.path for piece in pieces}


def _behind(roots: Roots, path: str, known: Mapping[str, str]) -> Optional[List[str]]:
    """Return what a link leads to: one device file, none, or None where it is no device."""
    real = os.path.realpath(_node(roots, path))
    if real in known:
        # The name by which a disk is called is no other name of it.
        return None if known[real] == path else [known[real]]
    try:
        state = os.stat(real)
    except OSError:
        # In /dev itself there are links to pipes and sockets too.
        return [] if path.startswith(("/dev/disk/", "/dev/mapper/")) else None
    top = os.path.realpath(roots.dev) + os.sep
    is_device = not roots.real or stat.S_ISBLK(state.st_mode)
    if not is_device or not real.startswith(top):
        return None
    return ["/dev/" + real[len(top) :]]


def _claims(roots: Roots, blocks: Iterable[Block]) -> Dict[str, Set[str]]:
    """Return the disks and partitions by the names that udev has for them."""
    found: Dict[str, Set[str]] = {}
    for block in blocks:
        for piece in block.pieces:
            for line in read_lines(os.path.join(roots.udev, "b" + piece.number)):
                if line.startswith("S:"):
                    found.setdefault("/dev/" + line[2:].strip(), set()).add(piece.path)
    return found
