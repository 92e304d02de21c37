"""Which monitors may lead the quorum: a majority in which nobody may elects for ever.

`mon ok-to-stop` and `mon ok-to-rm` count monitors, and do not look at that. Source: the answer of
`quorum_status` of Ceph 16.2, 18.2 and 20.2.
"""

from __future__ import annotations

from typing import Any, Collection, List, Mapping

from adapter.errors import AdapterError

# The election strategy that asks nobody whether he may lead; `disallow` and `connectivity` do.
CLASSIC = 1


def check_leader(status: Mapping[str, Any], gone: Collection[str]) -> None:
    """Raise ``AdapterError`` where nobody of those in quorum may lead without some of them."""
    monmap = status.get("monmap") or {}
    if monmap.get("election_strategy", CLASSIC) == CLASSIC:
        return
    # Before 18 the key ends with a colon.
    named = [value for key, value in monmap.items() if str(key).startswith("disallowed_leaders")]
    barred = _names(named[0]) if named else []
    left = [str(each) for each in status.get("quorum_names") or () if each not in gone]
    if left and all(each in barred for each in left):
        without = ", ".join(f"mon.{each}" for each in sorted(gone))
        raise AdapterError(
            f"Without {without} there would be no quorum: none of the monitors that are left "
            f"({', '.join(left)}) may lead it.",
            f"`ceph mon rm disallowed_leader {left[0]}` lets mon.{left[0]} lead.",
        )


def _names(value: Any) -> List[str]:
    if isinstance(value, (list, tuple)):
        return [str(each) for each in value]
    return [each.strip() for each in str(value or "").split(",") if each.strip()]
