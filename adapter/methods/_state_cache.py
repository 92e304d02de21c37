"""What answers are made of is kept: they must be quick at 1,000 hosts and 10,000 daemons."""

from __future__ import annotations

from typing import Any, Callable, Dict, Generic, Tuple, TypeVar

T = TypeVar("T")


class StateCache(Generic[T]):
    """Make something for a name once, until what decides it changes.

    ``make(*arguments)`` is called when ``state`` differs from the last time.
    """

    def __init__(self, make: Callable[..., T]) -> None:
        self._make = make
        self._kept: Dict[str, Tuple[Any, T]] = {}

    def of(self, name: str, state: Any, *arguments: Any) -> T:
        """Return what was made; it is shared and not to be changed."""
        kept = self._kept.get(name)
        if kept is None or kept[0] != state:
            kept = (state, self._make(*arguments))
            self._kept[name] = kept
        return kept[1]
