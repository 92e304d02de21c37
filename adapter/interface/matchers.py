"""Comparing a device with a filter of a drive group.

A device that lacks what a filter asks for does not match (Ceph's matchers refuse the whole
selection then).
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import Any, Optional, Tuple

from .checks import is_number
from .inventory import Device

SIZE_ALLOWED = (
    "10G, 10G:20G, 10G: or :20G (units K, M, G, T, with or without B; KiB, MiB, GiB, TiB are 1024)"
)

_SIZE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,15})?) ?([KMGT])(B|iB?)?")
_LETTERS = " KMGT"
_PRINTED = ("", "k", "M", "G", "T", "P", "E")


@dataclass(frozen=True)
class Size:
    """A size with its unit as somebody wrote it: ``10G``, ``10.00 GB``, ``10GiB``.

    With ``GB`` it is meant as ceph-volume writes sizes for people: what it calls GB are GiB, and
    a thousand of them are one of the next. With ``GiB`` bytes are meant, a letter alone means
    either: `ceph orch device ls` prints such.
    """

    value: float
    letter: str
    kind: str = ""

    # The disks of a cluster have few sizes, and each is read for every filter.
    @classmethod
    @functools.lru_cache(maxsize=1024)
    def read(cls, text: str) -> Optional[Size]:
        """Read a size; None if it is not one."""
        match = _SIZE.fullmatch(text)
        return match and cls(float(match.group(1)), match.group(2), (match.group(3) or "")[:1])

    @property
    def written(self) -> float:
        """The number that is compared with sizes as ceph-volume writes them, or the bytes."""
        return float(self.value * (1024 if self.kind == "i" else 1000) ** self._power)

    @property
    def exact(self) -> float:
        """The number of bytes, where units are powers of 1024."""
        return float(self.value * 1024**self._power)

    @property
    def _power(self) -> int:
        return _LETTERS.index(self.letter)

    def is_printed(self, text: str) -> bool:
        """Say whether it is this very size that was printed."""
        other = Size.read(text)
        return other is not None and (other.value, other.letter) == (self.value, self.letter)


def size_as_listed(size: float) -> str:
    """Give a size as `ceph orch device ls` prints it: four signs and a letter, ``8192M``."""
    unit = 0
    while len(str(int(size) // 1024**unit)) > 4 and unit < len(_PRINTED) - 1:
        unit += 1
    number = f"{size / 1024**unit:f}"[:4].rstrip(".") if unit else str(int(size))
    return f"{number}{_PRINTED[unit]}"


def describe_size(size: float) -> str:
    """Give a size in binary units, e.g. ``7.277 TiB``; nothing for an unknown one."""
    value, units = float(size), ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]
    while value >= 1024 and len(units) > 1:
        value, units = value / 1024, units[1:]
    return f"{value:.4g} {units[0]}" if size > 0 else ""


def size_in_bytes(text: str) -> Optional[float]:
    """Read a size with its unit, ``10G``, ``10.00 GB`` or ``10GiB``; None if it is not one."""
    size = Size.read(text)
    return None if size is None else size.written


def _ends(text: str) -> Optional[Tuple[Optional[Size], Optional[Size]]]:
    """Read a size filter as its two ends; None if it is not one."""
    low_text, colon, high_text = text.partition(":")
    low, high = Size.read(low_text), Size.read(high_text)
    if not (low_text or high_text) or (low_text and not low) or (high_text and not high):
        return None
    return (low, high) if colon else (low, low)


def size_range(text: str) -> Optional[Tuple[float, float]]:
    """Read a size filter as the least and greatest size in bytes; None if it is not one."""
    ends = _ends(text)
    if ends is None:
        return None
    low, high = ends
    return low.written if low else 0.0, high.written if high else float("inf")


class Matcher:
    """Compares the value of ``key`` in a device's ``sys_api`` with ``value``."""

    def __init__(self, key: str, value: Any) -> None:
        self.key = key
        self.value = value
        self.fallback_key: Optional[str] = ""

    def _get_disk_key(self, device: Device) -> Any:
        """Give the device's value, None if it has none."""
        value = device.sys_api.get(self.key)
        if value in (None, "") and self.fallback_key:
            value = device.sys_api.get(self.fallback_key)
        return value

    def compare(self, disk: Device) -> bool:
        """Say whether the device matches."""
        raise NotImplementedError


class SubstringMatcher(Matcher):
    """Matches where the device's value contains the filter's."""

    def compare(self, disk: Device) -> bool:
        """Say whether the device matches."""
        found = self._get_disk_key(disk)
        return found is not None and str(self.value) in str(found)


class EqualityMatcher(Matcher):
    """Matches where both values are the same text."""

    def compare(self, disk: Device) -> bool:
        """Say whether the device matches."""
        found = self._get_disk_key(disk)
        return found is not None and str(found) == str(self.value)


class AllMatcher(Matcher):
    """Matches every device."""

    def compare(self, disk: Device) -> bool:
        """Say that the device matches."""
        return True


class SizeMatcher(Matcher):
    """Matches a size or a range of sizes; a filter that is no size matches nothing.

    The device's size is taken as `ceph-volume` writes it for people (``10.00 GB``), read with
    decimal units: that is what Ceph compares. A letter alone also means what
    `ceph orch device ls` prints (``8192M``), and ``GiB`` the bytes.
    """

    def __init__(self, key: str, value: str) -> None:
        super().__init__(key, value)
        self.key = "human_readable_size"
        self.fallback_key = "size"
        self.range = size_range(value)
        self._ends = _ends(value)

    def compare(self, disk: Device) -> bool:
        """Say whether the device matches."""
        if self._ends is None:
            return False
        written, exact = self._get_disk_key(disk), disk.sys_api.get("size")
        if isinstance(written, str):
            written = size_in_bytes(written)
        return any(self._fits(written, exact, as_listed) for as_listed in (False, True))

    def _fits(self, written: Any, exact: Any, as_listed: bool) -> bool:
        """Compare both ends, letters alone as Ceph does or as its list prints them."""
        low, high = self._ends or (None, None)
        for end, sign in ((low, 1), (high, -1)):
            if end is None:
                continue
            in_bytes = end.kind == "i" or (as_listed and not end.kind)
            found, wanted = (exact, end.exact) if in_bytes else (written, end.written)
            if not is_number(found) or isinstance(found, bool):
                return False
            if in_bytes and end.is_printed(_printed(end, found)):
                continue
            if (found - wanted) * sign < 0:
                return False
        return True


def _printed(end: Size, size: float) -> str:
    return describe_size(size) if end.kind == "i" else size_as_listed(size)
