"""A majority in which no monitor may lead is no quorum."""

from __future__ import annotations

from typing import Any, Dict, Tuple

import pytest

from adapter.cluster.mon_leaders import check_leader
from adapter.errors import AdapterError


def status(barred: Any = "", strategy: int = 2, key: str = "disallowed_leaders") -> Dict[str, Any]:
    monmap = {"election_strategy": strategy, key: barred}
    return {"quorum_names": ["a", "b", "c"], "monmap": monmap}


@pytest.mark.parametrize(
    ("known", "gone"),
    [
        (status("a,c", 1), ("b",)),
        (status("a,c"), ("a",)),
        (status("a"), ("b",)),
        (status(), ("b", "c")),
        (status("a,b,c"), ("a", "b", "c")),
        ({"quorum_names": ["a", "b", "c"], "monmap": {}}, ("b",)),
    ],
)
def test_somebody_may_lead(known: Dict[str, Any], gone: Tuple[str, ...]) -> None:
    check_leader(known, gone)


@pytest.mark.parametrize(
    "known",
    [
        status("a,c"),
        status("a,c", 3),
        status(["a", "c"]),
        status("a,c", key="disallowed_leaders: "),
    ],
)
def test_nobody_may_lead(known: Dict[str, Any]) -> None:
    said = r"^Without mon\.b .*\(a, c\) may lead it\. `ceph mon rm disallowed_leader a` lets"
    with pytest.raises(AdapterError, match=said):
        check_leader(known, ["b"])
