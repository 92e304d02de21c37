"""Times as the interface writes and reads them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from adapter.interface import datetime_now, datetime_to_str, str_to_datetime

UTC = timezone.utc
MOMENT = datetime(2026, 1, 31, 12, 0, 0, 1, tzinfo=UTC)


def test_now_is_aware() -> None:
    assert datetime_now().tzinfo is UTC


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (MOMENT, "2026-01-31T12:00:00.000001Z"),
        (MOMENT.replace(tzinfo=None), "2026-01-31T12:00:00.000001Z"),
        (MOMENT.replace(microsecond=0), "2026-01-31T12:00:00.000000Z"),
        (MOMENT.astimezone(timezone(timedelta(hours=2))), "2026-01-31T12:00:00.000001Z"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00.000000Z"),
    ],
)
def test_written(moment: datetime, text: str) -> None:
    assert datetime_to_str(moment) == text


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-31T12:00:00.000001Z",
        "2026-01-31T12:00:00.000001",
        "2026-01-31T12:00:00.000001999Z",
        "2026-01-31T14:00:00.000001+02:00",
        "2026-01-31T14:00:00.000001+0200",
        "2026-01-31T06:30:00.000001-05:30",
        "2026-01-31 12:00:00.000001 Z",
    ],
)
def test_read(text: str) -> None:
    assert str_to_datetime(text) == MOMENT
    assert str_to_datetime(text).tzinfo is UTC


def test_fraction_may_be_absent() -> None:
    assert str_to_datetime("2026-01-31T12:00:00Z") == MOMENT.replace(microsecond=0)
    assert str_to_datetime("2026-01-31T12:00:00.5Z") == MOMENT.replace(microsecond=500_000)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-01-31",
        "2026-13-01T00:00:00.000000Z",
        "2026-01-31T25:00:00.000000Z",
        "2026-01-31T12:00:00.000001Zulu",
        "2026-01-31T12:00:00.00000\u0661Z",
        "2026-01-31T12:00:00.000001+99:99",
        "0001-01-01T00:00:00.000000+05:00",
        "2026-W05-6T12:00:00.00000Z",
        "x" * 27,
    ],
)
def test_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a time"):
        str_to_datetime(text)
