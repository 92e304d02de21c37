"""How far the drains of hosts are, and which of them stand still."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Collection, Dict, List, Sequence, Tuple

from adapter.cluster.health import when
from adapter.errors import some_of

# A drain that got no further for so long (seconds) is a warning.
STANDS_STILL = 300.0
_SHOWN = 8


@dataclass(frozen=True)
class Left:
    """What is left on a host, each with its reason; ``measure`` changes when it gets further."""

    reasons: Tuple[str, ...] = ()
    measure: Tuple[Any, ...] = ()


class DrainWatch:
    """How far drains are, as of the last look. Callers hold the orchestrator's lock."""

    def __init__(self) -> None:
        self._left: Dict[str, Left] = {}
        self._since: Dict[str, float] = {}
        self._asked: Dict[str, float] = {}

    def see(self, host: str, asked: float, left: Left, now: float) -> None:
        """Note what is left on a host at a time (epoch seconds)."""
        before = self._left.get(host)
        if before is None or before.measure != left.measure:
            self._since[host] = now
        self._left[host], self._asked[host] = left, asked

    def keep(self, hosts: Collection[str]) -> None:
        """Forget all other hosts."""
        for kept in (self._left, self._since, self._asked):
            for name in [name for name in kept if name not in hosts]:
                del kept[name]

    def left(self, host: str) -> Sequence[str]:
        """Return what is left on a host."""
        return self._left.get(host, Left()).reasons

    def lines(self, now: float) -> List[str]:
        """Return a sentence for each drain that got no further for a while."""
        found = []
        for host, left in sorted(self._left.items()):
            minutes = int((now - self._since[host]) // 60)
            if left.reasons and now - self._since[host] >= STANDS_STILL:
                found.append(
                    f"host {host} has been draining since {when(self._asked[host])}, and nothing "
                    f"has changed for {minutes} min: {some_of(left.reasons, _SHOWN)}"
                )
        return found
