"""The events of a job of AWX, in their order and without a gap.

AWX writes events down in no order, so the one with the highest number is not the last that is
there. What is asked for is everything above the number below which nothing is missing.
"""

from __future__ import annotations

from typing import AbstractSet, Any, Dict, List, Mapping, Sequence
from urllib.parse import urlencode

from adapter.awxapi.client import Awx
from adapter.engine.events import RESULT
from adapter.errors import NotReady

Event = Mapping[str, Any]

_PAGE = 200
# What one look reads at most; the rest is there at the next one.
_PAGES = 10
_LOST = "it failed in AWX, and the event that says why is lost there"
_UNREACHED = "AWX could not reach it, and the event that says why is lost there"


class EventStream:
    """The events of one job. ``lost`` counts those that never came."""

    def __init__(self, path: str) -> None:
        self.lost = 0
        self._path = path
        self._low = 0
        self._held: Dict[int, Event] = {}

    def read(self, awx: Awx) -> List[Event]:
        """Return the events that are new, each once; none beyond one that is missing yet."""
        after = self._low
        for _ in range(_PAGES):
            page = self._page(awx, after)
            for event in page:
                counter = event.get("counter")
                if isinstance(counter, int) and counter > self._low:
                    self._held.setdefault(counter, event)
                    after = max(after, counter)
            if len(page) < _PAGE:
                break
        return self._ready()

    def give_up(self) -> List[Event]:
        """Return what stands behind the events that are missing; those are lost."""
        found: List[Event] = []
        while self._held:
            first = min(self._held)
            self.lost += first - self._low - 1
            self._low = first - 1
            found.extend(self._ready())
        return found

    @property
    def has_gap(self) -> bool:
        """Tell whether an event is missing in front of others."""
        return bool(self._held)

    def _ready(self) -> List[Event]:
        found = []
        while self._low + 1 in self._held:
            self._low += 1
            found.append(self._held.pop(self._low))
        return found

    def _page(self, awx: Awx, after: int) -> List[Event]:
        query = {"counter__gt": after, "order_by": "counter", "page_size": _PAGE}
        page = awx.get(f"{self._path}?{urlencode({**query, 'no_truncate': 'true'})}")
        rows = page.get("results") if page is not None else None
        if not isinstance(rows, list):
            raise NotReady("AWX gives no list of the job's events.", "Check base_path.")
        return [row for row in rows if isinstance(row, dict)]


def from_documents(
    artifacts: Any, summaries: Sequence[Event], bad: AbstractSet[str] = frozenset()
) -> List[Event]:
    """Return the events that a job's result and its summaries of hosts are worth.

    They stand for events that are lost: what hosts published, and which of them failed or could not
    be reached; of the hosts in ``bad`` that is known. Without any summary nothing is known of the
    job's end.
    """
    found: List[Event] = []
    failures: Dict[str, int] = {}
    dark: Dict[str, int] = {}
    told: Dict[str, Any]
    for row in summaries:
        host = str(row.get("host_name"))
        if row.get("dark"):
            dark[host], kind = 1, "runner_on_unreachable"
            told = {"msg": _UNREACHED}
        elif row.get("failures"):
            failures[host], kind = 1, "runner_on_failed"
            told = {"msg": _LOST}
        else:
            kind, told = "runner_on_ok", {"changed": bool(row.get("changed"))}
        if host not in bad:
            found.append({"event": kind, "event_data": {"host": host, "res": told}})
    if summaries:
        published = artifacts if isinstance(artifacts, Mapping) and RESULT in artifacts else {}
        data = {"artifact_data": published, "failures": failures, "dark": dark}
        found.append({"event": "playbook_on_stats", "event_data": data})
    return found
