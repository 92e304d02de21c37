"""Which daemons go down by jobs that were asked for, before the cluster's maps show it.

A stop is asked about at once and done later: until then, and for as long as a map may take to see
it, the daemon counts as down already.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any, Callable, Dict, FrozenSet, Iterable, List, Mapping, Optional, Tuple

from adapter.cluster.daemon_places import DaemonPlaces
from adapter.engine.base import Engine
from adapter.engine.model import JobRecord, JobStatus, Request
from adapter.kinds import KINDS, MANAGERS, QUORUM, daemon_of_unit, kind_of

# So long (seconds) a map may have a daemon that is stopped: a manager's entry lives for 30 s
# without a sign of life, that of a monitor or of a metadata server for less.
STOPPED_SEEN = 45.0
# So long it takes until a daemon that was restarted has its place again.
RESTARTED_SEEN = 10.0
# So long it takes until the maps show a monitor, a metadata server or an OSD down.
MAPS_FOLLOW = 30.0
ACTIONS = ("daemon_action", "service_action")
PACKAGES, _UNITS = "upgrade_packages", "host_upgrade_units"
REMOVALS = ("remove_daemons", "remove_service")
# What stops a host as a whole, and starts it again.
STOPS_HOST, STARTS_HOST = "enter_host_maintenance", "exit_host_maintenance"
# What brings daemons of a kind to run, and starts those again whose spec has changed.
_DEPLOYED = {kind.operation: kind.daemon_type for kind in KINDS.values()}


@dataclass(frozen=True)
class _Going:
    """Daemons (``mon.h1``) that a job takes down, for good or to start them again."""

    daemons: FrozenSet[str]
    comes_back: bool


class GoingDown:
    """Know what unfinished jobs stop, restart and remove. Callers hold the orchestrator's lock.

    ``clock`` gives monotonic seconds.
    """

    def __init__(
        self,
        places: DaemonPlaces,
        engine: Engine,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._places, self._engine = places, engine
        self.clock = clock
        # When this manager has taken over; what the one before it has stopped is not known here.
        self.began = -math.inf
        self._jobs: Dict[str, _Going] = {}
        self._starts: Dict[str, FrozenSet[str]] = {}
        # Until when those of ended jobs count.
        self._until: Dict[str, float] = {}

    def read_jobs(self) -> None:
        """Know what the jobs on this host have taken down, also those that have ended by now."""
        for record in self._engine.jobs():
            ago = time.time() - (record.finished or 0.0)
            if not record.status.final:
                self.by(record.request, record.id)
            elif record.started is not None and 0 <= ago < STOPPED_SEEN:
                self.by(record.request, record.id)
                self.ended(record, ago)

    def unknown_for(self) -> float:
        """Return how many seconds the maps may still miss what a manager before has stopped."""
        return max(0.0, self.began + MAPS_FOLLOW - self.clock())

    def take_over(self, going: Mapping[str, float]) -> None:
        """Count as down what the manager before has told, for so many seconds, and nothing else."""
        self.began = -math.inf
        for name, left in going.items():
            self._until[name] = self.clock() + left

    def seconds_left(self) -> Optional[Dict[str, float]]:
        """Return for how long daemons count as down after their jobs, None while jobs go on."""
        self._follow()
        if self._jobs or self._starts or self.unknown_for():
            return None
        now = self.clock()
        return {name: until - now for name, until in self._until.items() if until > now}

    def takes_down(self, request: Request) -> bool:
        """Tell whether a request stops or restarts daemons, or starts what was stopped."""
        noted = GoingDown(self._places, self._engine, self.clock)
        noted.by(request, "")
        return bool(noted._jobs or noted._starts)

    def by(self, request: Request, job_id: str) -> None:
        """Note what a job takes down."""
        if request.check:
            return
        variables = request.variables
        if request.operation in ACTIONS:
            daemons = self._of_units(variables.get("daemon_action_units") or {})
            action = variables.get("daemon_action_action")
            if action == "start":
                self._starts[job_id] = daemons
                return
            self._jobs[job_id] = _Going(daemons, action == "restart")
        elif request.operation == PACKAGES:
            # Managers are down for as long as their host's packages change.
            self._jobs[job_id] = _Going(self._of_units(variables.get(_UNITS) or {}), True)
        elif request.operation in (STOPS_HOST, STARTS_HOST):
            self._by_host(request, job_id)
        elif request.operation in REMOVALS:
            rows = _rows(variables.get("daemon_remove_daemons"))
            names = (f"{row.get('daemon_type')}.{row.get('daemon_id')}" for row in rows)
            self._jobs[job_id] = _Going(frozenset(names), False)
        elif request.operation == "remove_osds" and variables.get("osd_remove_step") == "stop":
            rows = _rows(variables.get("osd_remove_osds"))
            self._jobs[job_id] = _Going(frozenset(f"osd.{row['osd_id']}" for row in rows), False)
        elif request.operation in _DEPLOYED:
            kind = _DEPLOYED[request.operation]
            # Only a daemon that runs and is started again has a time since when it lacks something.
            rows = _rows(variables.get("daemon_deploy_daemons"))
            again = frozenset(f"{kind}.{row.get('id')}" for row in rows if row.get("since"))
            if again:
                self._jobs[job_id] = _Going(again, True)

    def _by_host(self, request: Request, job_id: str) -> None:
        """Note what a job takes down that stops hosts as a whole, or that one starts them again."""
        reported = (self._places.by_unit(host).values() for host in request.hosts)
        daemons = frozenset(name for names in reported for name in names)
        if request.operation == STARTS_HOST:
            self._starts[job_id] = daemons
            return
        part = str(request.variables.get("host_maintenance_part"))
        stops = frozenset(name for name in daemons if not _stays(name.partition(".")[0], part))
        self._jobs[job_id] = _Going(stops, False)

    def stopping(self) -> FrozenSet[str]:
        """Return the daemons that jobs take down for good."""
        found = [each.daemons for each in self._jobs.values() if not each.comes_back]
        return frozenset().union(*found)

    def at_work_on(self) -> FrozenSet[str]:
        """Return the daemons that jobs, until they end, stop or start again."""
        return frozenset().union(*(each.daemons for each in self._jobs.values()))

    def daemons_of(self, request: Request) -> FrozenSet[str]:
        """Return the daemons that a request starts, stops, restarts, deploys or removes."""
        variables = request.variables
        if request.operation in ACTIONS:
            return self._of_units(variables.get("daemon_action_units") or {})
        if request.operation == PACKAGES:
            return self._of_units(variables.get(_UNITS) or {})
        if request.operation in REMOVALS:
            rows = _rows(variables.get("daemon_remove_daemons"))
            return frozenset(f"{row.get('daemon_type')}.{row.get('daemon_id')}" for row in rows)
        kind = _DEPLOYED.get(request.operation, "")
        rows = _rows(variables.get("daemon_deploy_daemons")) if kind else ()
        return frozenset(f"{kind}.{row.get('id')}" for row in rows)

    def ended(self, record: JobRecord, ago: float = 0.0) -> None:
        """Note that a job has ended, ``ago`` seconds before, and when the maps have to show it."""
        started = self._starts.pop(record.id, frozenset())
        if record.status is JobStatus.SUCCEEDED:
            for name in started:
                self._until.pop(name, None)
        going = self._jobs.pop(record.id, None)
        if going is None or record.started is None:
            return
        back = going.comes_back and record.status is JobStatus.SUCCEEDED
        for name in going.daemons:
            # The map says when an OSD started last, so of one it is seen when it is back.
            seen = RESTARTED_SEEN if back and not name.startswith("osd.") else STOPPED_SEEN
            self._until[name] = self.clock() + seen - ago

    def came_back(self, names: Iterable[str]) -> None:
        """Note that the maps show daemons as they are after their restart."""
        for name in names:
            self._until.pop(name, None)

    def of(self, kind: str, but: Iterable[str] = ()) -> List[str]:
        """Return the ids of a kind's daemons that go down, without those of the jobs ``but``."""
        self._follow()
        now, own = self.clock(), set(but)
        self._until = {name: until for name, until in self._until.items() if until > now}
        found = set(self._until)
        for job, going in self._jobs.items():
            found |= going.daemons if job not in own else frozenset()
        start = f"{kind}."
        return sorted(name[len(start) :] for name in found if name.startswith(start))

    def _follow(self) -> None:
        """Take over what another program on this host has asked for, which shares the jobs."""
        for record in self._engine.jobs():
            known = record.id in self._jobs or record.id in self._starts
            if known and record.status.final:
                self.ended(record)
            elif not known and not record.status.final:
                self.by(record.request, record.id)

    def _of_units(self, units: Mapping[str, Any]) -> FrozenSet[str]:
        """Return the daemons of units, as their hosts report them, else as the names say."""
        found = []
        for host, names in units.items():
            known = self._places.by_unit(host)
            found += [known.get(unit) or daemon_of_unit(unit) for unit in names]
        return frozenset(filter(None, found))


def _stays(kind: str, part: str) -> bool:
    """Tell whether daemons of a kind go on running where only a part of a host stops."""
    guard = kind_of(kind).guard
    if part == "services":
        return guard in (QUORUM, MANAGERS) or kind == "osd"
    return part == "data" and guard == QUORUM


def _rows(by_host: Any) -> Tuple[Mapping[str, Any], ...]:
    return tuple(row for rows in (by_host or {}).values() for row in rows)
