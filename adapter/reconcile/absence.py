"""Nothing that runs is removed unasked when nobody has managed the hosts for a while.

Somebody may have disabled or removed the module, and moved daemons by hand since: what earlier
specs would take away then is held by a pause, until `ceph orch resume` or `ceph ansible
drop-pending`.
"""

from __future__ import annotations

import logging
import time
from typing import Callable, List, Optional

from adapter.cluster.bad_records import PRESENT
from adapter.cluster.health import when
from adapter.core import Core
from adapter.errors import NotKept, UnreadableRecord
from adapter.reconcile.pending import Pending, Step

log = logging.getLogger(__name__)

PERIOD = 60.0
# A fail-over takes no longer; what is disabled and enabled again within that is a restart.
AWAY = 180.0
# What was asked for is done by the next manager; after so long it may be meant no more.
FORGOTTEN = 86400.0
# A host that does not answer is offline by then, and one that does has reported.
REPORT_WAIT = 600.0


class Absence:
    """Look once, when a manager begins, how long nobody was there; then say that one is."""

    def __init__(
        self, core: Core, pending: Pending, clock: Callable[[], float] = time.time
    ) -> None:
        self._core, self._pending, self._clock = core, pending, clock
        self.decided = False
        self._began: Optional[float] = None
        self._written = float("-inf")

    def holds(self, now: float) -> bool:
        """Tell whether nothing is done by itself yet; ``now`` is in (monotonic) seconds.

        Raises ``NotKept`` where the pause that is needed cannot be kept, and ``OrchestratorError``
        where the monitors do not say what they have: nothing is done then.
        """
        if not self.decided:
            self.decided = self._decide(now)
        if self.decided and now - self._written >= PERIOD:
            self._written = now
            try:
                self._core.store.set(PRESENT, {"at": round(self._clock())})
            except NotKept as error:
                # The next manager sees a longer absence than there was, which is the safe side.
                self._core.unkept.note(error)
        return not self.decided

    def _decide(self, now: float) -> bool:
        """Tell whether it is known what to do; pause where something would be taken away."""
        core, left = self._core, self._left()
        if left is None or 0 <= self._clock() - left <= AWAY or core.paused:
            return True
        self._began = now if self._began is None else self._began
        with core.lock:
            unread = [name for name in core.refresh.unread() if core.liveness.online(name)]
        if unread and now - self._began < REPORT_WAIT:
            return False
        steps = self._reasons(self._clock() - left > FORGOTTEN)
        if steps:
            since = f"since {when(left)}" if left else "after it was disabled"
            why = "earlier specs or requests would change what runs"
            core.pause(True, f"nobody managed the hosts {since}, and {why}")
            log.warning("paused: %s", "; ".join(map(str, steps)))
        return True

    def _reasons(self, long: bool) -> List[Step]:
        self._pending.look()
        with self._core.lock:
            # What runs on some hosts may not be known: unknown is not nothing.
            steps = [*self._pending.steps(), *self._pending.unknown()]
        return steps if long else [step for step in steps if step.unasked]

    def _left(self) -> Optional[float]:
        """Return when a manager was last there, None where none ever was."""
        try:
            record = self._core.store.get(PRESENT)
        except UnreadableRecord:
            return 0.0
        at = record.get("at") if record is not None else None
        if record is not None and not isinstance(at, (int, float)):
            return 0.0
        return None if at is None else float(at)
