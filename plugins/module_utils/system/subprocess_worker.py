"""Do what may hang in a process of its own, and give up on it after a while.

Reading from a disk that is dying, or asking a name server that does not answer, can block for
minutes and cannot be interrupted. One helper process does all such work of a report, each piece in
a thread as far as there are enough; what has not answered at the deadline is missing from the
result, and the helper is left to itself.
"""

from __future__ import annotations

import collections
import contextlib
import json
import os
import select
import signal
import threading
import time
from typing import Any, Callable, Deque, Dict, List, Mapping, NoReturn, Tuple

_THREADS = 64


def run_apart(jobs: Mapping[str, Callable[[], Any]], timeout: float) -> Dict[str, Any]:
    """Run functions by name in a helper process; return what those answered that did in time.

    A job's answer must be JSON data. A job that raises or answers None is missing from the result.
    """
    if not jobs:
        return {}
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _serve(jobs, writer)
    os.close(writer)
    try:
        lines = _collect(reader, len(jobs), time.monotonic() + timeout)
    finally:
        os.close(reader)
        _dismiss(child)
    answers = dict(json.loads(line.decode("ascii")) for line in lines)
    return {name: answer for name, answer in answers.items() if answer is not None}


def _serve(jobs: Mapping[str, Callable[[], Any]], writer: int) -> NoReturn:
    """Be the helper: never returns, holds none of the caller's streams."""
    try:
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        _close_all_but(writer)
        lock = threading.Lock()
        waiting = collections.deque(jobs.items())
        threads = [
            threading.Thread(target=_work, args=(waiting, writer, lock), daemon=True)
            for _ in range(min(_THREADS, len(jobs)))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        os._exit(0)


def _close_all_but(kept: int) -> None:
    """Close what was inherited, besides the standard streams.

    A lock is held by all that have its descriptor: a helper that hangs in the kernel would keep the
    locks of its caller for as long as that lasts.
    """
    try:
        numbers = [int(name) for name in os.listdir("/proc/self/fd")]
    except OSError:
        numbers = list(range(3, 1024))
    for number in numbers:
        if number > 2 and number != kept:
            with contextlib.suppress(OSError):
                os.close(number)


def _work(waiting: Deque[Tuple[str, Callable[[], Any]]], writer: int, lock: threading.Lock) -> None:
    while True:
        try:
            name, job = waiting.popleft()
        except IndexError:
            return
        _answer(name, job, writer, lock)


def _answer(name: str, job: Callable[[], Any], writer: int, lock: threading.Lock) -> None:
    try:
        line = json.dumps([name, job()]).encode("ascii") + b"\n"
    except Exception:  # noqa: BLE001 - a job that fails is one that did not answer
        line = json.dumps([name, None]).encode("ascii") + b"\n"
    with lock:
        while line:
            line = line[os.write(writer, line) :]


def _collect(reader: int, expected: int, deadline: float) -> List[bytes]:
    buffer = b""
    while buffer.count(b"\n") < expected:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([reader], [], [], left)[0]:
            break
        chunk = os.read(reader, 1 << 16)
        if not chunk:
            break
        buffer += chunk
    return buffer.split(b"\n")[:-1]


def _dismiss(child: int) -> None:
    """Remove the helper; one that hangs in the kernel is left to init."""
    try:
        os.kill(child, signal.SIGKILL)
        for _ in range(20):
            if os.waitpid(child, os.WNOHANG)[0]:
                return
            time.sleep(0.005)
    except OSError:
        pass
