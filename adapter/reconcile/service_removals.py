"""Take from hosts what services have too much of, what leaves one host in one job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional, Sequence, Tuple

from adapter.cluster.schedule import Daemon
from adapter.cluster.specs import Wanted
from adapter.core import Core
from adapter.engine.gate import Ask
from adapter.errors import ReportAwaited
from adapter.interface import OrchestratorError
from adapter.kinds import KINDS, SERVING, Kind
from adapter.reconcile.guards import Guards
from adapter.reconcile.leaving import Leaving
from adapter.reconcile.pauses import unless_paused
from adapter.reconcile.service_flips import ServiceFlips
from adapter.reconcile.service_jobs import ServiceJobs


@dataclass(frozen=True)
class _Surplus:
    """What a service has too much of, on hosts where that can go now, and what it keeps."""

    wanted: Wanted
    daemons: Sequence[Daemon]
    kept: Sequence[Daemon]

    @property
    def kind(self) -> Kind:
        return KINDS[self.wanted.spec.service_type]

    @property
    def hosts(self) -> Tuple[str, ...]:
        return tuple(sorted({each.hostname for each in self.daemons}))


class ServiceRemovals:
    """Collect what is too much while services are looked at, then ask and submit.

    A job costs its start, and jobs on one host go one after the other: what several services have
    on a host that is emptied goes in one.
    """

    def __init__(self, core: Core, guards: Guards, jobs: ServiceJobs, flips: ServiceFlips) -> None:
        self._core, self._guards, self._jobs, self._flips = core, guards, jobs, flips
        self._todo: List[_Surplus] = []

    def begin(self) -> None:
        """Begin a new look at the services."""
        self._todo = []

    def want(self, wanted: Wanted, daemons: Sequence[Daemon], kept: Sequence[Daemon]) -> None:
        """Note daemons that are to go, in the order in which they are to, and those that stay."""
        self._todo.append(_Surplus(wanted, daemons, kept))

    def submit(self, now: float) -> None:
        """Remove what is too much: one at a time where that matters, as far as it is safe.

        What others are about to lose counts in each question, so that none is asked between a
        question and its job. ``now`` is in monotonic seconds.
        """
        todo, self._todo = self._todo, []
        with self._guards.acting:
            batch: List[Tuple[_Surplus, Leaving]] = []
            for each in todo:
                if batch and not self._goes_with(each, batch[0][0].hosts, batch):
                    self._submit(batch, now)
                    batch = []
                leaving = self._ask(each, now)
                if leaving is not None:
                    batch.append((each, leaving))
            self._submit(batch, now)

    def _goes_with(
        self, one: _Surplus, hosts: Sequence[str], batch: Sequence[Tuple[_Surplus, Leaving]]
    ) -> bool:
        """Tell whether a service's daemons leave their host together with others.

        Gateways may take minutes to end what they are at. What failed on a host is tried by
        itself. Of one kind the question counts what has gone before it, so that has its job first.
        """
        everyone = [one, *(each for each, _ in batch)]
        if len(hosts) != 1 or any(each.hosts != one.hosts for each in everyone):
            return False
        kinds = {each.kind.service_type for each in everyone}
        if len(kinds) != len(everyone) or any(each.kind.guard == SERVING for each in everyone):
            return False
        with self._core.lock:
            failures = self._core.service_failures
            return not any(hosts[0] in failures.hosts(each.wanted.name) for each in everyone)

    def _ask(self, one: _Surplus, now: float) -> Optional[Leaving]:
        """Return what of a service may go now; what speaks against it is its event."""
        wanted, guards = one.wanted, self._guards
        try:
            if wanted.deleted:
                chosen, reason = guards.may_leave(one.kind, wanted.name, one.daemons)
                again = guards.removal_again(one.kind, chosen, leaving=wanted.name)
            else:
                chosen, reason = guards.may_remove(one.kind, one.daemons, one.kept)
                again = guards.removal_again(one.kind, chosen, one.kept)
        except OrchestratorError as error:
            self._failed(one, error, now)
            return None
        if reason:
            self._jobs.note_wait(wanted.name, one.daemons[0].hostname, reason, now)
            return None
        before: Ask = unless_paused(self._core, again)
        return Leaving(wanted.name, one.kind, chosen, before)

    def _submit(self, batch: Sequence[Tuple[_Surplus, Leaving]], now: float) -> None:
        """Submit the job of what goes together."""
        ready: List[Tuple[_Surplus, Leaving]] = []
        for one, leaving in batch:
            try:
                self._jobs.begin_removal(leaving)
                ready.append((one, leaving))
            except OrchestratorError as error:
                self._failed(one, error, now)
        if not ready:
            return
        try:
            self._jobs.remove_together([leaving for _, leaving in ready])
        except OrchestratorError as error:
            for one, _ in ready:
                self._failed(one, error, now)
            return
        for one, leaving in ready:
            self._flips.removed(one.wanted, leaving.daemons, now)

    def _failed(self, one: _Surplus, error: OrchestratorError, now: float) -> None:
        """Tell what speaks against a removal, or what is waited for."""
        if isinstance(error, ReportAwaited):
            with self._core.lock:
                self._core.events.note(one.wanted.name, error.message)
            self._jobs.look_at = 0.0
        else:
            self._jobs.note_failure(one.wanted.name, "", str(error), now)
