"""Points in time, as the interface writes them: UTC, ISO 8601, microseconds, ``Z``.

Same names as in ``ceph.utils``. Reading accepts a little more than Ceph's: the fraction may be
absent, shorter or longer (nanoseconds are cut), and the offset may be ``Z``, ``+HH:MM``,
``+HHMM`` or absent (which means UTC).
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Optional

_UTC = timezone.utc
_FORM = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,30}))? ?(Z|[+-]\d\d:?\d\d)?",
    re.ASCII,
)
_ALLOWED = "allowed: YYYY-MM-DDTHH:MM:SS.ffffffZ"


def datetime_now() -> datetime:
    """Give the present time, aware, in UTC."""
    return datetime.now(_UTC)


def datetime_to_str(dt: datetime) -> str:
    """Write a time as ``2026-01-31T12:00:00.000000Z``; a naive time is taken as UTC."""
    if dt.tzinfo is not None and dt.tzinfo is not _UTC:
        dt = dt.astimezone(_UTC)
    text = dt.isoformat(timespec="microseconds")
    return text[:26] + "Z"


def _offset(text: Optional[str]) -> timezone:
    if text is None or text == "Z":
        return _UTC
    minutes = int(text[1:3]) * 60 + int(text[-2:])
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))


def str_to_datetime(string: str) -> datetime:
    """Read a time that ``datetime_to_str`` (ours or Ceph's) wrote; the result is aware, UTC.

    Raises ``ValueError`` that shows the text and the form that is allowed.
    """
    if len(string) == 27 and string[26] == "Z" and string[10] == "T" and string.isascii():
        try:
            return datetime.fromisoformat(string[:26] + "+00:00")
        except ValueError:
            pass
    match = _FORM.fullmatch(string)
    if match is None:
        raise ValueError(f"{string[:60]!r} is not a time; {_ALLOWED}")
    day, clock, fraction, offset = match.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}")
        micro = int((fraction or "0").ljust(6, "0")[:6])
        return moment.replace(microsecond=micro, tzinfo=_offset(offset)).astimezone(_UTC)
    except (ValueError, OverflowError) as problem:
        raise ValueError(f"{string[:60]!r} is not a time ({problem}); {_ALLOWED}") from None
