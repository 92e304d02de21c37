"""Some minutes of daily work; `make daily` has ten times as many."""

from __future__ import annotations

import pytest

from tests.lab_tests.daily.daily_work import DailyWork
from tests.lab_tests.lab_client import Lab
from tests.lab_tests.services.service_lab import Services

SEED, STRETCHES, SECONDS = 1, 5, 420.0


def test_everything_is_as_it_is_wanted_and_nothing_is_left(lab: Lab) -> None:
    if any(machine.image != "full" for machine in lab.machines.values()) or len(lab.machines) < 3:
        pytest.skip("needs three hosts with Ceph")
    services = Services(lab)
    try:
        assert DailyWork(lab, services, SEED).run(SECONDS, STRETCHES) == []
    finally:
        services.close()
