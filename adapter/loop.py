"""The serve loop: what happens without anybody asking.

``Loop.step`` is one round and says how long the next can wait; ceph-mgr's ``serve`` and a waiting
command call it. Probes run in a few threads because ssh waits; everything else is quick.
"""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Callable, List, Mapping, Optional

from adapter.cluster.hosts import Host
from adapter.core import Core
from adapter.engine.model import Target
from adapter.errors import AdapterError
from adapter.reconcile import Reconciler

log = logging.getLogger(__name__)

PROBE_THREADS = 8
# While a job runs its events are read this often (seconds): the delay that an operator sees.
ACTIVE_PAUSE = 0.05
IDLE_PAUSE = 5.0
# Other programs may change the store; reading all of it is not done with every event of a job.
RELOAD_PAUSE = 5.0


class Loop:
    """Poll the engine, probe hosts, refresh reports, bring what is there to what is wanted."""

    def __init__(self, core: Core, reconciler: Optional[Reconciler] = None) -> None:
        self._core = core
        self._reconciler = reconciler
        self._pool = ThreadPoolExecutor(max_workers=PROBE_THREADS, thread_name_prefix="probe")
        self._reloaded = 0.0
        self.problem = ""
        self.reconcile_problem = ""
        # By part of the reconciler's round: the other parts go on.
        self.reconcile_problems: Mapping[str, str] = {}

    def step(self) -> float:
        """Do what is due; return the seconds until something can be due again."""
        core = self._core
        if time.monotonic() - self._reloaded >= RELOAD_PAUSE:
            self._reloaded = time.monotonic()
            core.reload()
        active = core.engine.poll()
        if core.ssh.ready():
            return IDLE_PAUSE if not active else ACTIVE_PAUSE
        now = time.monotonic()
        self._start_probes(now)
        away = core.engine.away() is not None
        if not away:
            self._start_refreshes(now)
        if active:
            return ACTIVE_PAUSE
        with core.lock:
            if away:
                return min(IDLE_PAUSE, core.liveness.next_due(now))
            due = core.refresh.next_due(now, but=core.liveness.offline())
            return min(IDLE_PAUSE, core.liveness.next_due(now), due)

    def run(self, stopped: threading.Event, after: Callable[[], None] = lambda: None) -> None:
        """Step until ``stopped`` is set, with ``after`` behind each step.

        One bad round is logged and not the last.
        """
        worker = threading.Thread(target=self._reconcile, args=(stopped,), name="reconcile")
        worker.daemon = True
        worker.start()
        while not stopped.is_set():
            self._core.wake_event.clear()
            pause = self._guarded(self.step)
            self._guarded(after)
            if self.problem:
                # Whatever wakes the loop would only make it fail again.
                stopped.wait(IDLE_PAUSE)
            else:
                self._core.wake_event.wait(max(pause or 0.0, ACTIVE_PAUSE))

    def _reconcile(self, stopped: threading.Event) -> None:
        """Take the reconciler's steps, in a thread of its own.

        Monitors without a quorum let a command wait for ever, and jobs end where nobody polls.
        """
        if self._reconciler is None:
            return
        news = self._core.wake_event.listener()
        while not stopped.is_set():
            news.clear()
            problem, pause = "", IDLE_PAUSE
            try:
                found = self._reconciler.step(time.monotonic())
                pause = IDLE_PAUSE if found is None else found
                self.reconcile_problems = self._reconciler.problems
            except Exception as error:
                problem = f"{type(error).__name__}: {error}"
                if problem != self.reconcile_problem:
                    log.exception("a round of the reconciler failed")
            self.reconcile_problem = problem
            if problem:
                stopped.wait(IDLE_PAUSE)
            else:
                news.wait(max(pause, ACTIVE_PAUSE))

    def problems(self) -> List[str]:
        """Return what goes wrong in the rounds, for `ceph health detail`."""
        whole = [self.problem, self.reconcile_problem]
        parts = sorted(self.reconcile_problems.items())
        return [*filter(None, whole), *(f"{name}: {problem}" for name, problem in parts)]

    def _guarded(self, part: Callable[[], Optional[float]]) -> Optional[float]:
        """Run a part of the round; a failure is logged once, kept, and not the last round."""
        try:
            result = part()
        except Exception as error:
            problem = f"{type(error).__name__}: {error}"
            if problem != self.problem:
                log.exception("a round of the serve loop failed")
            self.problem = problem
            return None
        if part == self.step:
            self.problem = ""
        return result

    def close(self) -> None:
        """Stop probing."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _start_probes(self, now: float) -> None:
        core = self._core
        with core.lock:
            due = [core.hosts.get(name) for name in core.liveness.due(now) if name in core.hosts]
        for host in due:
            self._pool.submit(self._probe, host.hostname, core.target(host))

    def _probe(self, hostname: str, target: Target) -> None:
        """Look at a host and take over what was seen; runs in a thread of the pool.

        Jobs share the probe's ssh connection: it is renewed so that they end by themselves, and
        cut only when the host is offline, where it would make the next probe wait for it.
        """
        core = self._core
        with core.lock:
            renew = core.liveness.renew(hostname, time.monotonic())
        try:
            if renew:
                core.ssh.close(target, gently=True)
            result = core.ssh.probe(target)
            ok, reason = result.ok, f"{result.reason}. {result.remedy}".strip(" .")
        except Exception as error:
            log.exception("the probe of host %s failed", hostname)
            ok, reason = False, str(error)
        if self._take_over(hostname, target, ok, reason):
            core.wake_event.set()
        if not ok and not core.liveness.online(hostname):
            core.ssh.close(target)

    def _take_over(self, hostname: str, target: Target, ok: bool, reason: str) -> bool:
        """Record what a probe saw; tell whether the loop has something to do now."""
        core, now = self._core, time.monotonic()
        with core.lock:
            if hostname not in core.hosts or core.hosts.get(hostname).addr != target.addr:
                core.liveness.look_again(hostname, now)
                return True
            if ok:
                came_back = core.liveness.seen(hostname, now)
                if came_back:
                    log.info("host %s answers again", hostname)
                    core.refresh.want([hostname])
                return came_back
            if core.liveness.missed(hostname, reason, now, time.time()):
                log.warning("host %s is offline: %s", hostname, reason)
            return True

    def _start_refreshes(self, now: float) -> None:
        core = self._core
        with core.lock:
            due = core.online_hosts(core.refresh.due(now))
            unready = [host for host in due if self._never_reported(host)]
        for host in unready:
            # Its first preparation did not get to the end: without it there is no Python maybe.
            parameters = {"record": core.record_of(host)}
            core.submit("add_host", [host], parameters=parameters)
        due = [host for host in due if host not in unready]
        for batch in _batches(due, core.settings.report_batch):
            try:
                core.submit("get_inventory", batch, summary="Refresh host reports")
            except AdapterError as error:
                log.error("hosts cannot be refreshed: %s", error)
                with core.lock:
                    for host in batch:
                        core.refresh.failed(host.hostname, str(error), now)

    def _never_reported(self, host: Host) -> bool:
        failed_before = host.hostname in self._core.refresh.errors()
        return failed_before and self._core.reports.get(host.hostname) is None


def _batches(hosts: List[Host], size: int) -> List[List[Host]]:
    return [hosts[start : start + size] for start in range(0, len(hosts), size)]
