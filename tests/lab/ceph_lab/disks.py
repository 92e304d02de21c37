"""Give hosts disks: loop devices over sparse files."""

from __future__ import annotations

import re
from pathlib import Path

from ceph_lab.errors import LabError
from ceph_lab.model import Disk, Lab
from ceph_lab.run import run

UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}
# ceph-volume rejects smaller devices.
SMALLEST = 5 * 1024**3


def parse_size(text: str) -> int:
    """Return a size like 8G in bytes; raise LabError when Ceph could not use it."""
    found = re.fullmatch(r"(\d+)([KMGT]?)(i?B)?", text.strip(), re.IGNORECASE)
    if not found:
        raise LabError(f"disk size {text!r} is not usable; write it like 8G")
    size = int(found.group(1)) * UNITS[found.group(2).upper()]
    if size <= SMALLEST:
        raise LabError(f"disk size {text} is too small: Ceph rejects devices up to 5G")
    return size


def attach(disk: Disk) -> None:
    """Make the disk's file if it is missing and connect a loop device to it."""
    file = Path(disk.file)
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        with file.open("wb") as handle:
            handle.truncate(disk.size)
    attached = _loops_over(file)
    disk.loop = attached[0] if attached else _connect(file)


def detach_all(directory: Path) -> list[str]:
    """Disconnect every loop device over a file below a directory; return their names."""
    loops = [loop for loop, file in _backing_files() if file.is_relative_to(directory)]
    for loop in loops:
        run(["losetup", "--detach", loop])
    return loops


def attached(lab: Lab) -> bool:
    """Tell whether all disks of a lab have their loop device."""
    return all(disk.loop in _loops_over(Path(disk.file)) for disk in lab.disks)


def _connect(file: Path) -> str:
    loop = run(["losetup", "--find", "--show", str(file)]).strip()
    # The kernel keeps the partitions of the file that the device had before, maybe another lab's.
    if any(Path("/sys/block", Path(loop).name).glob("loop*p*")):
        run(["partx", "--delete", loop])
    return loop


def _loops_over(file: Path) -> list[str]:
    return [loop for loop, backing in _backing_files() if backing == file]


def _backing_files() -> list[tuple[str, Path]]:
    found = []
    for entry in Path("/sys/block").glob("loop*/loop/backing_file"):
        try:
            text = entry.read_text(encoding="utf-8").rstrip("\n")
        except OSError:
            # Detached between the listing and the reading.
            continue
        # The kernel says so when the file was removed below the device.
        text = text.removesuffix(" (deleted)")
        found.append((f"/dev/{entry.parts[3]}", Path(text)))
    return sorted(found)
