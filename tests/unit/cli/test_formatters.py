"""The tables, against what ``ceph orch`` of 20.2.4 printed for the same data."""

from __future__ import annotations

import datetime
import json

import pytest

from adapter.cli import formatters
from adapter.interface import InventoryHost
from tests.unit.cli.door import golden

TAKEN = datetime.datetime(2026, 11, 23, 4, 15, 19, 381240, tzinfo=datetime.timezone.utc)


@pytest.mark.parametrize(
    ("name", "wide", "later"),
    [("orch_device_ls", False, 55.4), ("orch_device_ls_wide", True, 61.5)],
)
def test_devices(name: str, wide: bool, later: float) -> None:
    data = json.loads(golden("orch_device_ls.json"))
    now = TAKEN + datetime.timedelta(seconds=later)

    text = formatters.devices([InventoryHost.from_json(each) for each in data], now, wide=wide)

    assert f"{text}\n" == golden(f"{name}.txt")


def test_host_details() -> None:
    facts = {
        "vendor": "Unknown",
        "model": "Unknown",
        "cpu_count": 1,
        "cpu_cores": 2,
        "cpu_threads": 2,
        "memory_total_kb": 24684092,
        "hdd_capacity": "274.9GB",
        "hdd_count": 1,
        "flash_count": 0,
        "nic_count": 0,
    }
    labels = {"p1": ["_admin"], "p2": ["rgw"], "p3": []}
    rows = [
        {
            "hostname": name,
            "addr": f"10.78.0.1{name[1]}",
            "labels": mine,
            "status": "",
            **formatters.host_details(facts),
        }
        for name, mine in labels.items()
    ]

    assert f"{formatters.hosts(rows, detail=True)}\n" == golden("orch_host_ls_detail.txt")


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "   0 "),
        (999, " 999 "),
        (6442450944, "6144M"),
        (274877906944, " 256G"),
        (8001563222016, "7452G"),
        (10737418240, "10.0G"),
        (None, "   0 "),
    ],
)
def test_sizes(count: object, text: str) -> None:
    assert formatters.size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (119, "119s"), (120, "2m"), (7200, "2h"), (172800, "2d"), (1209600, "2w")],
)
def test_ages(seconds: int, text: str) -> None:
    assert formatters.age(TAKEN, TAKEN + datetime.timedelta(seconds=seconds)) == text


def test_a_clock_that_is_ahead_gives_no_negative_age() -> None:
    assert formatters.age(TAKEN, TAKEN - datetime.timedelta(hours=1), " ago") == "0s ago"


def test_differences_of_every_form() -> None:
    diffs = [
        {"before": "a\n", "after": "b\n"},
        [{"prepared": "x\ny"}, "not a mapping"],
        {"before": "same", "after": "same"},
        {"before": {"k": 1}, "after": None},
    ]

    lines = formatters.differences(diffs)

    assert [line for line in lines if line[0] in "+-xy" and line[:3] not in ("+++", "---")] == [
        "-a",
        "+b",
        "x",
        "y",
        "-k: 1",
    ]
