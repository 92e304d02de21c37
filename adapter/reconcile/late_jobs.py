"""Let the events of services say which of their jobs wait for long, and for which other one."""

from __future__ import annotations

import time
from typing import Callable, Dict

from adapter.cluster.waiting_jobs import waiting_long
from adapter.core import Core
from adapter.reconcile.expectations import expected_of, services_of


class LateJobs:
    """Look at queued jobs, on a ``Core``; ``clock`` gives seconds since the epoch."""

    def __init__(self, core: Core, clock: Callable[[], float] = time.time) -> None:
        self._core, self._clock = core, clock
        # By job: for which other one it was told to wait.
        self._told: Dict[str, str] = {}

    def step(self) -> None:
        """Tell what is news."""
        core = self._core
        with core.lock:
            found = waiting_long(core.engine.jobs(), self._clock())
            waits_for = {each.job.id: each.by.id if each.by else "" for each in found}
            for each in found:
                if self._told.get(each.job.id) == waits_for[each.job.id]:
                    continue
                for service in services_of(core, expected_of(core, each.job.request)):
                    core.events.note(service, each.describe())
            self._told = waits_for
