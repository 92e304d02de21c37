"""Ask a server on this host whether it answers as HTTP does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .local_sockets import HERE

if TYPE_CHECKING:
    from http.client import HTTPConnection


def http_status(addr: str, port: int, path: str, timeout: float, tls: bool = False) -> int:
    """Return the status with which a server answers, 0 where none does within ``timeout`` seconds.

    ``addr`` is the address that it listens on, empty for all. With ``tls`` its certificate is not
    looked at: it is a server of this host, and nothing is told it.
    """
    # Imported where it is needed: few hosts have such a server, and each report would load it.
    from http.client import HTTPConnection, HTTPException

    connection = HTTPConnection(HERE.get(addr, addr), port, timeout=timeout)
    if tls:
        connection = _with_tls(HERE.get(addr, addr), port, timeout)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        return connection.getresponse().status
    except (OSError, HTTPException):
        return 0
    finally:
        connection.close()


def _with_tls(addr: str, port: int, timeout: float) -> HTTPConnection:
    import ssl
    from http.client import HTTPSConnection

    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return HTTPSConnection(addr, port, timeout=timeout, context=context)
