"""Names with ranges, as Ansible's INI inventories have them: ``h[01:12].example.org``. Pure."""

from __future__ import annotations

import re
from typing import Iterator, List

from adapter.errors import InvalidValue

# An inventory that means more hosts than this is a slip of the pen.
MOST = 10_000
_RANGE = re.compile(r"\[([^][:]*):([^][:]*)(?::([^][:]*))?\]")
_REMEDY = "Write [1:12], [01:12], [a:d], or [1:9:2] with a step."


def expanded(pattern: str) -> List[str]:
    """Return the names that a pattern means; raises ``InvalidValue`` for a range that is none."""
    found: List[str] = []
    for name in _expanded(pattern, pattern):
        found.append(name)
        if len(found) > MOST:
            raise InvalidValue("host", pattern, f"it means more than {MOST} hosts", _REMEDY)
    return found


def _expanded(rest: str, pattern: str) -> Iterator[str]:
    part = _RANGE.search(rest)
    if part is None:
        if "[" in rest or "]" in rest:
            raise InvalidValue("host", pattern, "a bracket is not that of a range", _REMEDY)
        yield rest
        return
    head = rest[: part.start()]
    for each in _members(part.group(1), part.group(2), part.group(3), pattern):
        for tail in _expanded(rest[part.end() :], pattern):
            yield f"{head}{each}{tail}"


def _members(first: str, last: str, step: str, pattern: str) -> List[str]:
    stride = int(step) if step and re.fullmatch("[0-9]{1,4}", step) else 0 if step else 1
    if stride < 1:
        raise InvalidValue("host", pattern, f"{step!r} is no step of a range", _REMEDY)
    if re.fullmatch("[0-9]{0,9}", first) and re.fullmatch("[0-9]{1,9}", last):
        begin, end = int(first or 0), int(last)
        width = len(first) if first.startswith("0") else 0
        if width and len(last) != width:
            raise InvalidValue("host", pattern, "the ends of a range have other lengths", _REMEDY)
        numbers = range(begin, end + 1, stride)
        if len(numbers) > MOST:
            raise InvalidValue("host", pattern, f"it means more than {MOST} hosts", _REMEDY)
        members = [str(number).zfill(width) for number in numbers]
    elif re.fullmatch("[a-z][a-z]|[A-Z][A-Z]", first + last) and first and last:
        members = [chr(code) for code in range(ord(first), ord(last) + 1, stride)]
    else:
        raise InvalidValue("host", pattern, "it has no range of numbers or letters", _REMEDY)
    if not members:
        raise InvalidValue("host", pattern, "a range ends before it begins", _REMEDY)
    return members
