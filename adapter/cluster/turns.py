"""Which managers ran jobs, one after the other, and what the last one left unfinished.

The records of jobs are files on the host of the manager that ran them. So one record of the store
says when which one began, with the jobs that had not ended when it wrote it last: the next manager
knows where a job is, and what one that was cut was to do.
"""

from __future__ import annotations

import calendar
import time
from dataclasses import dataclass, field, replace
from typing import Any, Dict, List, Optional, Tuple

from adapter.cluster.fields import Fields
from adapter.cluster.store import UNUSABLE, Store
from adapter.engine.jobs import JOB_ID
from adapter.errors import UnreadableRecord

KEY = "state.turns"
MOST_TURNS, MOST_JOBS, MOST_EXPECTED = 20, 20, 40
# So long (seconds) is told what became of a job that was cut.
KEPT = 86400.0


@dataclass(frozen=True)
class Expected:
    """What a job was to bring about on a host: ``name`` is a daemon, or a disk's path.

    ``state`` is running, restarted, stopped or gone of a daemon; osd or blank of a disk.
    """

    host: str
    name: str
    state: str

    def to_json(self) -> Dict[str, Any]:
        """Return the record."""
        return {"host": self.host, "name": self.name, "state": self.state}

    @classmethod
    def read(cls, read: Fields) -> Expected:
        """Read what ``to_json`` wrote, or raise ``Unusable``."""
        return cls(read.text("host"), read.text("name"), read.text("state"))


@dataclass(frozen=True)
class LeftJob:
    """A changing job that had not ended, and what is known of it now.

    ``controller`` is the host with its record, ``manager`` who ran it. ``said`` says what became
    of it, at ``when``; ``done`` that its work was done.
    """

    id: str
    operation: str
    summary: str
    hosts: Tuple[str, ...]
    controller: str
    manager: str
    created: float
    expected: Tuple[Expected, ...] = ()
    said: str = ""
    done: bool = False
    when: float = 0.0

    def to_json(self) -> Dict[str, Any]:
        """Return the record."""
        return {
            "id": self.id,
            "operation": self.operation,
            "summary": self.summary,
            "hosts": list(self.hosts),
            "controller": self.controller,
            "manager": self.manager,
            "created": self.created,
            "expected": [each.to_json() for each in self.expected],
            "said": self.said,
            "done": self.done,
            "when": self.when,
        }

    @classmethod
    def read(cls, read: Fields) -> LeftJob:
        """Read what ``to_json`` wrote, or raise ``Unusable``."""
        return cls(
            read.text("id", empty=False),
            read.text("operation"),
            read.text("summary", ""),
            read.texts("hosts"),
            read.text("controller"),
            read.text("manager"),
            read.time("created"),
            read.rows("expected", Expected.read),
            read.text("said", ""),
            read.flag("done", False),
            read.time("when"),
        )


@dataclass(frozen=True)
class Turn:
    """A manager's time as the active one: its name, its host, and when it began (epoch seconds)."""

    manager: str
    controller: str
    began: float

    def to_json(self) -> Dict[str, Any]:
        """Return the record."""
        return {"manager": self.manager, "controller": self.controller, "began": self.began}

    @classmethod
    def read(cls, read: Fields) -> Turn:
        """Read what ``to_json`` wrote, or raise ``Unusable``."""
        return cls(read.text("manager"), read.text("controller"), read.time("began"))


@dataclass
class Turns:
    """The record as it is known here. Callers hold the orchestrator's lock.

    ``left`` are jobs that earlier managers had not ended, ``unfinished`` those of this one.
    """

    turns: Tuple[Turn, ...] = ()
    left: Dict[str, LeftJob] = field(default_factory=dict)
    unfinished: Dict[str, LeftJob] = field(default_factory=dict)

    @classmethod
    def load(cls, store: Store, turn: Turn) -> Turns:
        """Return what is kept, with this manager's turn behind it.

        A record that cannot be used is written anew: it decides nothing.
        """
        try:
            read = Fields(store.get(KEY) or {})
            turns, jobs = read.rows("turns", Turn.read), read.rows("jobs", LeftJob.read)
        except (UnreadableRecord, *UNUSABLE):
            turns, jobs = (), ()
        last = turns[-1] if turns else None
        same = last is not None and last.controller == turn.controller
        turns = turns if same else (*turns, turn)[-MOST_TURNS:]
        oldest = turn.began - KEPT
        return cls(turns, {each.id: each for each in jobs if each.created > oldest})

    def to_json(self) -> Dict[str, Any]:
        """Return the record: the newest jobs of those that were left, and of this manager."""
        jobs = sorted([*self.left.values(), *self.unfinished.values()], key=lambda job: job.created)
        return {
            "turns": [each.to_json() for each in self.turns],
            "jobs": [each.to_json() for each in jobs[-MOST_JOBS:]],
        }

    def elsewhere(self, controller: str) -> List[Turn]:
        """Return the last turn on each other host, the newest last."""
        found = {each.controller: each for each in self.turns if each.controller != controller}
        return sorted(found.values(), key=lambda each: each.began)

    def of_job(self, job_id: str, controller: str) -> Optional[Turn]:
        """Return the turn in which a job was made that is on another host, None for none.

        A job's id begins with the time of its making, in UTC.
        """
        made = made_at(job_id)
        # The clocks of two hosts need not agree.
        before = [each for each in self.turns if made is not None and each.began <= made + 2.0]
        return before[-1] if before and before[-1].controller != controller else None

    def tell(self, job: LeftJob, said: str, when: float, *, done: bool = False) -> None:
        """Note what became of a job."""
        self.left[job.id] = replace(job, said=said, done=done, when=when)


def last_controller(store: Store) -> str:
    """Return the host of the last turn that is kept, empty where nobody knows."""
    try:
        turns = Fields(store.get(KEY) or {}).rows("turns", Turn.read)
    except (UnreadableRecord, *UNUSABLE):
        return ""
    return turns[-1].controller if turns else ""


def made_at(job_id: str) -> Optional[float]:
    """Return when a job was made (epoch seconds), as its id says; None for what is no id."""
    if not JOB_ID.fullmatch(job_id):
        return None
    try:
        return float(calendar.timegm(time.strptime(job_id[:15], "%Y%m%dT%H%M%S")))
    except ValueError:
        return None
