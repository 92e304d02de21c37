"""Which pools would have too few copies while OSDs are stopped."""

from __future__ import annotations

import json
from typing import Any, Dict, List

import pytest

from adapter.cluster.pool_sizes import Pool, read_pools, shortages
from adapter.errors import NotReady

NONE = 2147483647
DATA, COLD = Pool("data", 3, 2), Pool("cold", 3, 3)


def pg(pool: int, *acting: int) -> Dict[str, Any]:
    return {"pgid": f"{pool}.1f", "acting": list(acting), "state": "active"}


def told(rows: List[Dict[str, Any]], stopping: List[int], up: List[int]) -> List[str]:
    found = shortages(rows, {1: DATA, 2: COLD}, stopping, up)
    return [each.describe() for each in found]


def test_pools_are_read_from_the_dump() -> None:
    row = {"pool": 2, "pool_name": "cold", "size": 3, "min_size": 3}
    assert read_pools(json.dumps({"pools": [row]})) == {2: COLD}
    with pytest.raises(NotReady):
        read_pools("no JSON")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], []),
        ([pg(1, 0, 1, 2)], []),
        ([pg(2, 0, 1, 2)], ["pool cold (size 3, min_size 3): 1 placement group"]),
        ([pg(2, 4, 1, 2)], []),
        (
            [pg(1, 0, 1), pg(1, 0, NONE, 2), pg(1, 0, 1, 2)],
            ["pool data (size 3, min_size 2): 2 placement groups, 2 of them degraded already"],
        ),
        ([pg(9, 0)], []),
        ([{"pgid": "", "acting": [0]}, {}], []),
    ],
)
def test_what_would_have_too_few_copies_is_named(
    rows: List[Dict[str, Any]], said: List[str]
) -> None:
    assert told(rows, stopping=[0, 3], up=[0, 1, 2, 3, 4]) == said


def test_an_osd_that_is_down_is_no_copy() -> None:
    assert told([pg(1, 0, 1, 2)], stopping=[0], up=[0, 1]) == [
        "pool data (size 3, min_size 2): 1 placement group, 1 of them degraded already"
    ]
