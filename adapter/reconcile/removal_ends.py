"""Do removals to their end, also where the job that should have done it failed or was cut."""

from __future__ import annotations

from typing import List, Optional

from adapter.cluster.schedule import Daemon
from adapter.cluster.unused_keys import UnusedKey
from adapter.core import Core
from adapter.errors import ReportAwaited
from adapter.interface import OrchestratorError
from adapter.kinds import DAEMONS
from adapter.reconcile.guards import Guards
from adapter.reconcile.parts import for_each
from adapter.reconcile.pauses import unless_paused
from adapter.reconcile.service_jobs import ServiceJobs
from adapter.state_lock import under_lock


class RemovalEnds:
    """Remove again, at growing pauses, what hosts still have of daemons that were removed.

    Whose service it is, and whether that is managed, makes no difference: somebody was told that
    the daemon goes. A failure is one of the service until it has gone.
    """

    def __init__(self, core: Core, guards: Guards, jobs: ServiceJobs) -> None:
        self._core, self._guards, self._jobs = core, guards, jobs

    def step(self, now: float) -> None:
        """Submit what can be done now (monotonic seconds)."""
        with self._core.lock:
            undone, refresh = self._jobs.keys.undone(), self._core.refresh
            refresh.want(
                [host for host in self._jobs.keys.unreported() if not refresh.pending(host)]
            )
        for_each(undone, lambda key: self._again(key, now))

    @under_lock
    def of(self, service: str) -> List[Daemon]:
        """Return a service's daemons that go.

        Also while a host has not said yet what a job that failed has left: the pause is kept.
        """
        keys = self._jobs.keys
        return [_running(key) for key in keys.pending() if keys.service_of(key) == service]

    def _again(self, key: UnusedKey, now: float) -> None:
        with self._core.lock:
            service = self._jobs.keys.service_of(key)
            if not self._may(key, service, now):
                return
        try:
            reason = self._remove(key, service)
        except ReportAwaited:
            return
        except OrchestratorError as error:
            reason = str(error)
        if reason:
            self._jobs.note_failure(
                service, key.host, f"{key.daemon} is not removed: {reason}", now
            )

    def _may(self, key: UnusedKey, service: str, now: float) -> bool:
        core = self._core
        if service in self._jobs.running or self._jobs.proofs.pending(service):
            return False
        return core.workable(key.host) and not core.service_failures.backs_off(
            service, key.host, now
        )

    def _remove(self, key: UnusedKey, service: str) -> Optional[str]:
        """Submit the removal of a daemon; return what speaks against it."""
        kind = DAEMONS[key.daemon_type]
        with self._guards.acting:
            leaving = "" if kind.cluster_needs or self._is_kept(service) else service
            if leaving:
                chosen, reason = self._guards.may_leave(kind, service, [_running(key)])
            else:
                chosen, reason = self._guards.may_remove(kind, [_running(key)])
            if not reason:
                again = self._guards.removal_again(kind, chosen, leaving=leaving)
                self._jobs.remove(service, kind, chosen, unless_paused(self._core, again))
        return reason

    def _is_kept(self, service: str) -> bool:
        with self._core.lock:
            wanted = self._core.specs.find(service)
            return wanted is not None and not wanted.deleted


def _running(key: UnusedKey) -> Daemon:
    return Daemon(key.host, key.daemon_id, ok=False, runs=False)
