"""What goes wrong, for ``ceph health detail``."""

from __future__ import annotations

import time
from typing import List, Tuple

from adapter.cluster.daemon_identity import lines as foreign_lines
from adapter.cluster.health import Checks, health_checks
from adapter.cluster.host_conf import confs_of, cut_off_lines
from adapter.cluster.tuning import OPERATION
from adapter.cluster.waiting_jobs import waiting_long
from adapter.core import Core
from adapter.state_lock import under_lock


class Health:
    """Say what of a ``Core``'s cluster somebody has to look at."""

    def __init__(self, core: Core) -> None:
        self._core = core
        # Daemons in error, as of what was reported: there can be very many daemons.
        self._broken: Tuple[Tuple[int, int], List[Tuple[str, str]]] = ((-1, -1), [])

    def checks(self) -> Checks:
        """Return the health checks as they are now."""
        core = self._core
        unready = core.ssh.ready()
        with core.lock:
            return health_checks(
                unready=unready if len(core.hosts) else "",
                paused=core.pause_lines() if len(core.hosts) or core.is_elsewhere else (),
                offline=core.liveness.offline(),
                unreported=core.refresh.errors(),
                failures={key: each for key, each in core.failures.items() if key[0] != OPERATION},
                untuned=core.tuning.lines(core.failures),
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
                broken=self._broken_daemons(),
                foreign=foreign_lines(core.places.foreign()),
                cut_off=cut_off_lines(
                    confs_of(core.hosts, core.reports),
                    frozenset().union(*core.mon_addresses.values()),
                ),
            )

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
        return [row for row in self._broken[1] if core.liveness.online(row[1])]

    def forget_failures(self, job_id: str) -> int:
        """Take a job's failures out of the health warnings; return how many there were."""
        core = self._core
        with core.lock:
            gone = core.forget_failures(job_id)
        core.wake_event.set()
        return gone
