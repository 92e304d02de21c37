"""What failed is left alone for longer each time, up to a longest time."""

from __future__ import annotations

import math

from adapter.cluster.backoff import RETRY_FIRST, RETRY_LAST, Backoff, pause_after


def test_a_pause_is_doubled_up_to_the_longest() -> None:
    assert [pause_after(each) for each in range(7)] == [10, 20, 40, 80, 160, 320, 600]
    assert [pause_after(each, first=15.0, last=300.0) for each in range(6)] == [
        *(15, 30, 60, 120, 240),
        300,
    ]


def test_no_count_of_failures_is_too_large() -> None:
    assert pause_after(100_000) == RETRY_LAST
    assert pause_after(100_000, last=math.inf) == RETRY_FIRST * 2**10


def test_a_back_off_counts_its_failures() -> None:
    backoff = Backoff()
    backoff.longer(100.0)
    assert (backoff.failures, backoff.until) == (1, 110.0)
    backoff.longer(110.0)
    assert (backoff.failures, backoff.until) == (2, 130.0)
    backoff.longer(130.0, last=15.0)
    assert (backoff.failures, backoff.until) == (3, 145.0)
