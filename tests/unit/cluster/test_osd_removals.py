"""The record of an OSD that is being removed, and what is shown of it."""

from __future__ import annotations

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
    assert removal_row(removal)["drain_status"] == shown


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
