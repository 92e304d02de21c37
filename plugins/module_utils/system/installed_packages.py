"""What a package manager says of the packages of Ceph on a host."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Dict, List, Optional, Sequence


@dataclass
class Installed:
    """Ceph's packages by name with their versions; ``problem`` says why they are not known.

    ``held`` are those that are not to change, ``unfinished`` packages that are left halfway,
    Ceph's or not, with their state.
    """

    versions: Dict[str, str] = field(default_factory=dict)
    held: List[str] = field(default_factory=list)
    unfinished: Dict[str, str] = field(default_factory=dict)
    problem: str = ""


def newest(paths: Sequence[str]) -> Optional[int]:
    """Return when the newest of some files was written (epoch seconds), None without any."""
    times: List[int] = []
    for path in paths:
        try:
            times.append(int(os.stat(path).st_mtime))
        except OSError:
            continue
    return max(times, default=None)
