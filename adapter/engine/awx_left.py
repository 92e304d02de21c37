"""Jobs that a manager on another host has launched in AWX: found there again, to be followed on.

AWX runs a job on when its manager is gone. Its inventory has the job's id in its name, so whoever
knows the id finds it. What is found here was launched: nothing here launches anything.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Iterable, List, Optional

from adapter.awxapi.client import Awx, Object
from adapter.engine.awx_made import prefix_of
from adapter.engine.awx_memory import FILE
from adapter.engine.awx_place import AwxPlace
from adapter.engine.base import Left
from adapter.engine.by_hand import ENTITIES, JOB, SECRETS
from adapter.engine.jobs import JobDirs
from adapter.engine.model import JobRecord, JobStatus, Request
from adapter.errors import AdapterError

# For how many seconds a job is looked for that AWX does not know: its launch may be under way. And
# the pause between two looks.
_LOOKED_FOR = 90.0
_PAUSE = 5.0
# What the launch has added to the variables.
_ADDED = (JOB, SECRETS, ENTITIES)


@dataclass
class _Search:
    began: float = field(default_factory=time.monotonic)
    looked: float = float("-inf")
    is_over: bool = False


@dataclass(frozen=True)
class Found:
    """A job of AWX, the name of its inventory, and the urls of what was made for it."""

    job: Object
    key: str
    inventory: str
    credential: str


class LeftInAwx:
    """Look for such jobs in a thread, and make their directories as their own manager had them.

    ``made`` is called with the id of each, once its directory is there.
    """

    def __init__(self, dirs: JobDirs, made: Callable[[str], None]) -> None:
        self._dirs, self._made = dirs, made
        self._searches: Dict[str, _Search] = {}
        self._thread: Optional[threading.Thread] = None

    def look(self, place: AwxPlace, settings: Dict[str, Any], left: Iterable[Left]) -> None:
        """Look for those that are not found yet; nothing is waited for."""
        if self._thread is not None and self._thread.is_alive():
            return
        now, due = time.monotonic(), []
        for job in left:
            search = self._searches.setdefault(job.id, _Search())
            if search.is_over or now - search.looked < _PAUSE:
                continue
            search.looked = now
            search.is_over = now - search.began > _LOOKED_FOR
            due.append(job)
        if not due:
            return
        self._thread = threading.Thread(
            target=self._look, args=(place, settings, due), name="awx-left", daemon=True
        )
        self._thread.start()

    def _look(self, place: AwxPlace, settings: Dict[str, Any], left: List[Left]) -> None:
        for job in left:
            try:
                found = launched(place.connect(), place, job.id)
                if found is None:
                    continue
                make_directory(self._dirs, place, settings, job, found)
            except FileExistsError:
                pass
            except (AdapterError, OSError, ValueError):
                # It is looked for again.
                continue
            self._searches[job.id].is_over = True
            self._made(job.id)


def launched(awx: Awx, place: AwxPlace, job_id: str) -> Optional[Found]:
    """Return what AWX has of a job of ours, None where it knows none."""
    rows = awx.list("jobs", inventory__name__startswith=_prefix(place, job_id))
    job = awx.get(str(rows[-1]["url"])) if rows else None
    if job is None:
        return None
    key = str((job.get("summary_fields", {}).get("inventory") or {}).get("name"))
    credentials = awx.list("credentials", name=key)
    inventory = f"{awx.collection('inventory')}{job.get('inventory')}/"
    return Found(job, key, inventory, str(credentials[0]["url"]) if credentials else "")


def make_directory(
    dirs: JobDirs, place: AwxPlace, settings: Dict[str, Any], left: Left, found: Found
) -> None:
    """Make the directory of a job that runs in AWX; it is there with all that is in it, or not.

    Raises ``OSError``, ``ValueError`` where AWX does not say what the job is.
    """
    job = found.job
    marker, _, attempt = found.key[len(_prefix(place, left.id)) :].rpartition("-")
    given = json.loads(job.get("extra_vars") or "{}")
    if not marker or not attempt.isdigit() or not isinstance(given, dict):
        raise ValueError(f"AWX does not say what job {left.id} is")
    request = Request(
        left.operation,
        left.targets,
        {name: value for name, value in given.items() if name not in _ADDED},
        check=job.get("job_type") == "check",
        diff=bool(job.get("diff_mode")),
        timeout=max(1.0, float(job.get("timeout") or 0.0) - place.stop),
        changes=True,
        summary=left.summary,
    )
    record = JobRecord(
        left.id,
        request,
        JobStatus.RUNNING,
        left.created,
        started=left.created,
        message=f"{left.operation}: found in AWX",
        controller=left.controller,
    )
    memory = {
        "began": left.created,
        "attempt": int(attempt),
        "key": found.key,
        "inventory": found.inventory,
        "number": job.get("inventory"),
        "credential": found.credential,
        "job": job["url"],
        "sent": True,
    }
    given = {**settings, "marker": marker}
    dirs.create(record, given, marker, {FILE: json.dumps(memory)})


def _prefix(place: AwxPlace, job_id: str) -> str:
    return f"{prefix_of(place)}{job_id}-"
