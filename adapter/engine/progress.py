"""From event lines to progress, message and outcomes. Nothing is read or written here.

Each phase (role) of the request is an equal share. A host's position is the number of phases that
it has reported from; a host that failed has nothing left to do. The progress is the mean of all
positions, so it is right for every strategy, and it never goes back.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Callable, Dict, List, Mapping, Optional, Set

from adapter.engine.model import HostOutcome, HostStatus, Request
from adapter.engine.outcomes import one_line
from adapter.errors import some_of

# Only the end of a job is 1.0.
ALMOST_DONE = 0.99
_KEPT_NOTES = 20
_KEPT_DIFFS = 50
_NAMED_HOSTS = 3
_BAD = (HostStatus.FAILED, HostStatus.UNREACHABLE)


class Progress:
    """The state of one job, moved on by ``apply``.

    ``outcomes`` has every expected host; ``published`` those that published something;
    ``changed`` those that changed something, ``notes`` the last warnings. With
    ``keep_results=False`` results and diffs are dropped (the worker only needs to know who
    published).
    """

    def __init__(self, request: Request, *, keep_results: bool = True) -> None:
        self.request = request
        self.fraction = 0.0
        self.outcomes: Dict[str, HostOutcome] = {host: HostOutcome() for host in request.hosts}
        self.published: Set[str] = set()
        self.notes: List[str] = []
        self.command = ""
        self.no_command = ""
        self.pid: Optional[int] = None
        self._keep_results = keep_results
        self._phases = [short_role(name) for name in request.phases]
        self._phase = -1
        self._phase_name = ""
        self._positions: Dict[str, int] = dict.fromkeys(self.outcomes, 0)
        self._total = 0
        self.changed: Set[str] = set()
        self._doing: Dict[str, str] = {}
        self._readers: Dict[str, Callable[[Mapping[str, Any]], Optional[str]]] = {
            "start": self._start,
            "phase": self._enter_phase,
            "host": self._host,
            "note": self._note,
            "doing": self._is_doing,
        }

    def apply(self, event: Any) -> Optional[str]:
        """Take over one event line; return the host whose outcome changed, if one did.

        What is not understood is ignored.
        """
        if not isinstance(event, Mapping):
            return None
        reader = self._readers.get(str(event.get("type")))
        if reader is None:
            return None
        host = reader(event)
        self._count()
        return host

    def _start(self, event: Mapping[str, Any]) -> None:
        self.command = str(event.get("command") or "")
        self.no_command = str(event.get("no_command") or "")
        if isinstance(event.get("pid"), int):
            self.pid = event["pid"]

    def _enter_phase(self, event: Mapping[str, Any]) -> None:
        name = short_role(str(event.get("role") or ""))
        if not self._phases:
            self._phase_name = name or str(event.get("task") or "")
            return
        index = self._index(name)
        if index is not None and index > self._phase:
            self._phase, self._phase_name = index, name

    def _note(self, event: Mapping[str, Any]) -> None:
        self.notes.append(one_line(event.get("text") or ""))
        del self.notes[:-_KEPT_NOTES]

    def _is_doing(self, event: Mapping[str, Any]) -> None:
        self._doing[str(event.get("host"))] = one_line(event.get("text") or "")

    def _host(self, event: Mapping[str, Any]) -> Optional[str]:
        host = str(event.get("host"))
        self._doing.pop(host, None)
        before = self.outcomes.get(host)
        if before is None:
            return None
        try:
            status = HostStatus(str(event.get("status")))
        except ValueError:
            return None
        after = self._outcome(host, before, status, event)
        self.outcomes[host] = after
        self._advance(host, after.status, event)
        return host if after != before else None

    def _advance(self, host: str, status: HostStatus, event: Mapping[str, Any]) -> None:
        """Count a host's way: a phase is behind it when it published, or is in a later one.

        A phase's first tasks say nothing of how far it is, least of all the check of its
        arguments.
        """
        if status in _BAD:
            position = self._shares
        elif self._phases:
            index = self._index(short_role(str(event.get("role") or "")))
            position = 0 if index is None else index + bool(event.get("result"))
        else:
            position = 1 if host in self.published else 0
        gain = position - self._positions[host]
        if gain > 0:
            self._positions[host] = position
            self._total += gain

    def is_through(self, host: str) -> bool:
        """Tell whether a host has published from the last phase."""
        return bool(self._phases) and self._positions.get(host) == self._shares

    def _outcome(
        self, host: str, before: HostOutcome, status: HostStatus, event: Mapping[str, Any]
    ) -> HostOutcome:
        result, diff = before.result, before.diff
        published = event.get("result")
        if isinstance(published, Mapping) and published:
            self.published.add(host)
            if self._keep_results:
                result = {**result, **published}
        shown = event.get("diff")
        if self._keep_results and isinstance(shown, list) and shown:
            diff = (*diff, *shown)[:_KEPT_DIFFS]
        if status is HostStatus.CHANGED:
            self.changed.add(host)
        message = before.message
        if status in _BAD:
            message = one_line(event.get("message") or status.value)
        elif before.status in _BAD:
            status = before.status
        elif host in self.published:
            status = HostStatus.CHANGED if host in self.changed else HostStatus.OK
        else:
            status = HostStatus.WAITING
        if before.status is status and result is before.result and diff is before.diff:
            return replace(before, message=message) if message != before.message else before
        return HostOutcome(status=status, message=message, result=result, diff=diff)

    @property
    def _shares(self) -> int:
        return max(1, len(self._phases))

    def _index(self, role: str) -> Optional[int]:
        """Return the phase that a role is, the current one or a later one first."""
        start = max(self._phase, 0)
        if role in self._phases[start:]:
            return self._phases.index(role, start)
        return self._phases.index(role) if role in self._phases else None

    def _count(self) -> None:
        if self._positions:
            share = self._total / (self._shares * len(self._positions))
            self.fraction = max(self.fraction, min(share, ALMOST_DONE))

    @property
    def message(self) -> str:
        """Return what is being done, where, and how many hosts are through with it.

        ``get_inventory: host_report on h3 (1/3 hosts, 1 failed)``; what takes long on a host stands
        behind its name: ``apply_rgw: daemon_deploy on h2 (installs radosgw), h3 (0/2 hosts)``.
        """
        if not self._phase_name:
            return f"{self.request.operation}: starting"
        before = max(self._phase, 0)
        done = sum(position > before for position in self._positions.values())
        failed = sum(outcome.status in _BAD for outcome in self.outcomes.values())
        counts = f"{done}/{len(self._positions)} hosts" + (f", {failed} failed" if failed else "")
        return f"{self.request.operation}: {self._phase_name}{self._where(before)} ({counts})"

    def _where(self, phase: int) -> str:
        """Return the hosts that are at a phase or before it, those first that say what they do."""
        at = [
            host
            for host, position in self._positions.items()
            if position <= phase and self.outcomes[host].status not in _BAD
        ]
        at.sort(key=lambda host: not self._doing.get(host))
        named = [f"{host} ({self._doing[host]})" if self._doing.get(host) else host for host in at]
        return f" on {some_of(named, _NAMED_HOSTS)}" if named else ""


def short_role(name: str) -> str:
    """Return a role's name without its collection."""
    return name.rpartition(".")[2]
