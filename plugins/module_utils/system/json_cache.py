"""Keep small JSON files under /run that nobody but their writer can have written."""

from __future__ import annotations

import json
import os
import stat
import time
from typing import Any, Dict, Mapping

RUN_DIR = "/run/ceph-orch-ansible"


class JsonCache:
    """An answer that cost something, for as long as what decides it is unchanged.

    ``mark`` is a fingerprint of what decides the answer; whatever it cannot see is covered by
    ``max_age`` in seconds. ``write`` false leaves the file alone.
    """

    def __init__(
        self, name: str, max_age: float, write: bool = True, directory: str = RUN_DIR
    ) -> None:
        self._path = os.path.join(directory, name)
        self._max_age = max_age
        self._write = write

    def beside(self, name: str) -> JsonCache:
        """Return another one that keeps as this does."""
        return JsonCache(name, self._max_age, self._write, os.path.dirname(self._path))

    def load(self, mark: Any) -> Any:
        """Return the kept answer, or None when it must be asked for again."""
        kept = load_private(self._path)
        try:
            age = time.time() - kept["time"]
            fits = kept["mark"] == mark and 0 <= age < self._max_age
        except (KeyError, TypeError):
            return None
        return kept.get("answer") if fits else None

    def save(self, mark: Any, answer: Any) -> None:
        """Keep an answer; where that cannot be done it is asked for each time."""
        if self._write and self._max_age > 0:
            save_private(self._path, {"time": time.time(), "mark": mark, "answer": answer})


def load_private(path: str) -> Dict[str, Any]:
    """Return a file's JSON object; an empty one unless the file is this user's alone."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return {}
    with os.fdopen(descriptor, "rb") as stream:
        state = os.fstat(stream.fileno())
        private = state.st_uid == os.geteuid() and not state.st_mode & 0o077
        if not private or not stat.S_ISREG(state.st_mode):
            return {}
        try:
            data = json.loads(stream.read().decode("utf-8"))
        except ValueError:
            return {}
    return data if isinstance(data, dict) else {}


def save_private(path: str, data: Mapping[str, Any]) -> None:
    """Write a JSON object, mode 0600 in a directory 0700; where that fails nothing is kept."""
    directory = os.path.dirname(path)
    temporary = f"{path}.{os.getpid()}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        os.makedirs(directory, mode=0o700, exist_ok=True)
        state = os.lstat(directory)
        if state.st_uid != os.geteuid() or state.st_mode & 0o022 or not stat.S_ISDIR(state.st_mode):
            return
        with os.fdopen(os.open(temporary, flags, 0o600), "w", encoding="ascii") as stream:
            json.dump(data, stream)
        os.replace(temporary, path)
    except OSError:
        pass
