"""Which of these processes run for which job, so that a job that is cancelled can be ended here.

Programs carry the job's mark in their environment. The invoker itself was started before it knew
the mark, so it keeps a file below /run that names it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from typing import Iterator, List, Set

from ..system.json_cache import RUN_DIR
from ..system.reading import list_dir, read_bytes
from .surroundings import TASK

_PREFIX = "invoked-"
_PAUSE = 0.5
_PROC = "/proc"


@contextlib.contextmanager
def noted(mark: str, directory: str = RUN_DIR) -> Iterator[None]:
    """Keep that this process works for a job; without a mark, or room, it is not kept."""
    if not mark:
        yield
        return
    path = os.path.join(directory, f"{_PREFIX}{mark}-{os.getpid()}-{_began(os.getpid())}")
    with contextlib.suppress(OSError):
        os.makedirs(directory, mode=0o700, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        os.close(os.open(path, flags, 0o600))
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            os.unlink(path)


def end(mark: str, directory: str = RUN_DIR) -> int:
    """End what runs for a job: SIGTERM, and half a second later SIGKILL; return how many it was."""
    first = _marked(mark, directory)
    for number in (signal.SIGTERM, signal.SIGKILL):
        left = _marked(mark, directory)
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        if not left or number == signal.SIGKILL:
            break
        time.sleep(_PAUSE)
    _forget(mark, directory)
    return len(first)


def _marked(mark: str, directory: str) -> Set[int]:
    wanted = f"{TASK}={mark}".encode()
    found = set(_noted(mark, directory))
    for name in list_dir(_PROC):
        if name.isdigit() and wanted in read_bytes(f"{_PROC}/{name}/environ", 1 << 17).split(b"\0"):
            found.add(int(name))
    return found - {os.getpid()}


def _noted(mark: str, directory: str) -> List[int]:
    """Return the processes whose files are there and that are still those that made them."""
    found = []
    for name in list_dir(directory):
        if name.startswith(f"{_PREFIX}{mark}-"):
            pid, _, began = name[len(_PREFIX) + len(mark) + 1 :].partition("-")
            if pid.isdigit() and began and began == _began(int(pid)):
                found.append(int(pid))
    return found


def _forget(mark: str, directory: str) -> None:
    for name in list_dir(directory):
        if name.startswith(f"{_PREFIX}{mark}-"):
            with contextlib.suppress(OSError):
                os.unlink(os.path.join(directory, name))


def _began(pid: int) -> str:
    """Return when a process was started, in ticks since the machine was; empty where it is gone."""
    fields = read_bytes(f"{_PROC}/{pid}/stat", 4096).decode("utf-8", "replace").rpartition(")")[2]
    words = fields.split()
    return words[19] if len(words) > 19 else ""
