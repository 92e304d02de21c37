"""Find what is mounted below a directory: nothing of ours deletes or moves across a mount point."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from typing import List

from .reading import clean, read_lines

_ESCAPE = re.compile(r"\\([0-7]{3})")
# A host of many containers has a long list of mounts.
_LIMIT = 1 << 26
_SHOWN = 3


def mounts_of(proc: str = "/proc") -> List[str]:
    """Return all mount points, the outer ones first; the same one as often as it is mounted on."""
    lines = read_lines(os.path.join(proc, "self/mountinfo"), _LIMIT)
    places = [fields[4] for fields in (line.split(" ") for line in lines) if len(fields) > 4]
    return sorted(_ESCAPE.sub(lambda match: chr(int(match.group(1), 8)), place) for place in places)


def mounts_below(path: str, proc: str = "/proc") -> List[str]:
    """Return the mount points strictly below a directory; below a link there is nothing of it."""
    if os.path.islink(path):
        return []
    top = os.path.realpath(path).rstrip("/") + "/"
    return sorted({place for place in mounts_of(proc) if place.startswith(top)})


def is_mounted_on(path: str, proc: str = "/proc") -> bool:
    """Tell whether a file or directory is itself a mount point."""
    return not os.path.islink(path) and os.path.realpath(path) in mounts_of(proc)


def reason_of_mounts(path: str, proc: str = "/proc") -> str:
    """Return a sentence where a directory cannot be removed because of mounts below it, or ''."""
    found = mounts_below(path, proc)
    if not found:
        return ""
    names = ", ".join(clean(place) for place in found[:_SHOWN])
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    # The inner ones first.
    argv = " ".join(shlex.quote(clean(place)) for place in reversed(found))
    verb = "is" if len(found) == 1 else "are"
    return (
        f"{path}: {names}{more} {verb} mounted below it, and what is there would be lost. Unmount "
        f"first what is mounted there (`umount {argv}`), then ask again."
    )


def remove_tree(path: str, proc: str = "/proc") -> None:
    """Remove a directory with all that is in it; raise OSError where something is mounted there."""
    reason = reason_of_mounts(path, proc)
    if reason:
        raise OSError(reason)
    shutil.rmtree(path)
