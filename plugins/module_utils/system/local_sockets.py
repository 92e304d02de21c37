"""Talk to a server on this host by TCP."""

from __future__ import annotations

import socket

# Where a server that listens on all addresses is asked.
HERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared with


def connect(addr: str, port: int, timeout: float) -> socket.socket:
    """Return a connection to a server that listens on ``addr``, empty for all addresses.

    Each step of it takes at most ``timeout`` seconds. Raises ``OSError``.
    """
    return socket.create_connection((HERE.get(addr, addr), port), timeout)


def read_exactly(connection: socket.socket, length: int) -> bytes:
    """Return so many bytes, fewer where the other side has ended. Raises ``OSError``."""
    found = b""
    while len(found) < length:
        more = connection.recv(length - len(found))
        if not more:
            break
        found += more
    return found
