"""Bring a changed spec to the daemons that run: restart those that need it, one after the other.

A daemon needs it when it got something else last, of what it takes over only when it starts. One
that was not deployed from here is taken as it is until its spec changes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Dict, List, Optional, Sequence, Tuple

from adapter.cluster.deployments import Deployment
from adapter.cluster.schedule import Daemon, DaemonPlacement
from adapter.cluster.service_changes import differences
from adapter.cluster.specs import Wanted
from adapter.core import Core
from adapter.interface import OrchestratorError
from adapter.kinds import KINDS, daemon_type_of, hands_over
from adapter.reconcile.found_daemons import known_or_found
from adapter.reconcile.guards import Guards
from adapter.reconcile.service_jobs import ServiceJobs


@dataclass(frozen=True)
class Behind:
    """A daemon that does not have all of its spec, and what it lacks."""

    daemon: Daemon
    options: Tuple[str, ...]

    def describe(self, kind: str) -> str:
        """Return which daemon is to be restarted, and for what."""
        return f"restart {kind}.{self.daemon.daemon_id} ({self.why})"

    @property
    def why(self) -> str:
        """Return what it is restarted for."""
        return f"{', '.join(self.options)} changed"


class DaemonChanges:
    """Compare what daemons got last with their specs, and choose which is next."""

    def __init__(self, core: Core, guards: Guards, jobs: ServiceJobs) -> None:
        self._core = core
        self._guards = guards
        self._digests, self._keys = jobs.digests, jobs.key_marks
        self._healed = jobs.settings.healed

    def behind(
        self, wanted: Wanted, kept: Sequence[Daemon], before: Optional[Wanted] = None
    ) -> List[Behind]:
        """Return the daemons that run and have to be restarted, without those that shall stop.

        A daemon of which nothing is known is as its spec says, as far as anybody can tell; where
        ``wanted`` is not kept yet that is ``before``. Raises ``OrchestratorError``.
        """
        with self._core.lock:
            ports = self._digests.ports_now(wanted, list(kept))
            stops = self._core.daemon_actions.stops()
            known = {
                (each.hostname, each.daemon_id): self._digests.known(
                    wanted, each.hostname, each.daemon_id
                )
                for each in kept
            }
        goals = self._digests.ports(wanted, ports)
        old_ports = self._digests.ports(before, ports) if before is not None else {}
        found: List[Behind] = []
        for daemon in kept:
            shall_stop = f"{daemon_type_of(wanted.spec)}.{daemon.daemon_id}" in stops
            if not daemon.runs or not daemon.ok or shall_stop:
                continue
            place = daemon.hostname, daemon.daemon_id
            key = self._keys.of(_entity(wanted, daemon))
            goal = self._digests.goal(wanted, place, goals[place], key)
            record = known[place]
            if record is not None and record.digest:
                got = record.digest
            elif before is not None:
                got = self._digests.goal(before, place, old_ports[place])
            else:
                continue
            options = differences(got, goal) or self._misread(wanted, daemon, record)
            if options:
                found.append(Behind(daemon, tuple(options)))
        return found

    def _misread(self, wanted: Wanted, daemon: Daemon, record: Optional[Deployment]) -> List[str]:
        """Return options that somebody had changed while the daemon was started."""
        configured = record.configured if record is not None else 0.0
        with self._core.lock:
            name = f"{daemon_type_of(wanted.spec)}.{daemon.daemon_id}"
            if daemon.hostname not in self._core.places.hosts_of(name):
                return []
            row = self._core.places.row(daemon.hostname, name)
        return self._healed.read_by(_entity(wanted, daemon), row, configured)

    def take_over(self, before: Wanted, after: Wanted, kept: Sequence[Daemon]) -> None:
        """Keep of daemons of which nothing is known what they have, before their spec changes.

        Also of those that a job of a manager before may still bring up. Raises ``NotKept``,
        ``UnreadableRecord``.
        """
        core = self._core
        unknown = []
        with core.lock:
            seen = {(each.hostname, each.daemon_id) for each in kept}
            coming = [
                Daemon(host, each.daemon_id)
                for host, each in core.deployments.of_service(before.name)
                if (host, each.daemon_id) not in seen and not each.digest
            ]
            daemons = [*kept, *coming]
            ports = self._digests.ports_now(before, daemons)
            for each in daemons:
                known = self._digests.known(before, each.hostname, each.daemon_id)
                if each.hostname in core.deployments.problems:
                    # Nothing is done there until its record can be read; that says it then.
                    continue
                if known is None or not known.digest:
                    found = known_or_found(core, each.hostname, before, each.daemon_id)
                    unknown.append((each, known or found))
        goals = self._digests.ports(before, ports)
        new = self._digests.ports(after, ports)
        rows: Dict[str, List[Deployment]] = {}
        for daemon, record in unknown:
            place = daemon.hostname, daemon.daemon_id
            has = self._digests.goal(before, place, goals[place])
            if not differences(has, self._digests.goal(after, place, new[place])):
                continue
            port = goals[place]
            record = replace(record, digest=has, ports=(port,) if port else ())
            rows.setdefault(daemon.hostname, []).append(record)
        with core.lock:
            for hostname, records in rows.items():
                core.deployments.save(hostname, records)

    def next(
        self, wanted: Wanted, kept: Sequence[Daemon], ready: Sequence[Behind]
    ) -> Tuple[Optional[Behind], str]:
        """Return the daemon that is restarted now, or None and what is waited for.

        ``ready`` are those on hosts where something can be done.
        """
        kind = daemon_type_of(wanted.spec)
        with self._core.lock:
            # Nobody misses what somebody has stopped.
            counted = [each for each in kept if not self._is_stopped(kind, each)]
            alive = [each for each in counted if self._core.liveness.online(each.hostname)]
        unwell = [each for each in counted if not each.runs or not each.ok]
        if unwell:
            names = ", ".join(f"{kind}.{each.daemon_id}" for each in unwell)
            return (
                None,
                f"{names} does not run properly; no other daemon is restarted until it does",
            )
        if len(alive) == 1 < len(counted):
            return (
                None,
                f"{kind}.{alive[0].daemon_id} is not restarted: it is the only daemon of the "
                "service on a host that answers",
            )
        reason = ""
        for each in ready:
            try:
                self._guards.check_stop(kind, each.daemon.daemon_id, restart=True)
                if not hands_over(kind) or self._guards.steps_back(
                    each.daemon.daemon_id, len(ready) == 1
                ):
                    return each, ""
                reason = reason or f"another manager takes over from mgr.{each.daemon.daemon_id}"
            except OrchestratorError as error:
                reason = reason or f"{kind}.{each.daemon.daemon_id}: {error}"
        return None, reason

    def _is_stopped(self, kind: str, daemon: Daemon) -> bool:
        name = f"{kind}.{daemon.daemon_id}"
        if daemon.runs or daemon.hostname not in self._core.places.hosts_of(name):
            return False
        return bool(self._core.places.row(daemon.hostname, name)["state"] == "stopped")


def _entity(wanted: Wanted, daemon: Daemon) -> str:
    return KINDS[wanted.spec.service_type].entity_of(daemon.daemon_id)


def place_of(behind: Behind) -> DaemonPlacement:
    """Return the place of a daemon that stays where it is."""
    return DaemonPlacement(behind.daemon.hostname, behind.daemon.daemon_id)
