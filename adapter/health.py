"""What goes wrong, for ``ceph health detail``."""

from __future__ import annotations

import time
from typing import Dict, List, Mapping, Tuple, TypeVar

from adapter.cluster.daemon_identity import lines as foreign_lines
from adapter.cluster.health import Checks, health_checks
from adapter.cluster.host_conf import confs_of, cut_off_lines
from adapter.cluster.maintenances import held_by_hand
from adapter.cluster.tuning import OPERATION
from adapter.cluster.waiting_jobs import waiting_long
from adapter.core import Core
from adapter.state_lock import under_lock

T = TypeVar("T")


class Health:
    """Say what of a ``Core``'s cluster somebody has to look at."""

    def __init__(self, core: Core) -> None:
        self._core = core
        # Daemons in error, as of what was reported: there can be very many daemons.
        self._broken: Tuple[Tuple[int, int], List[Tuple[str, str]]] = ((-1, -1), [])

    def checks(self) -> Checks:
        """Return the health checks as they are now."""
        core = self._core
        away = core.engine.away()
        unready = core.ssh.ready() if away is not None else core.engine.ready() or core.ssh.ready()
        with core.lock:
            return health_checks(
                unready=unready if len(core.hosts) else "",
                away=away,
                paused=core.pause_lines() if len(core.hosts) or core.is_elsewhere else (),
                failures={key: each for key, each in core.failures.items() if key[0] != OPERATION},
                untuned=core.tuning.lines(core.failures),
                offline=self._but_in_maintenance(core.liveness.offline()),
                unreported=self._but_in_maintenance(core.refresh.errors()),
                upgrade=core.upgrades.warnings(),
                upgrade_waits=core.upgrades.waits(time.time()),
                in_maintenance=[*core.maintenances.lines(), *self._held_by_hand()],
                service_failures=core.service_failures.all(),
                watch=core.watch if len(core.hosts) else None,
                stray_hosts=core.strays.host_lines() if core.settings.warn_on_stray_hosts else (),
                stray_daemons=(
                    core.strays.daemon_lines() if core.settings.warn_on_stray_daemons else ()
                ),
                late=[each.describe() for each in waiting_long(core.engine.jobs(), time.time())],
                waiting=core.waits.lines(time.time()),
                undone=core.daemon_actions.lines(),
                drains=core.drain_watch.lines(time.time()),
                problems=core.bad_records.describe(),
                unkept=core.unkept.reasons(time.monotonic()),
                clocks=core.reports.clock_lines(),
                broken=self._broken_daemons(),
                foreign=foreign_lines(core.places.foreign()),
                cut_off=cut_off_lines(
                    confs_of(core.hosts, core.reports),
                    frozenset().union(*core.mon_addresses.values()),
                ),
            )

    @under_lock
    def _but_in_maintenance(self, of_hosts: Mapping[str, T]) -> Dict[str, T]:
        """Return what is said of hosts without those in maintenance: somebody works on them."""
        hosts = self._core.hosts
        return {
            name: said
            for name, said in of_hosts.items()
            if name not in hosts or not hosts.get(name).status
        }

    @under_lock
    def _held_by_hand(self) -> List[str]:
        """Return a sentence for each host that holds units of which nobody here knows."""
        core, lines = self._core, []
        for host in core.hosts.all():
            report = core.reports.get(host.hostname)
            said = report.identity.get("maintenance") if report is not None else None
            # Of one whose record cannot be used the bad record is told.
            known = host.hostname in core.maintenances or (
                host.hostname in core.maintenances.problems
            )
            if isinstance(said, Mapping) and not known:
                lines.append(held_by_hand(host.hostname, said))
        return lines

    @under_lock
    def _broken_daemons(self) -> List[Tuple[str, str]]:
        """Return the daemons that systemd calls failed, on hosts that answer."""
        core = self._core
        state = (core.reports.serial, core.places.serial)
        if self._broken[0] != state:
            rows = [
                (f"{row['daemon_type']}.{row['daemon_id']}", hostname)
                for hostname, row in core.places.own()
                if row["state"] == "error"
            ]
            self._broken = (state, rows)
        return [row for row in self._broken[1] if core.workable(row[1])]

    def forget_failures(self, job_id: str) -> int:
        """Take a job's failures out of the health warnings; return how many there were."""
        core = self._core
        with core.lock:
            gone = core.forget_failures(job_id)
        core.wake_event.set()
        return gone
