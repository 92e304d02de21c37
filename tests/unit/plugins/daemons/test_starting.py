"""A daemon that systemd starts again and again does not run in between."""

from __future__ import annotations

import time
from typing import Dict

import pytest

from plugins.module_utils.daemons.listing import daemon_state


def unit(seconds: float, restarts: str, **more: str) -> Dict[str, str]:
    began = int((time.clock_gettime(time.CLOCK_MONOTONIC) - seconds) * 1e6)
    return {
        "ActiveState": "active",
        "SubState": "running",
        "NRestarts": restarts,
        "ActiveEnterTimestampMonotonic": str(began),
        **more,
    }


@pytest.mark.parametrize(
    ("seconds", "restarts", "state"),
    [
        (1, "2", "starting"),
        (60, "2", "running"),
        (1, "0", "running"),
        (1, "", "running"),
        (1, "[not set]", "running"),
    ],
)
def test_one_that_has_been_restarted_by_itself(seconds: int, restarts: str, state: str) -> None:
    assert daemon_state(unit(seconds, restarts)) == state


def test_one_that_waits_for_it_is_in_error() -> None:
    waits = unit(1, "2", ActiveState="activating", SubState="auto-restart")
    assert daemon_state(waits) == "error"
    assert daemon_state(unit(1, "2", ActiveState="failed")) == "error"


def test_without_a_time_it_runs() -> None:
    assert daemon_state({"ActiveState": "active", "NRestarts": "3"}) == "running"
