"""OSDs that their hosts did not stop because they held something."""

from __future__ import annotations

from typing import Any, Dict, Tuple

from adapter.cluster.backoff import Backoff
from adapter.core import Core

HOLDS_LAST = 60.0


class OsdsThatHold:
    """Know how much they held, and until when they are not asked again. Times are monotonic."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._holding: Dict[int, Tuple[int, Backoff]] = {}

    def still_deleting(self, now: float) -> Dict[int, int]:
        """Return how much OSDs hold that their hosts did not stop for that, until they are asked.

        Their statistics count as well, which may come earlier than the next question.
        """
        if not self._holding:
            return {}
        stored = self._core.maps.stored()
        return {
            osd_id: stored.get(osd_id) or held
            for osd_id, (held, backoff) in self._holding.items()
            if stored.get(osd_id) or now < backoff.until
        }

    def note(self, osd_id: int, held: Any, now: float) -> int:
        """Keep that an OSD holds something; the pauses until it is asked again grow."""
        number = held if isinstance(held, int) else 0
        backoff = self._holding.get(osd_id, (0, Backoff()))[1]
        backoff.longer(now, HOLDS_LAST)
        self._holding[osd_id] = (number, backoff)
        return number

    def forget(self, osd_id: int) -> None:
        """Forget what an OSD held."""
        self._holding.pop(osd_id, None)
