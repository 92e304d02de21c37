"""Hosts that are to be missed for a while: ``ceph orch host ok-to-stop``, ``... maintenance``."""

from __future__ import annotations

import contextlib
import time
from typing import Callable

from adapter.cluster.maintenances import ENTERED, ENTERING, Maintenance, moment
from adapter.core import Core
from adapter.errors import AdapterError, InvalidValue, ReportAwaited
from adapter.methods._awaited import when_reported
from adapter.methods._method import method
from adapter.reconcile import Reconciler
from adapter.reconcile.host_stops import HostNeeded, Verdict
from adapter.state_lock import under_lock

# A command waits for so many times as long as for what hosts refuse at once.
PATIENCE = 5.0
LOOK_AGAIN = 0.1
_UNTIL_IN = (
    "Before you stop the host wait until `ceph orch host ls` shows it in maintenance, or give the "
    "command again"
)


class MaintenanceMethods:
    """The methods of the interface about hosts that stop, on a ``Core``."""

    def __init__(self, core: Core, reconciler: Reconciler) -> None:
        self.core, self.reconciler = core, reconciler

    @method
    def host_ok_to_stop(self, hostname: str) -> str:
        """Tell that all daemons of a host can be stopped together now, and what each leaves.

        Raises ``HostNeeded`` (EBUSY) with everything that speaks against it and what would have to
        change, ``UnknownName``, and what the monitors answer.
        """
        core = self.core
        with core.lock:
            core.hosts.get(hostname)
        verdict = when_reported(core, lambda: self._look(hostname))
        if verdict.objections:
            raise HostNeeded(hostname, verdict.objections)
        found = f": {'; '.join(verdict.notes)}" if verdict.notes else "; it runs nothing of Ceph"
        return f"It is presumed safe to stop host {hostname}{found}"

    def _look(self, hostname: str) -> Verdict:
        verdict = self.reconciler.host_stops.look(hostname)
        if verdict.awaited is not None and not verdict.objections:
            raise verdict.awaited
        return verdict

    @method
    def enter_host_maintenance(
        self, hostname: str, force: bool = False, yes_i_really_mean_it: bool = False
    ) -> str:
        """Stop all daemons of a host and keep them so through restarts and package upgrades.

        ``force`` is for a service that nobody else gives, ``yes_i_really_mean_it`` besides for data
        and quorum. Raises ``HostNeeded`` with what speaks against it. It goes on by itself if it
        takes longer than a command waits; asked for again it goes on where it stopped.
        """
        core, maintenance = self.core, self.reconciler.maintenance
        if yes_i_really_mean_it and not force:
            raise InvalidValue(
                "yes_i_really_mean_it", True, "it goes further than --force", "Give both."
            )
        with core.lock:
            core.hosts.get(hostname)
            known = core.maintenances.get(hostname)
        if known is not None and maintenance.is_in(hostname):
            return f"Host '{hostname}' is in maintenance already, since {moment(known.since)}"
        flags = (force, yes_i_really_mean_it)
        if known is None or known.stage != ENTERING or flags != (known.force, known.regardless):
            # What a host does not say in time is asked again before anything is done.
            with contextlib.suppress(ReportAwaited):
                when_reported(core, lambda: maintenance.check_enter(hostname, *flags))
        maintenance.enter(hostname, *flags, by_of(core))
        if maintenance.hands_over(hostname):
            return (
                f"Host '{hostname}' enters maintenance: the active manager is on it, so another "
                f"one takes over first and goes on. {_UNTIL_IN}"
            )
        self._wait(lambda: self._is(hostname, ENTERED))
        return self.entered(hostname)

    @method
    def exit_host_maintenance(
        self, hostname: str, force: bool = False, offline: bool = False
    ) -> str:
        """Put the daemons of a host back as they were before its maintenance.

        With ``force`` it ends whatever is not back. A host that does not answer needs ``offline``
        and ``force``: its flags go now, its units are put back when it answers.
        """
        core = self.core
        with core.lock:
            core.hosts.get(hostname)
            online = core.liveness.online(hostname)
            if not core.is_held(hostname):
                self._check_said(hostname, online=online)
                raise InvalidValue(
                    "host", hostname, "it is not in maintenance", "`ceph orch host ls` shows it."
                )
            if offline and online:
                raise AdapterError(
                    f"Host '{hostname}' answers; it is not offline.", "Leave out --offline."
                )
            if offline and not force:
                raise AdapterError(
                    "Ending the maintenance of an offline host needs --force.",
                    "Give --offline --force.",
                )
            if not online and not offline:
                raise AdapterError(
                    f"Host '{hostname}' is offline ({core.liveness.of(hostname).reason}).",
                    "Bring it back; or give --offline --force: noout is taken away now, and its "
                    "units are put back when it answers.",
                )
        self.reconciler.maintenance.leave(hostname, force, offline)
        self._wait(lambda: self._is(hostname, "") or self._has_left(hostname))
        return self._left(hostname)

    @under_lock
    def _check_said(self, hostname: str, *, online: bool) -> None:
        """Raise ``ReportAwaited`` where a host has not said yet whether its units are held."""
        unknown = self.core.reports.get(hostname) is None or hostname in self.core.outdated()
        if online and unknown:
            self.core.refresh.want([hostname])
            self.core.wake_event.set()
            raise ReportAwaited(
                f"Host '{hostname}' has not said yet whether its units are held.",
                "Try again in some seconds.",
            )

    def _is(self, hostname: str, stage: str) -> bool:
        with self.core.lock:
            known = self.core.maintenances.get(hostname)
            return (known.stage if known is not None else "") == stage

    def _has_left(self, hostname: str) -> bool:
        with self.core.lock:
            known = self.core.maintenances.get(hostname)
            gone = known is None or (known.offline and not known.nodes)
            return gone and not self.core.hosts.get(hostname).status

    def _wait(self, done: Callable[[], bool]) -> None:
        """Wait for the loop, for as long as a command may."""
        end = time.monotonic() + PATIENCE * self.core.answer_wait
        while not done() and time.monotonic() < end:
            time.sleep(LOOK_AGAIN)

    def entered(self, hostname: str) -> str:
        """Return how far a host is that was asked to enter maintenance."""
        with self.core.lock:
            known = self.core.maintenances.get(hostname)
        if known is None:
            return f"Host '{hostname}' has left maintenance meanwhile"
        if known.stage != ENTERED:
            why = f" ({known.reason.rstrip('.')})" if known.reason else ""
            return (
                f"Host '{hostname}' enters maintenance and cannot be stopped yet{why}. It goes on "
                f"by itself. {_UNTIL_IN}"
            )
        flags = f", noout is set for {', '.join(known.nodes)}" if known.nodes else ""
        if not known.reached:
            return (
                f"Host '{hostname}' is in maintenance{flags}. It is offline: its units are not "
                f"touched, and start with it; `ceph orch host maintenance enter {hostname}` stops "
                "them then"
            )
        if known.missed:
            return (
                f"Host '{hostname}' is in maintenance{flags}. It ceased to answer meanwhile: the "
                "rest of its units stops when it answers"
            )
        ran = sum(each.ran for each in known.units)
        return f"Host '{hostname}' is in maintenance: {ran} daemon(s) stopped{flags}"

    def _left(self, hostname: str) -> str:
        with self.core.lock:
            known = self.core.maintenances.get(hostname)
        if known is None:
            return f"Host '{hostname}' has left maintenance"
        if known.offline and self._has_left(hostname):
            return f"Host '{hostname}' has left maintenance; its units are put back when it answers"
        return f"Host '{hostname}' leaves maintenance{_so_far(known)}"


def _so_far(known: Maintenance) -> str:
    """Return what a maintenance waits for, and that it goes on."""
    why = f": {known.reason.rstrip('.')}" if known.reason else ""
    return f"{why}. It goes on by itself; `ceph health detail` says how far it is"


def by_of(core: Core) -> str:
    """Return who asks where that is known: a manager is not told by whom it is."""
    return "" if core.actor.startswith("mgr.") else core.actor
