"""Read the data directories of a host's OSDs: they say which OSD is set up, and on which disks."""

from __future__ import annotations

import os
import re
from typing import Dict, Set

from ..system.command import last_line, run
from ..system.mounts import mounts_of, reason_of_mounts, remove_tree
from ..system.reading import Roots, list_dir, read_text
from .activation import LINKS

_NAME = re.compile(r"ceph-(\d{1,9})")
_UMOUNT_TIMEOUT = 60.0


class OsdDirectory:
    """The data directory of an OSD; ``osd_uuid`` is empty where nothing is in it."""

    def __init__(self, path: str, osd_id: int) -> None:
        self.path = path
        self.osd_id = osd_id
        self.osd_uuid = read_text(os.path.join(path, "fsid"), limit=64)
        self.cluster = read_text(os.path.join(path, "ceph_fsid"), limit=64)

    @property
    def devices(self) -> Set[str]:
        """Return the device files that the directory's links lead to."""
        links = [os.path.join(self.path, name) for name in LINKS.values()]
        return {os.path.realpath(link) for link in links if os.path.islink(link)}


def osd_directories(roots: Roots) -> Dict[int, OsdDirectory]:
    """Return the data directories of this host's OSDs by the OSD's id."""
    top = os.path.join(roots.var, "lib/ceph/osd")
    found = {}
    for name in list_dir(top):
        match = _NAME.fullmatch(name)
        if match:
            osd_id = int(match.group(1))
            found[osd_id] = OsdDirectory(os.path.join(top, name), osd_id)
    return found


def remove_directory(path: str, proc: str = "/proc") -> None:
    """Unmount and remove a data directory; raise OSError when that cannot be done.

    Its own file system is unmounted, what somebody has mounted below it is not.
    """
    reason = reason_of_mounts(path, proc)
    if reason:
        raise OSError(reason)
    # A failed attempt may have left one mount on the other.
    for _ in range(mounts_of(proc).count(os.path.realpath(path))):
        answer = run(["umount", path], _UMOUNT_TIMEOUT)
        if answer.problem:
            raise OSError(f"{path} cannot be unmounted: {last_line(answer.err) or answer.problem}")
    remove_tree(path, proc)
