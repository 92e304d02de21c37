"""Which disks two hosts show: one disk behind two controllers takes no OSD. Pure functions.

A serial number does not tell it: virtual disks of many hosts have the same. A World Wide Name is
one disk's alone.
"""

from __future__ import annotations

import re
from typing import Dict, List, Mapping, Sequence, Tuple

# Host and path.
Disk = Tuple[str, str]
_WWN = re.compile(r"/dev/disk/by-id/(wwn-0x[0-9a-f]{16,32})")


def wwns_of(links: Mapping[str, Sequence[str]]) -> Dict[str, str]:
    """Return the World Wide Name of each whole disk by its path, from a host's other names."""
    found = {}
    for name, behind in links.items():
        match = _WWN.fullmatch(name)
        if match and len(behind) == 1:
            found[behind[0]] = match.group(1)
    return found


def shared(hosts: Mapping[str, Mapping[str, Sequence[str]]]) -> Dict[Disk, str]:
    """Return the disks that other hosts show too, each with why; ``hosts`` are links by host."""
    places: Dict[str, List[Disk]] = {}
    for host, links in sorted(hosts.items()):
        for path, wwn in wwns_of(links).items():
            places.setdefault(wwn, []).append((host, path))
    found = {}
    for wwn, disks in places.items():
        for disk in disks:
            others = [f"{host}:{path}" for host, path in disks if host != disk[0]]
            if others:
                found[disk] = f"the same disk is {', '.join(others)} ({wwn})"
    return found
