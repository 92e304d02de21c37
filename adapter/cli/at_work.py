"""One command at a time changes what is kept in a directory.

What a command has in memory is the truth as long as it runs: a second one would write over it, and
both would drive the same OSDs.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Iterator

from adapter.engine.files import closed_dir, read_json, try_lock
from adapter.errors import NotReady

FILE = ".at-work"


@contextlib.contextmanager
def at_work(directory: Path, words: str) -> Iterator[None]:
    """Hold the directory; raises ``NotReady`` while another command does.

    The lock ends with the process, however that ends.
    """
    closed_dir(directory)
    path = directory / FILE
    held = try_lock(path)
    if held is None:
        raise _refusal(path)
    try:
        os.ftruncate(held, 0)
        os.pwrite(held, json.dumps({"words": words, "pid": os.getpid()}).encode(), 0)
        yield
    finally:
        os.close(held)


def who_works(directory: Path) -> str:
    """Return which command changes the directory now, or nothing."""
    path = directory / FILE
    if not path.exists():
        return ""
    held = try_lock(path)
    if held is None:
        return _holder(path)
    os.close(held)
    return ""


def _holder(path: Path) -> str:
    data = read_json(path)
    if not isinstance(data, dict) or not isinstance(data.get("pid"), int):
        return "another `orch-ansible`"
    return f"`orch-ansible {data.get('words')}` (process {data['pid']})"


def _refusal(path: Path) -> NotReady:
    if not os.access(path, os.W_OK):
        return NotReady(
            f"{path} cannot be written, which keeps commands from changing the directory together.",
            "Is the directory somebody else's?",
        )
    return NotReady(
        f"{_holder(path)} changes what is in {path.parent}.",
        "Wait for its end, or end it with Ctrl-C: an OSD that is being removed stays in the queue, "
        "and `orch-ansible osd rm continue` goes on.",
    )
