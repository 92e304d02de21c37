"""The record of an OSD that is being removed, and what is shown of it."""

from __future__ import annotations

from typing import Any, Dict

import pytest

from adapter.cluster.osd_removals import Removal, Removals, Stage, removal_row
from adapter.cluster.store import MemoryStore


@pytest.mark.parametrize(("replace", "shown"), [(False, "purging"), (True, "destroying")])
def test_a_record_of_an_osd_that_is_purged_has_the_same_word_in_every_version(
    replace: bool, shown: str
) -> None:
    store = MemoryStore()
    record = {"osd_id": 7, "uuid": "u", "host": "h1", "stage": "leaving", "replace": replace}
    store.set("osd_removal.7", record)

    removals = Removals(store)
    (removal,) = removals.all()
    assert removals.problems == {}
    assert removal.stage is Stage.PURGING
    assert removal.to_json()["stage"] == "leaving"
    assert removal_row(removal, 0.0)["drain_status"] == shown


def test_a_reason_follows_the_stage() -> None:
    removal = Removal(7, "u", "h1", stage=Stage.PURGING, replace=True, reason="3 PGs left")
    assert removal.drain_status == "destroying: 3 PGs left"
    assert [each.shown(False) for each in Stage] == [
        "draining",
        "stopping",
        "purging",
        "cleaning",
        "keeping",
    ]


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ({"pgs": 8, "pgs_before": 8}, "draining"),
        ({"pgs": 5}, "draining"),
        ({"pgs": 6, "pgs_before": 8}, "draining: 2 of 8 PGs moved"),
        (
            {"pgs": 6, "pgs_before": 8, "drain_started": 900.0, "drain": "h2"},
            "draining: drain of host h2; 2 of 8 PGs moved, about 5 min left",
        ),
        (
            {"pgs": 1, "pgs_before": 101, "drain_started": 1.0, "reason": "1 PG left"},
            "draining: 100 of 101 PGs moved, about 10 s left; 1 PG left",
        ),
        (
            {"pgs": 999, "pgs_before": 1000, "drain_started": 820.0},
            "draining: 1 of 1000 PGs moved, about 2 d left",
        ),
        ({"pgs": 0, "pgs_before": 8, "drain_started": 900.0}, "draining: 8 of 8 PGs moved"),
        ({"pgs": 9, "pgs_before": 8, "drain_started": 900.0}, "draining"),
        ({"pgs": 6, "pgs_before": 8, "drain_started": 2000.0}, "draining: 2 of 8 PGs moved"),
        (
            {"pgs": 6, "pgs_before": 8, "stage": Stage.CLEANING, "drain": "h2"},
            "cleaning: drain of host h2",
        ),
    ],
)
def test_how_far_an_osd_is_is_told_with_its_cause(values: Dict[str, Any], shown: str) -> None:
    row = removal_row(Removal(3, "u", "h2", **values), 1000.0)
    assert row["drain_status"] == shown
    assert row["drain_of_host"] == values.get("drain", "")
