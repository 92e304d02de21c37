"""Ask a server on this host whether it answers as SMB does."""

from __future__ import annotations

import struct

from .local_sockets import connect, read_exactly

_MAGIC = b"\xfeSMB"
_DIALECTS = (0x0202, 0x0210, 0x0300)


def answers_smb(addr: str, port: int, timeout: float) -> bool:
    """Tell whether a server says within ``timeout`` seconds that it speaks SMB 2 or later.

    ``addr`` is the address that it listens on, empty for all. Nobody logs in.
    """
    try:
        with connect(addr, port, timeout) as connection:
            connection.sendall(_negotiation())
            return read_exactly(connection, 8)[4:] == _MAGIC
    except OSError:
        return False


def _negotiation() -> bytes:
    """Return the first message of a client ([MS-SMB2] 2.2.3), with its length before it."""
    header = _MAGIC + struct.pack("<HHIHHIIQIIQ16x", 64, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0)
    body = struct.pack("<HHHHI16xQ", 36, len(_DIALECTS), 1, 0, 0, 0)
    body += struct.pack(f"<{len(_DIALECTS)}H", *_DIALECTS)
    return struct.pack(">I", len(header) + len(body)) + header + body
