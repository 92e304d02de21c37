"""What is going down while the active manager hands over, as it tells the next one.

A manager that takes over cannot know what the one before it has stopped: it waits until the
cluster's maps must show it. One that hands over of itself knows it, and keeps it before it does;
from then on it takes nothing down any more. Whoever comes next takes the record away before
anything else, so that it speaks of one hand-over only. Callers do not hold the lock; times are in
seconds.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import Any, Dict, Iterable, Iterator, Mapping, Optional

from adapter.cluster.fields import Fields
from adapter.cluster.going_down import STOPPED_SEEN, GoingDown
from adapter.cluster.store import UNUSABLE, Store, Unusable
from adapter.cluster.turns import last_controller
from adapter.engine.base import Engine
from adapter.engine.model import Request
from adapter.errors import NotKept, NotReady, UnreadableRecord
from adapter.state_lock import StateLock

log = logging.getLogger(__name__)

KEY = "state.hand_over"
# A manager that has handed over and is still there goes on after so long (seconds).
GOES_ON = 60.0


class HandOvers:
    """Tell the next manager what goes down, and know what the one before has told.

    ``engine`` knows the name of this machine, which is that of the turns of managers.
    """

    def __init__(
        self, store: Store, going_down: GoingDown, lock: StateLock, engine: Engine
    ) -> None:
        self._store, self._going_down, self._lock = store, going_down, lock
        self._engine = engine
        self._submitted = 0
        # Since when another manager is to take over (monotonic seconds).
        self._since: Optional[float] = None

    @contextmanager
    def submitting(self, request: Request) -> Iterator[None]:
        """Hold a hand-over while a job is submitted; raises ``NotReady`` while there is one."""
        if not self._going_down.takes_down(request):
            yield
            return
        self._go_on()
        with self._lock:
            if self._since is not None:
                raise NotReady(
                    "Another manager is taking over from this one: nothing is stopped or restarted "
                    "until it has.",
                    "Try again in some seconds.",
                )
            self._submitted += 1
        try:
            yield
        finally:
            with self._lock:
                self._submitted -= 1

    def _go_on(self) -> None:
        """Act again where another manager was to take over and has not; raises ``NotKept``."""
        with self._lock:
            since = self._since
        if since is None or self._going_down.clock() < since + GOES_ON:
            return
        self._take_back()

    @contextmanager
    def telling(self, lost: Iterable[str] = ()) -> Iterator[None]:
        """Keep what goes down while this manager is failed over in the context.

        ``lost`` are daemons (``mon.h1``) whose hosts are just lost. While jobs take something down
        nothing is told: the next manager waits as after any other end.
        """
        with self._lock:
            going = None if self._submitted else self._going_down.seconds_left()
            if going is not None:
                self._since = self._going_down.clock()
        if going is not None:
            going.update(dict.fromkeys(lost, STOPPED_SEEN))
            self._keep(going)
        try:
            yield
        except BaseException:
            if going is not None:
                self._try_take_back()
            raise

    def _keep(self, going: Mapping[str, float]) -> None:
        record = {"controller": self._engine.controller, "going": dict(going)}
        try:
            self._store.set(KEY, record)
        except NotKept as error:
            # Whether it is there nobody knows: nothing is taken down until it is not.
            log.warning("the next manager is not told what goes down: %s", error)

    def _try_take_back(self) -> None:
        """Take the record back; where that fails, the next job that stops something tries it."""
        try:
            self._take_back()
        except NotKept as error:
            log.warning("nothing is stopped or restarted for now: %s", error)

    def _take_back(self) -> None:
        self._store.set(KEY, None)
        with self._lock:
            self._since = None

    def take_over(self) -> None:
        """Count as going down what the manager before has told, or as unknown what it stopped."""
        with self._lock:
            self._going_down.began = self._going_down.clock()
        going = self._told()
        if going is not None:
            with self._lock:
                self._going_down.take_over(going)

    def _told(self) -> Optional[Dict[str, float]]:
        """Return the seconds for which daemons count as down yet, None where nobody has told."""
        try:
            record = self._store.get(KEY)
            if record is None:
                return None
            self._store.set(KEY, None)
            read = Fields(record)
            if read.text("controller") != last_controller(self._store):
                return None
            return _seconds(record.get("going"))
        except (UnreadableRecord, *UNUSABLE) as error:
            log.warning("what the manager before has stopped is not known: %s", error)
            return None


def _seconds(found: Any) -> Dict[str, float]:
    """Return seconds by daemon; raises ``Unusable``."""
    if not isinstance(found, dict):
        raise Unusable("going is no mapping")
    for name, left in found.items():
        if not isinstance(left, (int, float)) or not 0 <= left <= STOPPED_SEEN:
            raise Unusable(f"going: {str(name)[:64]!r} has no number of seconds")
    return {str(name): float(left) for name, left in found.items()}
