"""Placement groups of OSDs that came back: who says soon that they are whole again.

OSDs say it by themselves every five seconds; asked they say it at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Collection, Dict, FrozenSet, Optional

from adapter.core import Core
from adapter.interface import OrchestratorError

# Groups need about so long (seconds) to find to each other; OSDs are not asked more often.
ASK_AGAIN = 0.9
# For so long (seconds) they are asked. What takes longer moves data, and is told as always.
SETTLES = 10.0


@dataclass
class _Returned:
    """The OSDs of a host that came back at ``since``, asked next at ``ask_at``.

    ``left`` says that nothing is left to do for the host but this. Times are monotonic seconds.
    """

    ids: FrozenSet[int]
    since: float
    ask_at: float
    left: bool = False


class ReturnedData:
    """Have OSDs asked, by host, and the host read anew afterwards: a report takes its processors.

    What is lost with a manager costs seconds: another one reads all hosts when it begins.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self._hosts: Dict[str, _Returned] = {}

    def back(self, hostname: str, ids: Collection[int], now: float) -> None:
        """Note which OSDs of a host the maps have back."""
        known = self._hosts.get(hostname)
        if known is None:
            self._hosts[hostname] = _Returned(frozenset(ids), now, now + ASK_AGAIN)
        elif known.ids != frozenset(ids):
            known.ids, known.since, known.ask_at = frozenset(ids), now, now + ASK_AGAIN

    def left(self, hostname: str, now: float) -> None:
        """Note that a host has left maintenance: it is read anew when its data is whole."""
        one = self._hosts.setdefault(hostname, _Returned(frozenset(), now, now))
        one.left, one.ask_at = True, min(one.ask_at, now + ASK_AGAIN)

    def forget(self, hostname: str) -> None:
        """Begin anew with a host."""
        self._hosts.pop(hostname, None)

    def step(self, now: float) -> Optional[float]:
        """Ask what is due to be asked; return the seconds until the next time, or None."""
        for hostname, one in list(self._hosts.items()):
            if now < one.ask_at:
                continue
            settled = now - one.since >= SETTLES or self._are_whole(one.ids)
            one.ask_at = math.inf if settled else now + ASK_AGAIN
            if settled and one.left:
                del self._hosts[hostname]
                with self._core.lock:
                    self._core.refresh.want([hostname])
                self._core.wake_event.set()
        found = min((one.ask_at for one in self._hosts.values()), default=math.inf)
        return None if found == math.inf else max(found - now, 0.0)

    def _are_whole(self, ids: Collection[int]) -> bool:
        if not ids:
            return True
        try:
            return self._core.maps.whole_with(ids)
        except OrchestratorError:
            # Nobody waits for it.
            return False
