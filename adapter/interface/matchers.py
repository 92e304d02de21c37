"""Comparing a device with a filter of a drive group.

A device that lacks what a filter asks for does not match (Ceph's matchers refuse the whole
selection then).
"""

from __future__ import annotations

import re
from typing import Any, Optional, Tuple

from .checks import is_number
from .inventory import Device

SIZE_ALLOWED = "10G, 10G:20G, 10G: or :20G (units K, M, G, T, with or without B)"

_SIZE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,15})?) ?([KMGT])B?")
_UNITS = {"K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


def size_in_bytes(text: str) -> Optional[float]:
    """Read a size with its decimal unit, ``10G`` or ``10.00 GB``; None if it is not one."""
    match = _SIZE.fullmatch(text)
    return None if match is None else float(match.group(1)) * _UNITS[match.group(2)]


def size_range(text: str) -> Optional[Tuple[float, float]]:
    """Read a size filter as the least and greatest size in bytes; None if it is not one."""
    low_text, colon, high_text = text.partition(":")
    low = size_in_bytes(low_text) if low_text else 0.0
    high = (size_in_bytes(high_text) if high_text else float("inf")) if colon else low
    if low is None or high is None or not (low_text or high_text):
        return None
    return low, high


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
    decimal units: that is what operators see and copy into their filters.
    """

    def __init__(self, key: str, value: str) -> None:
        super().__init__(key, value)
        self.key = "human_readable_size"
        self.fallback_key = "size"
        self.range = size_range(value)

    def compare(self, disk: Device) -> bool:
        """Say whether the device matches."""
        found = self._get_disk_key(disk)
        if isinstance(found, str):
            found = size_in_bytes(found)
        if self.range is None or not is_number(found):
            return False
        return bool(self.range[0] <= found <= self.range[1])
