"""What the worker writes while a job runs: the lines of its events, and what was printed.

A disk that is full must not cost more than what did not fit on it.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections import deque
from pathlib import Path
from typing import Any, Deque, Dict, Mapping

from adapter.engine.files import PRIVATE_FILE, write_all

_OUTPUT_BYTES = 2 * 1024 * 1024
_OUTPUT_TAIL = 200
# A report of a host with a hundred disks is 0.5 MB. The parent, ceph-mgr, has to read all of it.
MOST_ANSWERED = 16 * 1024 * 1024


class Lines:
    """Append lines to ``events.jsonl``, each written whole or not at all.

    What one host publishes is bounded by ``limit`` bytes in all; one line more makes it a host
    that failed.
    """

    def __init__(self, path: Path, limit: int = MOST_ANSWERED) -> None:
        self._descriptor = _open(path)
        self._lock = threading.Lock()
        self._limit = limit
        self._answered: Dict[str, int] = {}

    def write(self, line: Mapping[str, Any]) -> Mapping[str, Any]:
        """Append one line with the time; return it as it is now. Raises ``OSError``."""
        data = _encoded(line)
        if "result" in line or "diff" in line:
            host = str(line.get("host"))
            self._answered[host] = answered = self._answered.get(host, 0) + len(data)
            if answered > self._limit:
                line = _too_much(line, answered, self._limit)
                data = _encoded(line)
        with self._lock:
            before = os.fstat(self._descriptor).st_size
            try:
                write_all(self._descriptor, data)
            except OSError:
                # Half a line would spoil the next one.
                with contextlib.suppress(OSError):
                    os.ftruncate(self._descriptor, before)
                raise
        return line

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)


class Output:
    """Keep what ansible-playbook printed: the beginning, and the end if there is too much.

    Nothing is raised; what cannot be written is left out.
    """

    def __init__(self, path: Path, limit: int = _OUTPUT_BYTES) -> None:
        self._descriptor = _open(path)
        self._left = limit
        self._dropped = 0
        self._tail: Deque[bytes] = deque(maxlen=_OUTPUT_TAIL)

    def write(self, text: str) -> None:
        """Append the lines of one event."""
        data = text[: self._left + 1].replace("\r", "").encode("utf-8", "replace") + b"\n"
        if self._left >= len(data) and len(text) <= self._left and self._append(data):
            self._left -= len(data)
        else:
            self._left = 0
            self._dropped += 1
            self._tail.append(text[:_OUTPUT_TAIL].encode("utf-8", "replace") + b"\n")

    def close(self) -> None:
        """Append the end of what was left out."""
        if self._dropped:
            self._append(f"[{self._dropped} events are left out here]\n".encode())
            self._append(b"".join(self._tail))
        os.close(self._descriptor)

    def _append(self, data: bytes) -> bool:
        try:
            write_all(self._descriptor, data)
        except OSError:
            return False
        return True


def _encoded(line: Mapping[str, Any]) -> bytes:
    data = {"t": round(time.time(), 3), **line}
    return json.dumps(data, separators=(",", ":"), default=str).encode() + b"\n"


def _too_much(line: Mapping[str, Any], size: int, limit: int) -> Dict[str, Any]:
    text = f"it answered {size / 1e6:.0f} MB, more than {limit / 1e6:.0f} MB"
    failed = {key: line[key] for key in ("type", "host", "role") if key in line}
    return {**failed, "status": "failed", "message": text}


def _open(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
