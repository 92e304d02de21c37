"""The serve loop: what happens without anybody asking.

``Loop.step`` is one round and says how long the next can wait; ceph-mgr's ``serve`` and a waiting
command call it. Probes run in a few threads because ssh waits; everything else is quick.
"""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Callable, List

from adapter.cluster.hosts import Host
from adapter.core import Core
from adapter.engine.model import Target

log = logging.getLogger(__name__)

PROBE_THREADS = 8
# While a job runs its events are read this often (seconds): the delay that an operator sees.
ACTIVE_PAUSE = 0.05
IDLE_PAUSE = 5.0


class Loop:
    """Poll the engine, probe hosts, refresh reports."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._pool = ThreadPoolExecutor(max_workers=PROBE_THREADS, thread_name_prefix="probe")

    def step(self) -> float:
        """Do what is due; return the seconds until something can be due again."""
        core = self._core
        core.reload()
        active = core.engine.poll()
        if core.ssh.ready():
            return IDLE_PAUSE if not active else ACTIVE_PAUSE
        now = time.monotonic()
        self._start_probes(now)
        self._start_refreshes(now)
        if active:
            return ACTIVE_PAUSE
        with core.lock:
            due = core.refresh.next_due(now, but=core.pulse.offline())
            return min(IDLE_PAUSE, core.pulse.next_due(now), due)

    def run(self, stopped: threading.Event, after: Callable[[], None] = lambda: None) -> None:
        """Step until ``stopped`` is set, with ``after`` behind each step.

        One bad round is logged and not the last.
        """
        while not stopped.is_set():
            self._core.wake.clear()
            try:
                pause = self.step()
                after()
            except Exception:
                log.exception("a round of the serve loop failed")
                pause = IDLE_PAUSE
            self._core.wake.wait(max(pause, ACTIVE_PAUSE))

    def close(self) -> None:
        """Stop probing."""
        self._pool.shutdown(wait=False)

    def _start_probes(self, now: float) -> None:
        core = self._core
        with core.lock:
            due = [core.hosts.get(name) for name in core.pulse.due(now)]
        for host in due:
            self._pool.submit(self._probe, host.hostname, host.target(core.settings.ssh_user))

    def _probe(self, hostname: str, target: Target) -> None:
        core = self._core
        with core.lock:
            renew = core.pulse.renew(hostname, time.monotonic())
        try:
            if renew:
                core.ssh.close(target)
            result = core.ssh.probe(target)
            ok, reason = result.ok, f"{result.reason}. {result.remedy}".strip(" .")
        except Exception as error:
            log.exception("the probe of host %s failed", hostname)
            ok, reason = False, str(error)
        now = time.monotonic()
        with core.lock:
            if ok:
                if core.pulse.seen(hostname, now):
                    log.info("host %s answers again", hostname)
                    core.refresh.want([hostname])
            elif core.pulse.missed(hostname, reason, now, time.time()):
                log.warning("host %s is offline: %s", hostname, reason)
        if not ok:
            # A shared connection to a dead host would make the next probe wait for it.
            core.ssh.close(target)
        core.wake.set()

    def _start_refreshes(self, now: float) -> None:
        core = self._core
        with core.lock:
            due = core.online_hosts(core.refresh.due(now))
        for batch in _batches(due, core.settings.report_batch):
            core.submit("get_inventory", batch, summary="Refresh host reports")


def _batches(hosts: List[Host], size: int) -> List[List[Host]]:
    return [hosts[start : start + size] for start in range(0, len(hosts), size)]
