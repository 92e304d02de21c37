# Copyright: (c) The ceph-orch-ansible developers
# SPDX-License-Identifier: Apache-2.0

"""Who upgrades a cluster by hand now: each run has a key of its own in the monitors' store.

The monitors know no write under a condition. So a run writes its own key first and looks then
whether others have one: of two that begin together at least one sees the other.

A run is at work while its process lives, or the worker that has a host's turn: that goes on when
the playbook itself is killed. It is known only where that process is seen: by the kernel's boot and
the namespace of processes. Of any other run nobody can say it here, so it is left alone.
"""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import socket
import time
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Callable, Dict, List, Tuple

from .monitors import NoAnswer

RUNS = "ceph-orch-ansible/upgrade_by_hand_run."
_LONGEST = 64
_UNREADABLE = (ValueError, KeyError, TypeError, OverflowError)
_SECONDS = 10**11


class RunsElsewhere(Exception):
    """Say who is at the upgrade, and how to go on if that one is dead."""


@dataclass(frozen=True)
class Processes:
    """What tells one process from all others on a machine; ``top`` is where ``/proc`` is."""

    top: str = "/proc"

    def here(self) -> str:
        """Return what two processes that can see each other have in common, or an empty text."""
        try:
            with open(f"{self.top}/sys/kernel/random/boot_id", encoding="ascii") as file:
                boot = file.read().strip()
            return f"{boot} {os.stat(f'{self.top}/self/ns/pid').st_ino}"
        except (OSError, ValueError):
            return ""

    def started(self, pid: int) -> int:
        """Return when a process was started, in clock ticks since the boot; 0 if it has ended."""
        try:
            with open(f"{self.top}/{int(pid)}/stat", "rb") as file:
                words = file.read().rpartition(b")")[2].split()
            return 0 if words[0] in (b"Z", b"X") else int(words[19])
        except (OSError, ValueError, IndexError):
            return 0


@dataclass(frozen=True)
class Run:
    """One run of the playbook. Times are epoch seconds; ``seen`` is when its last turn began.

    ``place`` is where its processes are seen, ``at_work`` has their ids and when they started.
    """

    user: str
    machine: str
    pid: int
    place: str
    since: float
    seen: float
    at_work: Tuple[Tuple[int, int], ...] = field(default=())

    @property
    def key(self) -> str:
        """Return the key of this run, which no other one has."""
        started = next((start for pid, start in self.at_work if pid == self.pid), 0)
        boot, _, space = self.place.partition(" ")
        return f"{RUNS}{self.pid}.{started}.{space or 0}.{boot or self.machine}"

    def ended(self, processes: Processes) -> bool:
        """Tell whether it is sure that nothing of it is at work any more."""
        if not self.place or self.place != processes.here() or not self.at_work:
            return False
        return all(processes.started(pid) != start for pid, start in self.at_work)

    def __str__(self) -> str:
        return (
            f"{_shown(self.user)} on {_shown(self.machine)} (process {self.pid}) since "
            f"{_moment(self.since)}, whose last turn began at {_moment(self.seen)}"
        )


def this_run(processes: Processes) -> Run:
    """Return the run whose worker this process is."""
    parent, own = os.getppid(), os.getpid()
    now = time.time()
    at_work = tuple((pid, processes.started(pid)) for pid in (parent, own))
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        user = f"user {os.getuid()}"
    return Run(user, socket.gethostname(), parent, processes.here(), now, now, at_work)


class Claim:
    """The key of one run; ``ask`` returns what `ceph WORDS` prints. Methods raise ``NoAnswer``."""

    def __init__(self, ask: Callable[..., str], run: Run, processes: Processes) -> None:
        self._ask, self._run, self._processes = ask, run, processes

    def take(self) -> None:
        """Say that this run is at work, and raise ``RunsElsewhere`` where another one is."""
        there = self._read()
        # Who finds another one leaves nothing of its own behind.
        self._refuse(there)
        with contextlib.suppress(*_UNREADABLE):
            self._run = replace(self._run, since=_run_of(there[self._run.key]).since)
        self._run = replace(self._run, seen=time.time())
        self._ask("config-key", "set", self._run.key, json.dumps(asdict(self._run)))
        try:
            self._refuse(self._read())
        except RunsElsewhere:
            self.release()
            raise

    def look(self) -> None:
        """Raise ``RunsElsewhere`` where another run is at work; change nothing."""
        self._refuse(self._read(), tidy=False)

    def release(self) -> None:
        """Say that this run is over."""
        self._ask("config-key", "rm", self._run.key)

    def _refuse(self, there: Dict[str, str], *, tidy: bool = True) -> None:
        for key, text in sorted(there.items()):
            if key == self._run.key:
                continue
            try:
                other = _run_of(text)
            except _UNREADABLE:
                raise RunsElsewhere(
                    f"somebody is at an upgrade by hand, and the key {_shown(key, 200)} in the "
                    "monitors' store, which says who, cannot be read. If nobody is, "
                    f"{_removal(key)}, then run the playbook again"
                ) from None
            if not other.ended(self._processes):
                raise RunsElsewhere(
                    f"another run of an upgrade by hand is at work: {other}. Wait for its end. If "
                    f"that process has ended without it, {_removal(key)}, then run the playbook "
                    "again: it goes on from there"
                )
            if tidy:
                self._ask("config-key", "rm", key)

    def _read(self) -> Dict[str, str]:
        try:
            found = json.loads(self._ask("config-key", "dump", RUNS, "--format", "json"))
        except ValueError:
            raise NoAnswer("the monitors' answer to `config-key dump` is not JSON") from None
        if not isinstance(found, dict):
            raise NoAnswer("the monitors' answer to `config-key dump` has no keys")
        return {str(key): str(text) for key, text in found.items() if str(key).startswith(RUNS)}


def _run_of(text: str) -> Run:
    """Read what a run has written; raises what ``_UNREADABLE`` has."""
    data: Any = json.loads(text)
    at_work: List[Tuple[int, int]] = [(int(pid), int(start)) for pid, start in data["at_work"]]
    since, seen = float(data["since"]), float(data["seen"])
    if not 0 <= since < _SECONDS or not 0 <= seen < _SECONDS:
        raise ValueError("not a time")
    return Run(
        str(data["user"]),
        str(data["machine"]),
        int(data["pid"]),
        str(data["place"]),
        since,
        seen,
        tuple(at_work),
    )


def _removal(key: str) -> str:
    quoted = key.replace("'", "'\\''")
    return f"`ceph config-key rm '{_shown(quoted, 250)}'`"


def _moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))


def _shown(text: str, longest: int = _LONGEST) -> str:
    """Return a text of somebody else as it can be printed."""
    return "".join(each if each.isprintable() else "?" for each in text[:longest])
