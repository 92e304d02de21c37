"""A monitor's administration socket, as tests need it."""

from __future__ import annotations

import json
import socket
import struct
import threading
from pathlib import Path
from typing import Callable


class MonSocket:
    """Answer on a socket as monitor ``name`` does, in its quorum until it is told to leave."""

    def __init__(self, path: Path, name: str, tell: Callable[[str], None]) -> None:
        self.in_quorum = True
        self._name, self._tell = name, tell
        path.parent.mkdir(parents=True, exist_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                said = connection.recv(4096).rstrip(b"\0")
                answer = self._answer(json.loads(said)["prefix"])
                connection.sendall(struct.pack(">I", len(answer)) + answer)

    def _answer(self, command: str) -> bytes:
        if command.startswith("quorum "):
            self._tell(command)
            self.in_quorum = command == "quorum enter"
            return b"it is so"
        mons = [{"name": self._name, "rank": 0}]
        state = {"state": "leader", "quorum": [0]} if self.in_quorum else {"state": "electing"}
        return json.dumps({"monmap": {"epoch": 1, "mons": mons}, **state}).encode()

    def close(self) -> None:
        """Answer nobody any more."""
        self._listener.close()
