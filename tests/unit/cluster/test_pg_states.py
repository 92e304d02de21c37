"""What placement groups wait for, by their rows."""

from __future__ import annotations

from typing import Any, Dict, List, Set

import pytest

from adapter.cluster.pg_states import NOBODY, not_whole_on, waited_for

WELL = "active+clean"


def row(state: str, up: List[int], acting: List[int]) -> Dict[str, Any]:
    return {"state": state, "up": up, "acting": acting}


@pytest.mark.parametrize(
    ("rows", "served", "others"),
    [
        ([], True, set()),
        ([row(WELL, [1, 3], [1, 3])], True, set()),
        ([row("active+undersized+degraded", [1], [1])], True, set()),
        # Nobody has said yet that others serve without it.
        ([row(WELL, [1, 4], [1, 4]), row(WELL, [2, 3], [2, 3])], False, {1}),
        ([row("stale+active+clean", [4, 5], [4, 5])], False, set()),
        ([row("peering", [2], [2, 4]), row(WELL, [1, 3], [1, 3])], False, {2}),
        ([{"state": None}, {}], False, set()),
        # Of an erasure coded pool: no OSD has the third place.
        ([row("active+undersized", [1, 4, NOBODY], [1, 4, NOBODY])], False, {1}),
    ],
)
def test_who_waits_and_who_knows_more(
    rows: List[Dict[str, Any]], served: bool, others: Set[int]
) -> None:
    assert waited_for(rows, [4, 5]) == (served, others)


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([], set()),
        ([row(WELL, [1, 2], [1, 2]), row("active+clean+scrubbing", [3], [3])], set()),
        ([row(WELL, [1, 2], [1, 2]), row("active+undersized", [3, 4], [3])], {3, 4}),
        ([row("active+undersized", [1, NOBODY], [1, NOBODY])], {1}),
        ([{"state": "unknown"}, {}], set()),
    ],
)
def test_who_has_groups_that_are_not_whole(rows: List[Dict[str, Any]], found: Set[int]) -> None:
    assert not_whole_on(rows) == found
