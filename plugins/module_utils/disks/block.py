"""Find the block devices that are this host's own, from sysfs and /dev.

Where hosts share one kernel, all of them see every device in sysfs; a host's own are those with a
node in its /dev that carries the device's number.
"""

from __future__ import annotations

import os
import re
import stat
from typing import Dict, List, Optional, Tuple

from ..system.reading import Roots, list_dir, read_int, read_text
from .udev import read_udev

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:+@!-]{0,127}")
# How a device file may be called in a report; what is called otherwise is nobody's disk.
DEVICE_PATH = re.compile(r"/dev/[A-Za-z0-9][A-Za-z0-9/_.:+@=-]*")
LOOP_VARIABLE = "CEPH_VOLUME_ALLOW_LOOP_DEVICES"


class Block:
    """A block device of this host.

    ``kind`` is ``disk``, ``loop``, ``mpath`` or ``part``; ``path`` the node as everybody names it,
    ``node`` the file that is opened for it (the same but for a tree of the tests).
    """

    def __init__(
        self, name: str, kind: str, path: str, node: str, sys_dir: str, number: str
    ) -> None:
        self.name = name
        self.kind = kind
        self.path = path
        self.node = node
        self.sys_dir = sys_dir
        self.number = number
        self.udev: Dict[str, str] = {}
        self.parts: List[Block] = []

    @property
    def pieces(self) -> List[Block]:
        """Return the disk and its partitions."""
        return [self, *self.parts]

    def attribute(self, name: str, default: str = "") -> str:
        """Return an attribute of the device in sysfs."""
        return read_text(os.path.join(self.sys_dir, name), default)

    @property
    def size(self) -> int:
        """Return the size in bytes; the kernel counts in 512 bytes whatever the sector size."""
        return max(read_int(os.path.join(self.sys_dir, "size")), 0) * 512

    @property
    def sector_size(self) -> int:
        """Return the size of a logical sector in bytes."""
        value = read_int(os.path.join(self.sys_dir, "queue", "logical_block_size"), 512)
        return value if 512 <= value <= 65536 else 512

    @property
    def holders(self) -> List[str]:
        """Return the names of the devices that are built on this one."""
        return list_dir(os.path.join(self.sys_dir, "holders"))


def has_device_mapper(roots: Roots) -> bool:
    """Tell whether this host's kernel can have logical volumes.

    The control file alone does not say it: packages make it where the kernel has no device mapper,
    and opening it is what loads the kernel's module where that is not loaded yet.
    """
    if os.path.exists(os.path.join(roots.sys, "class/misc/device-mapper")):
        return True
    try:
        os.close(os.open(os.path.join(roots.dev, "mapper/control"), os.O_RDWR | os.O_CLOEXEC))
    except PermissionError:
        return True
    except OSError:
        return False
    return True


def allows_loop_devices(setting: str) -> bool:
    """Tell whether the value of ceph-volume's variable lets loop devices count as disks."""
    return setting.lower() not in ("", "false", "no", "0")


def own_blocks(roots: Roots, loop_devices: bool = False) -> List[Block]:
    """Return this host's disks in order of name, each with its partitions.

    Left out as ceph-volume leaves them out: optical drives, RAM disks, RBD images, logical volumes
    and other mappings, the paths of a multipath device, loop devices unless they are allowed.
    """
    blocks = []
    for name in list_dir(os.path.join(roots.sys, "block")):
        if not _NAME.fullmatch(name):
            continue
        sys_dir = os.path.join(roots.sys, "block", name)
        kind, path = _classify(name, sys_dir, loop_devices)
        block = _with_node(roots, name, kind, path, sys_dir) if kind else None
        if block is None or _is_path_of_multipath(sys_dir):
            continue
        block.parts = _parts(roots, block)
        blocks.append(block)
    return blocks


def _classify(name: str, sys_dir: str, loop_devices: bool) -> Tuple[str, str]:
    path = "/dev/" + name.replace("!", "/")
    if (
        re.fullmatch(r"(ram|rbd)\d+", name)
        or read_text(os.path.join(sys_dir, "device/type")) == "5"
    ):
        return "", path
    if os.path.isdir(os.path.join(sys_dir, "dm")):
        kind = read_text(os.path.join(sys_dir, "dm/uuid")).partition("-")[0].lower()
        label = read_text(os.path.join(sys_dir, "dm/name"))
        usable = kind == "mpath" and _NAME.fullmatch(label)
        return ("mpath", "/dev/mapper/" + label) if usable else ("", path)
    if name.startswith("loop"):
        attached = os.path.exists(os.path.join(sys_dir, "loop"))
        return ("loop" if loop_devices and attached else ""), path
    return "disk", path


def _with_node(roots: Roots, name: str, kind: str, path: str, sys_dir: str) -> Optional[Block]:
    number = read_text(os.path.join(sys_dir, "dev"))
    if not re.fullmatch(r"\d+:\d+", number):
        return None
    node = os.path.join(roots.dev, path[len("/dev/") :])
    if not has_node(roots, node, number):
        return None
    block = Block(name, kind, path, node, sys_dir, number)
    block.udev = read_udev(roots, number)
    return block


def has_node(roots: Roots, node: str, number: str) -> bool:
    """Tell whether a file is the node of the device with this number."""
    try:
        state = os.stat(node)
    except (OSError, ValueError):
        return False
    if not roots.real:
        return stat.S_ISREG(state.st_mode)
    mine = f"{os.major(state.st_rdev)}:{os.minor(state.st_rdev)}"
    return stat.S_ISBLK(state.st_mode) and mine == number


def _is_path_of_multipath(sys_dir: str) -> bool:
    holders = os.path.join(sys_dir, "holders")
    return any(
        read_text(os.path.join(holders, name, "dm/uuid")).lower().startswith("mpath-")
        for name in list_dir(holders)
    )


def _parts(roots: Roots, block: Block) -> List[Block]:
    """Return a disk's partitions; one without a node is one all the same."""
    parts = []
    for name in list_dir(block.sys_dir):
        sys_dir = os.path.join(block.sys_dir, name)
        if not _NAME.fullmatch(name) or not read_text(os.path.join(sys_dir, "partition")):
            continue
        number = read_text(os.path.join(sys_dir, "dev"))
        path = "/dev/" + name.replace("!", "/")
        part = Block(name, "part", path, os.path.join(roots.dev, path[5:]), sys_dir, number)
        part.udev = read_udev(roots, number)
        parts.append(part)
    return parts
