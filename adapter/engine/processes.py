"""Find and end the processes that belong to a job, wherever they have moved to.

Since ansible-core 2.19 every task worker is a session leader of its own, so no process group holds
a whole job. What does hold it is the environment: every process of a job inherits the job's mark.
"""

from __future__ import annotations

import contextlib
import os
import signal
from typing import Dict, Iterable, List, Optional

MARK = "CEPH_ORCH_JOB"
# Where /proc/PID/stat has the exit status, counted from the state.
_EXIT_CODE = 49
# What ssh has started on a host, which may be this very machine: its worker is not to be found.
REMOTE_MARK = "CEPH_ORCH_TASK"


def marked(marker: str) -> List[int]:
    """Return the processes that carry a job's mark, except this one and shared ssh connections."""
    wanted = f"{MARK}={marker}".encode()
    found = []
    for pid in _pids():
        if pid != os.getpid() and wanted in _read(pid, "environ").split(b"\0"):
            found.append(pid)
    return [pid for pid in found if is_alive(pid) and not _is_shared_connection(pid)]


def is_marked(pid: int, marker: str) -> bool:
    """Tell whether a process carries a job's mark (its number may have been used again)."""
    return f"{MARK}={marker}".encode() in _read(pid, "environ").split(b"\0")


def descendants(pid: int) -> List[int]:
    """Return all living processes below one, except shared ssh connections, parents first."""
    children: Dict[int, List[int]] = {}
    for candidate in _pids():
        children.setdefault(parent(candidate), []).append(candidate)
    found: List[int] = []
    waiting = list(children.get(pid, ()))
    while waiting:
        child = waiting.pop(0)
        if is_alive(child) and not _is_shared_connection(child):
            found.append(child)
            waiting.extend(children.get(child, ()))
    return found


def child_named(pid: int, word: bytes) -> Optional[int]:
    """Return the child of a process with this word in its command line, if there is one."""
    for candidate in _pids():
        if parent(candidate) == pid and word in _read(candidate, "cmdline"):
            return candidate
    return None


def was_killed(pid: int) -> bool:
    """Tell whether a signal ended a child that nobody has reaped yet."""
    fields = _stat(pid)
    return len(fields) > _EXIT_CODE and fields[0] == b"Z" and int(fields[_EXIT_CODE]) & 0x7F != 0


def signal_all(pids: Iterable[int], number: signal.Signals) -> None:
    """Send a signal to each process that still is there."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def _pids() -> List[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _read(pid: int, name: str) -> bytes:
    try:
        with open(f"/proc/{pid}/{name}", "rb") as handle:
            return handle.read()
    except OSError:
        return b""


def _stat(pid: int) -> List[bytes]:
    """Return the fields of /proc/PID/stat after the command's name: state, parent ..."""
    return _read(pid, "stat").rpartition(b") ")[2].split()


def parent(pid: int) -> int:
    """Return a process's parent, or 0."""
    fields = _stat(pid)
    return int(fields[1]) if len(fields) > 1 else 0


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; one that has ended and was not reaped does not."""
    fields = _stat(pid)
    return bool(fields) and fields[0] not in (b"Z", b"X")


def _is_shared_connection(pid: int) -> bool:
    """Tell whether this is an ssh in the background that other jobs and probes use too."""
    command = _read(pid, "cmdline")
    return command.startswith(b"ssh: ") and b"[mux]" in command
