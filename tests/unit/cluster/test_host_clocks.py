"""Times of hosts whose clocks differ from the manager's."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Optional

import pytest

from adapter.cluster.host_clocks import ahead_of, by_our_clock, clock_lines
from adapter.cluster.reports import Reports


@pytest.mark.parametrize(
    ("clock", "asked", "ahead"),
    [
        (1000.0, 998.0, 0.0),  # between the question and the answer
        (1600.0, 998.0, 602.0),
        (400.0, 998.0, -598.0),
        (1600, 998.0, 602.0),
        # What is not surely ten seconds.
        (1012.9, 998.0, 0.0),
        (988.1, 998.0, 0.0),
        # A wipe of two minutes: the host may have read its clock at any time.
        (1600.0, 883.0, 597.0),
        (400.0, 883.0, -483.0),
        (1100.0, 883.0, 97.0),
        (950.0, 883.0, 0.0),
        (1600.0, None, None),
        (None, 998.0, None),
        (True, 998.0, None),
        ("1600", 998.0, None),
        (-1.0, 998.0, None),
        (float("inf"), 998.0, None),
        (float("nan"), 998.0, None),
    ],
)
def test_how_far_a_clock_is_off(clock: Any, asked: Optional[float], ahead: Optional[float]) -> None:
    assert ahead_of(clock, asked, now=1003.0) == ahead


@pytest.mark.parametrize(
    ("clock", "before", "ahead"),
    [
        (1600.0, 610.0, 610.0),
        (1600.0, 590.0, 597.0),
        # It was set right since, as far as that is certain.
        (1000.0, 610.0, 117.0),
        (900.0, -610.0, -103.0),
    ],
)
def test_a_long_job_corrects_what_was_known_before(
    clock: float, before: float, ahead: float
) -> None:
    assert ahead_of(clock, 883.0, 1003.0, before) == ahead


def test_starts_of_daemons_are_by_this_managers_clock() -> None:
    reports = Reports()
    row = {"daemon_type": "mon", "daemon_id": "h1", "started": "2026-11-30T13:10:00+00:00"}
    reports.absorb("h1", {"daemons": [row], "clock": 1600.0}, 1003.0, 1000.0)
    report = reports.get("h1")
    assert report is not None
    assert (report.ahead, report.daemons[0]["started"]) == (600.0, "2026-11-30T13:00:00+00:00")
    assert reports.clock_lines()[0].startswith(
        "host h1: its clock is about 600 s ahead of this manager"
    )

    # What does not tell it says nothing against it.
    reports.absorb("h1", {"daemons": [row]}, 1010.0)
    report = reports.get("h1")
    assert report is not None
    assert report.daemons[0]["started"] == "2026-11-30T13:00:00+00:00"

    reports.absorb("h1", {"daemons": [row], "clock": 1021.0}, 1022.0, 1020.0)
    report = reports.get("h1")
    assert report is not None
    assert (report.ahead, report.daemons[0]["started"]) == (0.0, row["started"])
    assert reports.clock_lines() == []


def test_what_was_found_is_kept_with_the_report(tmp_path: Path) -> None:
    reports = Reports(tmp_path)
    reports.absorb("h1", {"daemons": [], "clock": 1600.0}, 1003.0, 1000.0)
    anew = Reports(tmp_path)
    anew.load(["h1"])
    assert anew.ahead("h1") == 600.0


def test_a_daemon_without_a_time_stays_so() -> None:
    assert by_our_clock([{"started": None}], 5.0) == [{"started": None}]


def test_small_differences_are_not_told() -> None:
    lines = clock_lines({"h1": 9.9, "h2": -10.0, "h3": 0.0})
    assert [line.split(".")[0] for line in lines] == [
        "host h2: its clock is about 10 s behind this manager's"
    ]
