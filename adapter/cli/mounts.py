"""Refuse what would delete or move across a mount point (as ``module_utils/system/mounts.py``)."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import List

from adapter.errors import NotReady

MOUNTS = Path("/proc/self/mountinfo")
_ESCAPE = re.compile(r"\\([0-7]{3})")


def refuse_mounts(directory: Path) -> None:
    """Raise ``NotReady`` where something is mounted strictly below a directory."""
    found = _mounts_below(directory)
    if found:
        raise NotReady(
            f"{directory}: {', '.join(found)} {'is' if len(found) == 1 else 'are'} mounted below "
            "it, and what is there would be lost.",
            # The inner ones first.
            f"Unmount it first: `umount {' '.join(map(shlex.quote, reversed(found)))}`.",
        )


def _mounts_below(directory: Path) -> List[str]:
    if directory.is_symlink():
        return []
    try:
        lines = MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    top = f"{directory.resolve()}/"
    places = (fields[4] for fields in (line.split(" ") for line in lines) if len(fields) > 4)
    decoded = (_ESCAPE.sub(lambda match: chr(int(match.group(1), 8)), each) for each in places)
    return sorted({place for place in decoded if place.startswith(top)})
