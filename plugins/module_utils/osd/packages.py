"""What a host needs to make, start and wipe OSDs."""

from __future__ import annotations

from typing import Dict, List

from ..system.command import find_program
from ..system.distribution import DEBIAN, REDHAT

# ``?``: Debian 12 has no package ceph-volume, its ceph-osd has the program.
_ALL: Dict[str, List[str]] = {
    DEBIAN: ["ceph-osd", "ceph-volume?", "ceph-common"],
    REDHAT: ["ceph-osd", "ceph-volume?", "ceph-common"],
}
_PROGRAMS = ("ceph-osd", "ceph-volume", "ceph")


def osd_packages() -> Dict[str, List[str]]:
    """Return the packages to install, by family; none where the programs are there.

    Programs are asked for, so that what a site built by itself counts too.
    """
    return {} if all(find_program(name) for name in _PROGRAMS) else _ALL
