"""Tell which version a daemon runs: of Ceph, or of another program."""

from __future__ import annotations

import os
import re
import time
from typing import Any, Optional

from ..cluster.admin_socket import ask
from ..system.command import find_program, run
from ..system.json_cache import JsonCache
from ..system.reading import Roots, clean
from .kinds.registry import ALL

# Any of them says it; the last ones are of clients.
_PROGRAMS = (
    *(kind.program for kind in ALL.values() if kind.tells_version),
    "ceph-fuse",
    "rados",
)
_PROGRAM_DIRS = ("bin", "local/bin")
_VERSION = re.compile(r"ceph version (\S+)")
_ANY_VERSION = re.compile(r"(?i)\bv(?:ersion )?(\d+(?:\.\d+)+)")
_TIMEOUT = 5.0
# All questions to daemons together; a daemon that hangs must not delay the report.
_BUDGET = 1.0


class Versions:
    """The versions on a host: of the installed package, and of processes older than it."""

    def __init__(self, kept: JsonCache, roots: Roots) -> None:
        self._kept = kept
        self._roots = roots
        self._installed: Optional[str] = None
        self._until = 0.0

    def of(self, kind: str, identity: str, program: str) -> str:
        """Return a daemon's version, or an empty text; ``kind`` is the name of its kind.

        ``program`` is the file that the process runs; after an upgrade without a restart it is
        gone, and the daemon itself is asked.
        """
        if not ALL[kind].is_ceph:
            return (
                ""
                if program.endswith(" (deleted)")
                else self._of_program(ALL[kind].program, ALL[kind].version_flag)
            )
        if program.endswith(" (deleted)"):
            return self._ask(kind, identity)
        if self._installed is None:
            self._installed = self._read_installed()
        return self._installed

    def _of_program(self, name: str, flag: str) -> str:
        """Return the version that a program which is none of Ceph's says with an option."""
        program = find_program(name) if flag else ""
        if not program:
            return ""
        kept, mark = self._kept.beside(f"version-{name}.json"), _mark(program)
        known = kept.load(mark)
        if known:
            return clean(known, 64)
        answer = run([program, flag], _TIMEOUT)
        match = _ANY_VERSION.search(f"{answer.out}\n{answer.err}")
        version = clean(match.group(1), 64) if match else ""
        if version:
            kept.save(mark, version)
        return version

    def _ask(self, kind: str, identity: str) -> str:
        self._until = self._until or time.monotonic() + _BUDGET
        left = self._until - time.monotonic()
        path = os.path.join(self._roots.ceph_run, ALL[kind].version_socket.format(id=identity))
        return ask_socket(path, left) if left > 0 else ""

    def _read_installed(self) -> str:
        usr = self._roots.usr
        paths = (os.path.join(usr, d, p) for p in _PROGRAMS for d in _PROGRAM_DIRS)
        program = next((path for path in paths if os.access(path, os.X_OK)), "")
        if not program:
            return ""
        mark = _mark(program)
        known = self._kept.load(mark)
        if known:
            return clean(known, 64)
        match = _VERSION.search(run([program, "--version"], _TIMEOUT).out)
        version = clean(match.group(1), 64) if match else ""
        if version:
            self._kept.save(mark, version)
        return version


def _mark(program: str) -> Any:
    """Return what is another one when a program is another one."""
    state = os.stat(program)
    return [program, state.st_ino, state.st_size, state.st_mtime_ns]


def ask_socket(path: str, timeout: float) -> str:
    """Ask a daemon for its version through its administration socket."""
    return clean(ask(path, "version", timeout).get("version", ""), 64)
