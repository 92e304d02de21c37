"""Ask a server on this host whether it answers as HTTP does."""

from __future__ import annotations

from .local_sockets import HERE


def http_status(addr: str, port: int, path: str, timeout: float) -> int:
    """Return the status with which a server answers, 0 where none does within ``timeout`` seconds.

    ``addr`` is the address that it listens on, empty for all.
    """
    # Imported where it is needed: few hosts have such a server, and each report would load it.
    from http.client import HTTPConnection, HTTPException

    connection = HTTPConnection(HERE.get(addr, addr), port, timeout=timeout)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        return connection.getresponse().status
    except (OSError, HTTPException):
        return 0
    finally:
        connection.close()
