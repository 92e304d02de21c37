"""Make labels as BlueStore writes them."""

from __future__ import annotations

import struct
import uuid

FSID = "416d7c03-0357-4387-bbbf-ce48c7b2280a"
OSD_UUID = "3875f924-cc0a-455b-96ee-fa4071c2932e"
SECRET = "AgAs" + "A" * 55 + "="


def label(
    whoami: int = 3,
    osd_uuid: str = OSD_UUID,
    cluster: str = FSID,
    kind: str = "main",
    ready: bool = True,
) -> bytes:
    """Return the bytes of a label; that of a DB or WAL device says nothing of id and cluster."""
    meta = {}
    if kind == "main":
        meta = {"bluefs": "1", "ceph_fsid": cluster, "magic": "ceph osd volume v026"}
        if ready:
            meta.update(osd_key=SECRET, ready="ready", type="bluestore", whoami=str(whoami))
    inner = uuid.UUID(osd_uuid).bytes + struct.pack("<QII", 8 << 30, 1, 2) + _text(kind)
    inner += struct.pack("<I", len(meta))
    inner += b"".join(_text(key) + _text(value) for key, value in meta.items())
    head = f"bluestore block device\n{osd_uuid}\n".encode()
    crc = b"\x4c\x31\x9e\x80"
    return head + struct.pack("<BBI", 2, 1, len(inner)) + inner + crc


def _text(value: str) -> bytes:
    return struct.pack("<I", len(value)) + value.encode()
