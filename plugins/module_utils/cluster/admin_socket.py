"""Ask a daemon something through its administration socket."""

from __future__ import annotations

import json
import socket
import struct
from typing import Any, Dict

_ANSWER_LIMIT = 1 << 20


def ask(path: str, command: str, timeout: float) -> Dict[str, Any]:
    """Return the daemon's answer as data; an empty object when it gives none in time."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(timeout)
            connection.connect(path)
            connection.sendall(json.dumps({"prefix": command}).encode("ascii") + b"\0")
            length = struct.unpack(">I", connection.recv(4, socket.MSG_WAITALL))[0]
            answer = connection.recv(min(length, _ANSWER_LIMIT), socket.MSG_WAITALL)
        data = json.loads(answer.decode("utf-8"))
    except (OSError, ValueError, struct.error):
        return {}
    return data if isinstance(data, dict) else {}
