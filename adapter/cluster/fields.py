"""Read the fields of a record that somebody may have edited; each must be of its type and range.

What is missing or null has its default; what is wrong raises ``Unusable``, which names the field.
What is not asked for is not looked at: a later version may have written it.
"""

from __future__ import annotations

import math
from typing import Any, Callable, Collection, Dict, Mapping, Optional, Tuple, TypeVar

from adapter.cluster.store import Unusable
from adapter.errors import shown

T = TypeVar("T")

NEEDED: Any = object()
TEXT_LENGTH = 4096
# Until the year 9999: no other time can be shown.
LAST_TIME = 253402300799.0
# Epochs are numbers of 32 bits, ids of OSDs have one bit less.
LAST_EPOCH, LAST_ID = 2**32 - 1, 2**31 - 1


class Fields:
    """The fields of one record; ``within`` says where they are if they are not at its top."""

    def __init__(self, record: Any, within: str = "") -> None:
        if not isinstance(record, Mapping):
            raise Unusable(f"its {within} is {shown(record)}, and not a mapping")
        self._record, self._within = record, within

    def _wrong(self, key: str, value: Any, what: str) -> Unusable:
        where = f" in its {self._within}" if self._within else ""
        return Unusable(f"its {key}{where} is {shown(value, key)}, and not {what}")

    def _read(self, key: str, default: Any, fits: Callable[[Any], bool], what: str) -> Any:
        value = self._record.get(key)
        if value is None and default is NEEDED:
            where = f" in its {self._within}" if self._within else ""
            raise Unusable(f"it has no {key!r}{where}")
        if value is None:
            return default
        if not fits(value):
            raise self._wrong(key, value, what)
        return value

    def text(self, key: str, default: Optional[str] = NEEDED, *, empty: bool = True) -> Any:
        """Return a text."""
        what = "a text" if empty else "a text with something in it"
        return self._read(key, default, lambda v: _is_text(v) and (empty or bool(v)), what)

    def choice(self, key: str, allowed: Collection[str], default: str = NEEDED) -> str:
        """Return one of these texts."""
        what = f"one of {', '.join(filter(None, allowed))}"
        return str(self._read(key, default, lambda v: _is_text(v) and v in allowed, what))

    def flag(self, key: str, default: bool = NEEDED) -> bool:
        """Return true or false."""
        return bool(self._read(key, default, lambda v: isinstance(v, bool), "true or false"))

    def whole(
        self, key: str, default: int = NEEDED, *, least: int = 0, most: int = LAST_EPOCH
    ) -> int:
        """Return a whole number."""
        what = f"a whole number from {least} to {most}"
        return int(self._read(key, default, lambda v: _is_whole(v) and least <= v <= most, what))

    def number(self, key: str, default: Optional[float] = NEEDED, *, most: float = 1e15) -> Any:
        """Return a number that is not negative, or the default."""
        fits = lambda v: _is_number(v) and 0 <= v <= most  # noqa: E731
        value = self._read(key, default, fits, f"a number from 0 to {most:g}")
        return None if value is None else float(value)

    def time(self, key: str, default: Optional[float] = 0.0) -> Any:
        """Return a time in seconds since the epoch, or the default."""
        return self.number(key, default, most=LAST_TIME)

    def texts(self, key: str, default: Optional[Tuple[str, ...]] = ()) -> Any:
        """Return a list of texts, or the default."""
        value = self._read(key, default, are_texts, "a list of texts")
        return None if value is None else tuple(value)

    def wholes(self, key: str, *, most: int = LAST_ID) -> Tuple[int, ...]:
        """Return a list of whole numbers."""
        return self.each(key, lambda v: _is_whole(v) and 0 <= v <= most, "a list of whole numbers")

    def each(self, key: str, fits: Callable[[Any], bool], what: str) -> Tuple[Any, ...]:
        """Return a list of which every element fits."""
        return tuple(self._read(key, (), lambda v: _is_list(v) and all(map(fits, v)), what))

    def mapping(self, key: str, default: Optional[Mapping[str, Any]] = NEEDED) -> Any:
        """Return a mapping by texts, or the default."""
        fits = lambda v: isinstance(v, Mapping) and all(map(_is_text, v))  # noqa: E731
        return self._read(key, default, fits, "a mapping")

    def rows(self, key: str, read: Callable[[Fields], T], *, empty: bool = True) -> Tuple[T, ...]:
        """Return what ``read`` makes of each mapping of a list."""
        what = "a list" if empty else "a list with something in it"
        default = () if empty else NEEDED
        rows = self._read(key, default, lambda v: _is_list(v) and (empty or bool(v)), what)
        return tuple(read(Fields(row, key)) for row in rows)

    def others(self, *but: str) -> Dict[str, Any]:
        """Return all fields that are not null, without those that are named."""
        return {k: v for k, v in self._record.items() if k not in but and v is not None}


def are_texts(value: Any) -> bool:
    """Tell whether a value is a list of texts."""
    return _is_list(value) and all(map(_is_text, value))


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple))


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= TEXT_LENGTH


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return _is_whole(value) or (isinstance(value, float) and math.isfinite(value))
