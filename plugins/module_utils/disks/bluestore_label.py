"""Read BlueStore's label, which names the OSD that a disk belongs to, without Ceph's tools.

The label holds the OSD's secret key as well. It never leaves this file.

This file is also part of the program that makes OSDs ready when a host starts (``osd_activation``),
so it imports nothing but the standard library.
"""

from __future__ import annotations

import os
import re
import struct
import uuid
from typing import Any, Dict, Optional, Tuple

MAGIC = b"bluestore block device"
_GIB = 1 << 30
# BlueStore keeps copies of its label, so that one bad sector does not lose an OSD.
PLACES = (0, _GIB, 10 * _GIB, 100 * _GIB, 1000 * _GIB)
SIZE = 4096
# What a label calls the disk that it stands on, and what ceph-volume calls that.
KINDS = {b"main": "block", b"bluefs db": "db", b"bluefs wal": "wal"}
# The magic, a line end, the OSD's uuid as text, a line end.
_HEAD = len(MAGIC) + 1 + 36 + 1
_TEXT = re.compile(r"[0-9A-Za-z_.:-]{0,64}")


def read_label(path: str) -> Optional[Dict[str, Any]]:
    """Return what the label on a device says, or None without one; raise OSError.

    ``kind`` is ``block``, ``db`` or ``wal``; ``osd_uuid``, ``osd_id`` (-1 where it says none),
    ``cluster`` and ``ready`` (the OSD was made to the end) describe the OSD; ``place`` is where it
    stands: anything but 0 is a copy that has lost its first.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        for place in PLACES:
            label = parse_label(os.pread(descriptor, SIZE, place))
            if label:
                return dict(label, place=place)
    finally:
        os.close(descriptor)
    return None


def parse_label(data: bytes) -> Optional[Dict[str, Any]]:
    """Return what these bytes say when they are a label, else None."""
    if not data.startswith(MAGIC):
        return None
    try:
        osd_uuid, description, meta = _decode(_Cursor(data[_HEAD:]))
    except (struct.error, ValueError):
        return {"kind": "", "osd_uuid": "", "osd_id": -1, "cluster": "", "ready": False}
    whoami = meta.get(b"whoami", b"")
    return {
        "kind": KINDS.get(description, ""),
        "osd_uuid": osd_uuid,
        "osd_id": int(whoami) if re.fullmatch(rb"\d{1,9}", whoami) else -1,
        "cluster": _plain(meta.get(b"ceph_fsid", b"")),
        "ready": meta.get(b"ready") == b"ready",
    }


def _decode(cursor: _Cursor) -> Tuple[str, bytes, Dict[bytes, bytes]]:
    version, _, length = cursor.unpack("<BBI")
    cursor.end_at(length)
    osd_uuid = str(uuid.UUID(bytes=cursor.take(16)))
    # The size of the device and the time of its making.
    cursor.unpack("<QII")
    description = cursor.text()
    meta = {}
    if version >= 2:
        for _ in range(cursor.unpack("<I")[0]):
            key = cursor.text()
            meta[key] = cursor.text()
    return osd_uuid, description, meta


def _plain(value: bytes) -> str:
    text = value.decode("ascii", "replace")
    return text if _TEXT.fullmatch(text) else ""


class _Cursor:
    """Bytes that are read from the beginning to the end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0

    def end_at(self, length: int) -> None:
        """Forget everything behind so many bytes from here."""
        self._data = self._data[: self._place + length]

    def take(self, length: int) -> bytes:
        piece = self._data[self._place : self._place + length]
        if len(piece) != length:
            raise ValueError("the label is cut off")
        self._place += length
        return piece

    def unpack(self, form: str) -> Tuple[Any, ...]:
        return struct.unpack(form, self.take(struct.calcsize(form)))

    def text(self) -> bytes:
        return self.take(self.unpack("<I")[0])
