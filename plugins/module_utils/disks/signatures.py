"""Recognise what stands on a disk by its first and last bytes. Reads only.

The table knows file systems, RAID and volume members, swap space and caches by the place and the
bytes that their formats document. A disk is clean when nothing of it is found.
"""

from __future__ import annotations

import os
import struct
from typing import Any, Dict

from ..system.reading import hash_of
from .bluestore_label import MAGIC as BLUESTORE
from .bluestore_label import PLACES as BLUESTORE_PLACES

_KIB = 1024
HEAD = 264 * _KIB
TAIL = 132 * _KIB
# Where every tool of the last fifteen years begins the first partition.
FIRST_PARTITION = 1024 * _KIB

REPLACED = b"CEPH_DEVICE_BEING_REPLACED"

_HEAD_TABLE = (
    ("ceph_bluestore", 0, BLUESTORE),
    ("xfs", 0, b"XFSB"),
    ("btrfs", 0x10040, b"_BHRfS_M"),
    ("crypto_LUKS", 0, b"LUKS\xba\xbe"),
    ("crypto_LUKS", 0x4000, b"SKUL\xba\xbe"),
    ("linux_raid_member", 0, b"\xfc\x4e\x2b\xa9"),
    ("linux_raid_member", 4096, b"\xfc\x4e\x2b\xa9"),
    ("vfat", 0x36, b"FAT12   "),
    ("vfat", 0x36, b"FAT16   "),
    ("vfat", 0x52, b"FAT32   "),
    ("ntfs", 3, b"NTFS    "),
    ("exfat", 3, b"EXFAT   "),
    ("BitLocker", 3, b"-FVE-FS-"),
    ("iso9660", 0x8001, b"CD001"),
    ("udf", 0x8001, b"BEA01"),
    ("f2fs", 0x400, b"\x10\x20\xf5\xf2"),
    ("reiserfs", 0x10034, b"ReIsEr"),
    ("jfs", 0x8000, b"JFS1"),
    ("gfs2", 0x10000, b"\x01\x16\x19\x70"),
    ("erofs", 0x400, b"\xe2\xe1\xf5\xe0"),
    ("squashfs", 0, b"hsqs"),
    ("bcache", 4096 + 24, bytes.fromhex("c68573f64e1a45ca8265f57f48ba6d81")),
    ("bcachefs", 4096 + 24, bytes.fromhex("c68573f666ce90a9d96a60cf803df7ef")),
    ("vdo", 0, b"dmvdo001"),
    ("stratis", 512 + 4, b"!Stra0tis\x86\xff\x02^\x41rh"),
)
_TAIL_TABLE = (
    ("isw_raid_member", 1024, b"Intel Raid ISM Cfg Sig. "),
    ("ddf_raid_member", 512, b"\xde\x11\xde\x11"),
    ("ddf_raid_member", 512, b"\x11\xde\x11\xde"),
    ("linux_raid_member", 8 * _KIB, b"\xfc\x4e\x2b\xa9"),
)
_OCFS2_PLACES = (1, 2, 4, 8)
_SWAP_PAGES = (4, 8, 16, 64)
_UBERBLOCKS = (b"\x0c\xb1\xba\x00", b"\x00\xba\xb1\x0c")


def inspect(path: str, size: int, sector_size: int = 512) -> Dict[str, Any]:
    """Return what is found on a device: ``type``, ``table``, ``bluestore``, ``replaced``, ``lvm``.

    ``type`` names the content ('' for none), ``table`` the partition table ('gpt', 'dos' or ''),
    ``lvm`` changes with every change of the volume group's description. A device that cannot be
    read gives ``error`` alone.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        return {"error": error.strerror or str(error)}
    try:
        return _inspect(descriptor, size, sector_size)
    except OSError as error:
        return {"error": error.strerror or str(error)}
    finally:
        os.close(descriptor)


def _inspect(descriptor: int, size: int, sector_size: int) -> Dict[str, Any]:
    head = read_all(descriptor, 0, min(HEAD, size))
    start = max(0, (size - TAIL) // 4096 * 4096)
    tail = read_all(descriptor, start, size - start)
    content = _content(head) or _tail_content(tail, size)
    table = "" if content else _partition_table(head, tail, sector_size)
    if not content and not table and size > FIRST_PARTITION:
        # The table is lost, and what was in its first partition is not.
        first = min(HEAD, size - FIRST_PARTITION)
        content = _content(read_all(descriptor, FIRST_PARTITION, first))
    return {
        "type": content,
        "table": table,
        "bluestore": any(
            read_all(descriptor, place, len(BLUESTORE)) == BLUESTORE
            for place in BLUESTORE_PLACES
            if place + len(BLUESTORE) <= size
        ),
        "replaced": head.startswith(REPLACED),
        "lvm": hash_of(head[: 8 * _KIB]) if content == "LVM2_member" else "",
    }


def read_all(descriptor: int, place: int, length: int) -> bytes:
    """Return so many bytes of a device; raise OSError where it has fewer."""
    data = b""
    while len(data) < length:
        chunk = os.pread(descriptor, length - len(data), place + len(data))
        if not chunk:
            # What was not read must not count as empty.
            raise OSError("it ends before the size that the kernel gives it")
        data += chunk
    return data


def _content(head: bytes) -> str:
    for name, place, magic in _HEAD_TABLE:
        if head[place : place + len(magic)] == magic:
            return name
    if (
        head[0x438:0x43A] == b"\x53\xef"
        and head[0x418:0x41C] < b"\x07"
        and not any(head[0x419:0x41C])
    ):
        return "ext4"
    if any(head[sector * 512 : sector * 512 + 8] == b"LABELONE" for sector in range(4)):
        return "LVM2_member"
    if any(head[place * _KIB : place * _KIB + 6] == b"OCFSV2" for place in _OCFS2_PLACES):
        return "ocfs2"
    for page in _SWAP_PAGES:
        if head[page * _KIB - 10 : page * _KIB] in (b"SWAPSPACE2", b"SWAP-SPACE"):
            return "swap"
    places = range(128 * _KIB, min(len(head), 256 * _KIB), _KIB)
    return "zfs_member" if any(head[place : place + 4] in _UBERBLOCKS for place in places) else ""


def _tail_content(tail: bytes, size: int) -> str:
    for name, distance, magic in _TAIL_TABLE:
        if len(tail) >= distance and tail[-distance:].startswith(magic):
            return name
    # RAID metadata of version 0.90 starts at a multiple of 64 KiB, that much before the end.
    distance = size - ((size & ~(64 * _KIB - 1)) - 64 * _KIB)
    old_raid = len(tail) >= distance and tail[-distance:][:4] in (
        b"\xfc\x4e\x2b\xa9",
        b"\xa9\x2b\x4e\xfc",
    )
    return "linux_raid_member" if old_raid else ""


def _partition_table(head: bytes, tail: bytes, sector_size: int) -> str:
    # One of the two copies is enough to have all partitions back, whatever the first sector says.
    if b"EFI PART" in (head[sector_size : sector_size + 8], tail[-sector_size:][:8]):
        return "gpt"
    if len(head) < 512 or head[510:512] != b"\x55\xaa":
        return ""
    entries = [head[446 + 16 * number : 462 + 16 * number] for number in range(4)]
    if any(entry[0] not in (0, 0x80) for entry in entries):
        return ""
    used = [entry for entry in entries if entry[4]]
    return "dos" if any(struct.unpack("<I", entry[12:])[0] for entry in used) else ""
