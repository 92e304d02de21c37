"""AWX's REST interface: the login, the connection, and what is asked over it."""

from __future__ import annotations

from adapter.awxapi.client import Awx
from adapter.awxapi.connection import Connection, Server
from adapter.awxapi.login import Login, read_login

__all__ = ["Awx", "Connection", "Login", "Server", "read_login"]
