"""Make the data directory of an OSD that stands directly on disks, without LVM.

ceph-volume puts that directory into memory, so it is gone after a restart of the host, and nothing
of Ceph's packages makes it anew. ``startup`` installs this file as a program that systemd runs
before the OSD; it imports nothing but the standard library and ``bluestore_label``.

ceph-volume's own ``raw activate`` is not used: it fails on a host where any OSD without LVM has a
DB or WAL device.
"""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
import time
from typing import Dict, List, Mapping, Sequence

try:
    from ..disks.bluestore_label import read_label
except ImportError:
    # As a program the two files lie beside each other.
    from bluestore_label import read_label  # type: ignore[import-not-found,no-redef]  # the same

OSD_DIRECTORY = "/var/lib/ceph/osd/ceph-%d"
LINKS = {"block": "block", "db": "block.db", "wal": "block.wal"}
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# How long disks may take to appear when the host starts.
_PATIENCE = 60.0
_INTERVAL = 1.0


class CannotActivate(Exception):
    """Say why an OSD cannot be made ready."""


def main(argv: Sequence[str], environment: Mapping[str, str]) -> int:
    """Make the OSD ready that the first argument and the variables name; return the exit status."""
    osd_id = int(argv[1])
    kinds = environment.get("OSD_KINDS", "block").split()
    hints = environment.get("OSD_DEVICES", "").split()
    try:
        activate(osd_id, environment["OSD_UUID"], kinds, hints)
    except (CannotActivate, OSError, subprocess.CalledProcessError) as error:
        sys.stderr.write(f"osd.{osd_id} cannot be made ready: {error}\n")
        return 1
    return 0


def activate(osd_id: int, osd_uuid: str, kinds: Sequence[str], hints: Sequence[str]) -> None:
    """Make the data directory where it is missing; give the OSD's devices to its user.

    ``kinds`` are the devices that the OSD has, ``hints`` where they were last.
    """
    directory = OSD_DIRECTORY % osd_id
    if not is_complete(directory, osd_uuid, kinds):
        _fill(directory, wait_for_devices(osd_uuid, kinds, hints))
    _give_to_ceph(directory)


def is_complete(directory: str, osd_uuid: str, kinds: Sequence[str]) -> bool:
    """Tell whether the directory holds all that the OSD needs, and its links lead to its disks.

    Raises ``CannotActivate`` when another OSD lives there.
    """
    if not os.path.exists(os.path.join(directory, "keyring")):
        return False
    owner = _first_line(os.path.join(directory, "fsid"))
    if owner != osd_uuid:
        raise CannotActivate(f"{directory} belongs to the OSD with the uuid {owner}")
    return all(_carries(os.path.join(directory, LINKS[kind]), osd_uuid, kind) for kind in kinds)


def wait_for_devices(
    osd_uuid: str, kinds: Sequence[str], hints: Sequence[str], patience: float = _PATIENCE
) -> Dict[str, str]:
    """Return the OSD's devices by kind as soon as all of them are there."""
    deadline = time.monotonic() + patience
    while True:
        devices = find_devices(osd_uuid, kinds, hints)
        missing = [kind for kind in kinds if kind not in devices]
        if not missing:
            return devices
        if time.monotonic() > deadline:
            raise CannotActivate(f"no disk carries its {' and '.join(missing)} (uuid {osd_uuid})")
        time.sleep(_INTERVAL)


def find_devices(
    osd_uuid: str,
    kinds: Sequence[str],
    hints: Sequence[str],
    sys_dir: str = "/sys/class/block",
    dev_dir: str = "/dev",
) -> Dict[str, str]:
    """Return the devices by kind that carry an OSD's labels; those of the hints are read first.

    Raises ``CannotActivate`` where two do: one is a copy, and may lack what was written last.
    """
    found: Dict[str, str] = {}
    for path in [*hints, *_whole(sys_dir, dev_dir)]:
        for kind in kinds:
            if not _carries(path, osd_uuid, kind):
                continue
            known = found.setdefault(kind, path)
            if os.path.realpath(known) != os.path.realpath(path) and not _is_same(known, path):
                raise CannotActivate(
                    f"{known} and {path} both carry its {kind} (uuid {osd_uuid}): one is a copy. "
                    "Take the copy out, or wipe it"
                )
    return found


def _whole(sys_dir: str, dev_dir: str) -> List[str]:
    """Return the block devices that no other one is made of: a path of several is no disk."""
    names = sorted(os.listdir(sys_dir))
    free = [name for name in names if not _entries(os.path.join(sys_dir, name, "holders"))]
    return [os.path.join(dev_dir, name.replace("!", "/")) for name in free]


def _entries(directory: str) -> List[str]:
    try:
        return os.listdir(directory)
    except OSError:
        return []


def _is_same(one: str, other: str) -> bool:
    """Tell whether two device files are the same device."""
    try:
        return os.stat(one).st_rdev == os.stat(other).st_rdev != 0
    except OSError:
        return False


def _carries(path: str, osd_uuid: str, kind: str) -> bool:
    try:
        label = read_label(path)
    except OSError:
        return False
    wanted = (osd_uuid, kind, 0)
    return label is not None and (label["osd_uuid"], label["kind"], label["place"]) == wanted


def _fill(directory: str, devices: Mapping[str, str]) -> None:
    os.makedirs(directory, mode=0o755, exist_ok=True)
    if not os.path.ismount(directory):
        _run("mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", directory)
    links = {os.path.join(directory, LINKS[kind]): path for kind, path in devices.items()}
    for link in links:
        # ceph-bluestore-tool does not like to find them.
        if os.path.lexists(link):
            os.unlink(link)
    prime = ["ceph-bluestore-tool", "prime-osd-dir", "--no-mon-config"]
    _run(*prime, "--path", directory, "--dev", devices["block"])
    for link, path in links.items():
        os.symlink(path, link)
    if os.path.exists("/sys/fs/selinux/enforce"):
        _run("restorecon", "-R", directory)


def _give_to_ceph(directory: str) -> None:
    """Give the directory and the devices to Ceph's user: udev takes devices back now and then."""
    user = pwd.getpwnam("ceph")
    os.chown(directory, user.pw_uid, user.pw_gid)
    for name in os.listdir(directory):
        path = os.path.join(directory, name)
        os.lchown(path, user.pw_uid, user.pw_gid)
        if name in LINKS.values():
            os.chown(path, user.pw_uid, user.pw_gid)


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True, env={"PATH": _PATH, "LC_ALL": "C.UTF-8"}, cwd="/")


def _first_line(path: str) -> str:
    with open(path, encoding="ascii", errors="replace") as stream:
        return stream.readline().strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv, os.environ))
