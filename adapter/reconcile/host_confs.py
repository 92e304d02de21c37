"""Keep the ceph.conf of hosts that we wrote: it names the monitors that there are.

A file of somebody else is left alone; where it leads to no monitor a health warning says so.
"""

from __future__ import annotations

import logging
from typing import Dict, FrozenSet, List, Optional

from adapter.cluster.backoff import Backoff
from adapter.cluster.host_conf import confs_of
from adapter.core import Core
from adapter.engine.completion import Completion
from adapter.interface import OrchestratorError
from adapter.reconcile.free_hosts import free_first

log = logging.getLogger(__name__)

# The monitors are asked this often (seconds); no map that comes by itself names them.
ASK_INTERVAL = 15.0


class HostConfs:
    """Ask which monitors there are, and bring our files up to date."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._now = self._ask_at = 0.0
        self._job = ""
        self._backoffs: Dict[str, Backoff] = {}

    def step(self, now: float) -> Optional[float]:
        """Do what can be done; return the seconds until the next look, or None."""
        core, self._now = self._core, now
        if now >= self._ask_at:
            self._ask_at = now + ASK_INTERVAL
            try:
                addresses = core.maps.mon_addresses()
            except OrchestratorError as error:
                log.warning("the monitors cannot be asked where they are: %s", error)
                return None
            with core.lock:
                core.mon_addresses = addresses
        if not self._job:
            with core.lock:
                hosts = free_first(core, self._stale(now))
            if hosts:
                self._update(hosts, now)
        return None

    def _stale(self, now: float) -> List[str]:
        core = self._core
        known: FrozenSet[str] = frozenset().union(*core.mon_addresses.values())
        stale = [
            host
            for host, conf in confs_of(core.hosts, core.reports).items()
            if conf.is_stale(known)
        ]
        # Whatever came of it: a file that is still another one is not asked for again at once.
        self._backoffs = {host: self._backoffs[host] for host in stale if host in self._backoffs}
        return [
            host
            for host in stale
            if known and core.workable(host) and self._backoffs.get(host, Backoff()).until <= now
        ]

    def _update(self, hostnames: List[str], now: float) -> None:
        core = self._core
        try:
            conf = core.maps.minimal_conf()
            with core.lock:
                hosts = [core.hosts.get(name) for name in hostnames if name in core.hosts]
                job = core.submit(
                    "update_conf",
                    hosts,
                    parameters={"cluster": core.cluster, "conf": conf},
                    summary="Name the monitors in ceph.conf",
                )
                self._job = job.job_id
        except OrchestratorError as error:
            log.warning("ceph.conf of %s stays as it is: %s", ", ".join(hostnames), error)
            self._rest(hostnames, now)
            return
        job.on_change(lambda job: self._absorb(job, hostnames))

    def _absorb(self, job: Completion, hostnames: List[str]) -> None:
        if not job.status.final:
            return
        self._rest(hostnames, self._now)
        self._job = ""
        self._core.wake_event.set()

    def _rest(self, hostnames: List[str], now: float) -> None:
        for name in hostnames:
            self._backoffs.setdefault(name, Backoff()).longer(now)
