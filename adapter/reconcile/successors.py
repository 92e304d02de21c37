"""Who may take over from the active manager: asked on the hosts, where the hand-over is done.

The manager map says what a manager found when it was started. Whether the backend is still there
says only a report of its host that was begun after the question.
"""

from __future__ import annotations

import time
from typing import Callable, Dict, Mapping, Sequence

from adapter.cluster.managers import Managers, backend_lack, remedy
from adapter.core import Core
from adapter.errors import AdapterError, ReportAwaited
from adapter.reconcile.fresh_reports import FreshReports


class Successors:
    """Ask the standbys' hosts, and remember for a short time who has been asked."""

    def __init__(
        self,
        core: Core,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._core = core
        self.reports = FreshReports(core, clock, wall)

    def check_map(self, managers: Managers) -> None:
        """Raise if the monitors may choose a manager next that cannot manage hosts: they take any.

        Of the hosts only what is sure at once is looked at.
        """
        with self._core.lock:
            going = self._core.going_down.of("mgr")
        idle = {name: "it is being stopped" for name in managers.standbys if name in going}
        _refuse(managers, self._away(managers.standbys), idle)

    def check(self, managers: Managers) -> None:
        """Raise if one may take over that could not manage hosts, by what its host says now.

        Raises ``ReportAwaited`` while a host has not answered; nothing is waited for here.
        """
        self.check_map(managers)
        core = self._core
        with core.lock:
            hosts = {name: core.places.hosts_with(f"mgr.{name}") for name in managers.standbys}
            awaited = {
                each for found in hosts.values() for each in found if not self.reports.has(each)
            }
            failed = {each: core.refresh.errors().get(each, "") for each in awaited}
            unsaid = {
                name: f"its host {each} did not report whether the backend is installed: "
                f"{failed.get(each) or 'its report does not say it'}"
                for name, found in hosts.items()
                for each in found
                if failed.get(each)
                or (
                    each not in awaited
                    and backend_lack(core.reports.get(each), core.settings.python) is None
                )
            }
        waiting = sorted(each for each in awaited if not failed[each])
        if waiting and not unsaid:
            core.wake_event.set()
            raise ReportAwaited(
                f"mgr.{managers.active} hands over when the standbys' hosts have said whether the "
                f"backend is there: waiting for the report of host {', '.join(waiting)}.",
                "Try again in some seconds.",
            )
        _refuse(with_backends(core, managers), unsaid, self._idle(hosts))

    def _idle(self, hosts: Mapping[str, Sequence[str]]) -> Dict[str, str]:
        """Return the managers that do not run or hang, as their hosts say.

        The manager map has them for half a minute more, and the monitors may choose one.
        """
        places, found = self._core.places, {}
        with self._core.lock:
            for name, there in hosts.items():
                own = places.hosts_of(f"mgr.{name}")
                rows = [places.row(host, f"mgr.{name}") for host in own]
                running = [row for row in rows if row["state"] == "running"]
                if there and not running:
                    found[name] = f"it does not run on its host {', '.join(there)}"
                elif running and not any(row["answers"] for row in running):
                    found[name] = f"it runs on its host {', '.join(there)}, but does not answer"
        return found

    def _away(self, names: Sequence[str]) -> Dict[str, str]:
        """Return the managers of which nobody can ask the host, with the reason."""
        core = self._core
        found: Dict[str, str] = {}
        with core.lock:
            for name in names:
                hosts = core.places.hosts_with(f"mgr.{name}")
                if not hosts:
                    found[name] = "it is on no host that is managed here (`ceph orch host ls`)"
                for host in hosts:
                    if not core.liveness.online(host):
                        found[name] = f"its host {host} is offline: {core.liveness.of(host).reason}"
        return found


def with_backends(core: Core, managers: Managers) -> Managers:
    """Return the managers with what their hosts said last of the backend."""
    found: Dict[str, str] = {}
    with core.lock:
        for name in managers.standbys:
            for host in core.places.hosts_with(f"mgr.{name}"):
                lack = backend_lack(core.reports.get(host), core.settings.python)
                found[name] = found.get(name) or lack or ""
    return managers.with_lacks(found)


def _refuse(managers: Managers, away: Mapping[str, str], idle: Mapping[str, str]) -> None:
    """Raise if a standby could not manage hosts.

    ``away`` are those of whom nobody knows, ``idle`` those that do not run.
    """
    unable = {**idle, **away, **managers.unable(managers.standbys)}
    if not unable:
        return
    reasons = "; ".join(f"mgr.{name}: {reason}" for name, reason in sorted(unable.items()))
    lacking = unable.keys() - away.keys() - idle.keys()
    remedies = [remedy(lacking)] if lacking else []
    if away:
        hosts = ", ".join(f"mgr.{name}" for name in sorted(away))
        remedies.append(f"Bring the host of {hosts} back, or stop that manager there.")
    if idle:
        starts = ", ".join(f"`ceph orch daemon start mgr.{name}`" for name in sorted(idle))
        remedies.append(f"{starts}, or wait until it has left the manager map (30 seconds).")
    raise AdapterError(
        f"mgr.{managers.active} is active and does not hand over: the monitors may choose a "
        f"standby that could not manage hosts ({reasons}).",
        " ".join(remedies),
    )
