"""Jobs that wait for their host and that a newer one makes needless.

The newest wins among those that are queued. What runs is never overtaken, and what a newer job does
only in part keeps its place before it.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Deque, FrozenSet, Mapping, Set, Tuple

from adapter.engine.base import Engine
from adapter.engine.model import OVERTAKEN, JobStatus, Request

# They write a host's own record, as it is when they are asked for, and do nothing else.
_LABELS = ("add_host_label", "remove_host_label")
_RECORDS = (*_LABELS, "update_host_addr")
_ACTIONS = ("daemon_action", "service_action")
_LIGHT = "blink_device_light"
_KNOWN = 500


class Overtaken:
    """Drop needless jobs, and know which were. Callers hold the orchestrator's lock."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._dropped: Deque[str] = deque(maxlen=_KNOWN)

    def by(self, request: Request, job_id: str) -> None:
        """Drop the queued jobs that a new one makes needless."""
        if request.operation not in (*_RECORDS, *_ACTIONS, _LIGHT):
            return
        for record in self._engine.jobs():
            queued = record.status is JobStatus.QUEUED and record.id != job_id
            if queued and overtakes(request, record.request):
                self.drop(record.id, f"job {job_id} was asked for later and does it")

    def drop(self, job_id: str, reason: str) -> bool:
        """Drop a job that has not begun; tell whether that could be done."""
        # Its listeners are told at once.
        self._dropped.append(job_id)
        if self._engine.overtake(job_id, f"{OVERTAKEN}{reason}"):
            return True
        self._dropped.remove(job_id)
        return False

    def has(self, job_id: str) -> bool:
        """Tell whether a job was dropped: that it did not do its work is no failure."""
        return job_id in self._dropped


def overtakes(newer: Request, older: Request) -> bool:
    """Tell whether a job that was asked for later does all that matters of an older one."""
    if newer.operation in _RECORDS and older.operation in _LABELS:
        moved = newer.operation not in _LABELS
        return newer.hosts == older.hosts and (moved or newer.targets == older.targets)
    if newer.operation in _ACTIONS and older.operation in _ACTIONS:
        units = _units(older)
        return bool(units) and units <= _units(newer) and _replaces(newer, older)
    if newer.operation == older.operation == _LIGHT:
        same = newer.variables.get("device_light_kind") == older.variables.get("device_light_kind")
        places = _lights(older)
        return same and bool(places) and places <= _lights(newer)
    return False


def _replaces(newer: Request, older: Request) -> bool:
    """Tell whether after an action nobody can tell that another one was left out before it.

    A start leaves alone what runs, so it does not do what a restart should. A rolling restart
    counts its own jobs, and may have been asked for before what it comes to meet.
    """
    if _is_rolling(older) or _is_rolling(newer):
        return False
    return (_action(newer), _action(older)) != ("start", "restart")


def _action(request: Request) -> str:
    return str(request.variables.get("daemon_action_action"))


def _is_rolling(request: Request) -> bool:
    return request.operation == "service_action" and _action(request) == "restart"


def _units(request: Request) -> Set[Tuple[str, str]]:
    by_host: Mapping[str, Any] = request.variables.get("daemon_action_units") or {}
    return {(host, unit) for host, units in by_host.items() for unit in units}


def _lights(request: Request) -> Set[FrozenSet[Tuple[str, Any]]]:
    rows = request.variables.get("device_light_locations") or ()
    return {frozenset(row.items()) for row in rows}
