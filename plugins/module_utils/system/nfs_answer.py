"""Ask a server on this host whether it answers as NFS does: by the call that does nothing."""

from __future__ import annotations

import struct

from .local_sockets import connect, read_exactly

# RFC 5531: a call of version 2 of RPC without credentials; procedure 0 of program 100003 (NFS).
_ID, _CALL, _REPLY, _ACCEPTED = 0x63657068, 0, 1, 0
_NFS, _NULL, _NO_CREDENTIALS = 100003, 0, (0, 0, 0, 0)
# A record of one fragment, which is its last, has this bit in its length.
_LAST = 0x80000000
_MOST = 4096


def speaks_nfs(addr: str, port: int, version: int, timeout: float) -> bool:
    """Tell whether a server has this version of NFS, and answers within ``timeout`` seconds.

    ``addr`` is the address that it listens on, empty for all.
    """
    words = (_ID, _CALL, 2, _NFS, version, _NULL, *_NO_CREDENTIALS)
    call = struct.pack(f">{len(words)}I", *words)
    try:
        with connect(addr, port, timeout) as connection:
            connection.sendall(struct.pack(">I", _LAST | len(call)) + call)
            length = struct.unpack(">I", read_exactly(connection, 4))[0] & ~_LAST
            return _is_success(read_exactly(connection, min(length, _MOST)))
    except (OSError, struct.error):
        return False


def _is_success(reply: bytes) -> bool:
    """Tell whether a reply accepts the call and has done what it asks, which is nothing."""
    head, rest = reply[:20], reply[20:]
    identity, kind, accepted, _, length = struct.unpack(">5I", head)
    (status,) = struct.unpack(">I", rest[length : length + 4])
    return (identity, kind, accepted, status) == (_ID, _REPLY, _ACCEPTED, 0)
