"""Which OSDs answer at their addresses at this very moment.

The map has an OSD up until its peers have missed it for some 20 s: one that hangs, or whose host
has lost its power, is up all that time. A daemon of Ceph greets whoever connects, before anything
is asked of it; the process must run for that, an open port is not enough.

Source: the banners of Ceph's messenger, ``ceph v2`` (msgr2) and ``ceph v027``.
"""

from __future__ import annotations

import selectors
import socket
import time
from contextlib import ExitStack
from typing import Any, Dict, Mapping, Optional, Set, Tuple

Address = Tuple[str, int]

GREETING = b"ceph v"
# A daemon of a busy host greets within this time (seconds).
PATIENCE = 3.0
# So many are asked at a time: a process may have no more than 1,024 files open.
_AT_A_TIME = 256


def address_of(row: Mapping[str, Any]) -> Address:
    """Return where clients reach an OSD, by its row of `osd dump`; an empty one if it says none."""
    vector = (row.get("public_addrs") or {}).get("addrvec") or [{"addr": row.get("public_addr")}]
    host, _, port = str(vector[0].get("addr") or "").partition("/")[0].rpartition(":")
    return (host.strip("[]"), int(port)) if host and port.isdigit() else ("", 0)


def silent(addresses: Mapping[int, Address], patience: float = PATIENCE) -> Set[int]:
    """Return the OSDs that do not greet within ``patience`` seconds."""
    left, found = sorted(addresses.items()), set()
    while left:
        now, left = left[:_AT_A_TIME], left[_AT_A_TIME:]
        found |= _silent(dict(now), patience)
    return found


def _silent(addresses: Mapping[int, Address], patience: float) -> Set[int]:
    """Ask all of these at the same time."""
    said: Dict[int, bytes] = dict.fromkeys(addresses, b"")
    deadline = time.monotonic() + patience
    with ExitStack() as opened, selectors.DefaultSelector() as selector:
        for osd_id, address in addresses.items():
            asked = _connect(address)
            if asked is not None:
                opened.enter_context(asked)
                selector.register(asked, selectors.EVENT_READ, (osd_id, asked))
        while selector.get_map():
            ready = selector.select(max(0.0, deadline - time.monotonic()))
            if not ready:
                break
            for key, _ in ready:
                osd_id, asked = key.data
                data = _read(asked)
                said[osd_id] += data
                if not data or len(said[osd_id]) >= len(GREETING):
                    selector.unregister(asked)
    return {osd_id for osd_id, words in said.items() if not words.startswith(GREETING)}


def _connect(address: Address) -> Optional[socket.socket]:
    """Begin to connect; return nothing where that is refused at once."""
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    asked = socket.socket(family, socket.SOCK_STREAM)
    try:
        asked.setblocking(False)
        asked.connect_ex(address)
    except OSError:
        asked.close()
        return None
    return asked


def _read(asked: socket.socket) -> bytes:
    """Return what has come; nothing from one that was refused or has closed."""
    try:
        return asked.recv(len(GREETING))
    except OSError:
        return b""
