"""Write files and directories so that nobody sees them half made."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ceph_lab.errors import LabError


@contextmanager
def published(target: Path) -> Iterator[Path]:
    """Give a directory to fill, and name it `target` only when the block ends well.

    What an earlier attempt left is removed first; the caller holds a lock.
    """
    building = target.with_name(f".building-{target.name}")
    remove_tree(building)
    building.mkdir(parents=True)
    yield building
    building.rename(target)


def remove_tree(directory: Path) -> None:
    """Remove a directory and everything in it; it may be missing.

    Raises LabError when something is mounted below it, so that what is
    mounted is never emptied.
    """
    inside = mounts_below(directory)
    if inside:
        raise LabError(f"{directory} is not removed: still mounted: {', '.join(map(str, inside))}")
    # rm handles any depth and is faster than shutil for a whole system tree.
    done = subprocess.run(["rm", "-rf", "--", str(directory)], capture_output=True, text=True)
    if done.returncode != 0 or directory.exists():
        raise LabError(f"cannot remove {directory}: {done.stderr.strip() or 'still there'}")


def mounts_below(directory: Path) -> list[Path]:
    """Return the mount points at or below a directory, innermost first."""
    top = os.path.realpath(directory)
    found = []
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        point = _unescape(line.split()[4])
        if point == top or point.startswith(top + "/"):
            found.append(Path(point))
    return list(reversed(found))


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, from its first byte on."""
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)


def write_whole(path: Path, text: str) -> None:
    """Replace a file in one moment, so that a reader sees the old or the new one."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_text(text, encoding="utf-8")
    temporary.rename(path)


def disk_free(directory: Path) -> int:
    """Return the free bytes of the file system that holds a directory."""
    return shutil.disk_usage(directory).free


def _unescape(text: str) -> str:
    """Undo the kernel's octal escapes of blanks in /proc/self/mountinfo."""
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, character)
    return text
