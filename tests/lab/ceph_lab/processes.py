"""Look at processes by their pid, and end them by it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

POLL_SECONDS = 0.05


def is_alive(pid: int) -> bool:
    """Tell whether a process exists and has not ended (a zombie has)."""
    return _state(pid) not in ("", "Z", "X")


def gone_within(pid: int, seconds: float) -> bool:
    """Wait until a process has ended, at most `seconds`; tell whether it has."""
    deadline = time.monotonic() + seconds
    while is_alive(pid):
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def send(pid: int, number: signal.Signals) -> None:
    """Send a signal to one process; one that has ended already is fine."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def command_line(pid: int) -> list[str]:
    """Return a process's argv, empty when it is gone or a kernel thread."""
    try:
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return []
    return raw.decode(errors="replace").rstrip("\0").split("\0") if raw else []


def all_pids() -> Iterator[int]:
    """Give the pids of all processes."""
    for name in os.listdir("/proc"):
        if name.isdigit():
            yield int(name)


def children(parent: int) -> list[int]:
    """Return the pids of a process's children."""
    return [pid for pid in all_pids() if _stat_fields(pid)[1:2] == [str(parent)]]


def namespace_pids(pid: int) -> list[int]:
    """Return a process's pid in each pid namespace, the outermost first."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return []
    for line in status.splitlines():
        if line.startswith("NSpid:"):
            return [int(part) for part in line.split()[1:]]
    return []


def _state(pid: int) -> str:
    fields = _stat_fields(pid)
    return fields[0] if fields else ""


def _stat_fields(pid: int) -> list[str]:
    """Return /proc/PID/stat from the state on; the name before it can hold blanks."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()
