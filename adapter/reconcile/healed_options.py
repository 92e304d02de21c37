"""Daemons that were started while somebody's own value stood where ours shall be."""

from __future__ import annotations

import datetime
from typing import Any, Dict, List, Mapping, Tuple

from adapter.cluster.set_options import Pair


class HealedOptions:
    """Options that daemons read when they start, and that were put back.

    Of each is known when it was seen well last, and when it was put back (epoch seconds).
    """

    def __init__(self) -> None:
        self._spans: Dict[Pair, Tuple[float, float]] = {}
        self.serial = 0

    def note(self, pair: Pair, good: float, healed: float) -> None:
        """Note that an option was put back."""
        self._spans[pair] = (min(good, self._spans.get(pair, (good, 0.0))[0]), healed)
        self.serial += 1

    def read_by(self, entity: str, row: Mapping[str, Any], configured: float) -> List[str]:
        """Return the options of which a daemon has read another value than ours, maybe.

        ``row`` is what its host reported of it, ``configured`` when it was given all last.
        """
        started = epoch_of(row.get("started")) if self._spans else 0.0
        return sorted(
            option
            for (section, option), (good, healed) in self._spans.items()
            if is_of(entity, section) and max(good, configured) < started < healed
        )


def is_of(entity: str, section: str) -> bool:
    """Tell whether a daemon reads a section of the monitors' configuration."""
    return f"{entity}.".startswith(f"{section.rstrip('.')}.")


def epoch_of(text: Any) -> float:
    """Return the seconds since the epoch of a time in a report, 0 where it is none."""
    try:
        return datetime.datetime.fromisoformat(str(text).replace("Z", "+00:00")).timestamp()
    except ValueError:
        return 0.0
