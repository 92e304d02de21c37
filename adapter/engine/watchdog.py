"""The thread of the worker that ends a job: asked for, too late, or without a parent."""

from __future__ import annotations

import os
import signal
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import List, Optional, Set

from adapter.engine import processes
from adapter.engine.model import JobStatus
from adapter.engine.outcomes import describe_timeout

_INTERVAL = 0.25
_STEP = 0.05
# With the hosts' part it is less than what the parent waits (running.STOP_GRACE).
_TERM_GRACE = 1.5
_SWEEP_GRACE = 0.75


@dataclass(frozen=True)
class Stop:
    """Why a job was ended before its own end, and at which monotonic time."""

    status: JobStatus
    message: str
    when: float = field(default_factory=time.monotonic)


class Watchdog(threading.Thread):
    """Watch the cancel file, the deadline, the lease and signals of one job.

    ``timeout`` is in seconds from now, ``lease`` those after which a silent parent is taken for
    gone. When it is time, ansible-playbook gets SIGTERM, which it passes on to its task workers;
    what is left soon after is killed, and what has the ``marker`` (empty: nothing has). ``stop``
    says why, ``must_kill`` whether the time for a good end is over, ``orphaned_at`` when an
    ansible-playbook was seen that had been killed.
    """

    def __init__(self, job: Path, timeout: float, lease: float, marker: str) -> None:
        super().__init__(name="watchdog", daemon=True)
        self.stop: Optional[Stop] = None
        self.orphaned_at: Optional[float] = None
        self._job = job
        self._timeout = timeout
        self._lease_seconds = lease
        self._marker = marker
        self._ends = time.monotonic() + timeout
        self._wake = threading.Event()
        self._done = threading.Event()
        self._killing = False
        self._main: Optional[int] = None
        self._signalled = False
        self._is_left = False
        # The lease is compared with what it was before, never with the clock on the wall.
        self._lease = self._lease_time()
        self._lease_seen = time.monotonic()

    def must_kill(self) -> bool:
        """Tell whether what still runs shall be killed (for ansible-runner)."""
        return self._killing

    def signalled(self) -> None:
        """Take note of a signal to the worker; called from the signal's handler."""
        self._signalled = True
        self._wake.set()

    @property
    def is_stopping(self) -> bool:
        """Tell whether the job is being ended before its own end."""
        return self.stop is not None

    @property
    def is_left(self) -> bool:
        """Tell whether the job is being ended because the process that asked for it is going."""
        return self._is_left

    def finish(self) -> None:
        """End the thread, after what it may be stopping has gone."""
        self._done.set()
        self._wake.set()
        if self.is_alive():
            self.join(_TERM_GRACE + _SWEEP_GRACE + 1.0)
        if self.is_stopping:
            self.sweep()

    def sweep(self) -> None:
        """End what is left of the job on this machine, at once."""
        own = os.getpid()
        until = time.monotonic() + _SWEEP_GRACE
        left = self._left(own)
        while left and time.monotonic() < until:
            processes.signal_all(left, signal.SIGKILL)
            time.sleep(_STEP)
            left = self._left(own)

    def run(self) -> None:
        """Watch until ``finish`` is called, or until the job had to be ended."""
        while not self._done.is_set():
            try:
                self._look_after_orphans()
                self.stop = self._reason()
            except Exception as error:  # noqa: BLE001 - an unwatched job is not left running
                self.stop = Stop(JobStatus.FAILED, f"stopped, because its watchdog failed: {error}")
            if self.stop is not None:
                try:
                    self._end_all()
                finally:
                    self._killing = True
                return
            self._wake.wait(_INTERVAL)
            self._wake.clear()

    def _reason(self) -> Optional[Stop]:
        if (self._job / "cancel").exists():
            return Stop(JobStatus.CANCELLED, "cancelled")
        if self._signalled:
            self._is_left = True
            return Stop(JobStatus.CANCELLED, "stopped by a signal to its process")
        now = time.monotonic()
        if now > self._ends:
            return Stop(JobStatus.TIMED_OUT, describe_timeout(self._timeout))
        lease = self._lease_time()
        if lease != self._lease:
            self._lease, self._lease_seen = lease, now
        elif now - self._lease_seen > self._lease_seconds:
            self._is_left = True
            gone = f"was gone for {self._lease_seconds:g} s"
            return Stop(JobStatus.LOST, f"stopped, because the process that asked for it {gone}")
        return None

    def _lease_time(self) -> Optional[int]:
        try:
            return os.stat(self._job / "lease").st_mtime_ns
        except OSError:
            return None

    def _look_after_orphans(self) -> None:
        """End what an ansible-playbook that was killed leaves behind.

        Its task workers would go on with the hosts, and runner would wait for them.
        """
        own = os.getpid()
        if self._main is None:
            self._main = processes.child_named(own, b"ansible-playbook")
        elif processes.was_killed(self._main):
            self._main = None
            self.orphaned_at = time.monotonic()
            processes.signal_all(self._left(own), signal.SIGKILL)

    def _end_all(self) -> None:
        """End what the worker runs: kindly, then not."""
        own = os.getpid()
        asked: Set[int] = set()
        until = time.monotonic() + _TERM_GRACE
        while time.monotonic() < until and not self._done.is_set():
            main = {pid for pid in processes.descendants(own) if processes.parent(pid) == own}
            if asked and not main:
                break
            processes.signal_all(main - asked, signal.SIGTERM)
            asked |= main
            self._done.wait(_STEP)
        self._killing = True
        until = time.monotonic() + _SWEEP_GRACE
        while time.monotonic() < until:
            left = self._left(own)
            if not left and (asked or self._done.is_set()):
                return
            processes.signal_all(left, signal.SIGKILL)
            time.sleep(_STEP)

    def _left(self, own: int) -> List[int]:
        marked = processes.marked(self._marker) if self._marker else ()
        return sorted({*processes.descendants(own), *marked} - {own})
