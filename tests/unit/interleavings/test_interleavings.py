"""What the interleavings on the lab are made of and judged by, without a lab."""

from __future__ import annotations

from typing import Any

from tests.lab_tests.osds.interleaving_oracle import Holders, is_active, is_clean
from tests.lab_tests.osds.interleaving_plan import BLOCKABLE, KINDS, plan

CLEAN = "active+clean"
NO_OSD = 2**31 - 1


def group(*acting: int, state: str = CLEAN, missing: int = 0, fresh: bool = True) -> dict[str, Any]:
    return {"acting": list(acting), "state": state, "missing": missing, "fresh": fresh}


def lost(gone: set[int], *looks: dict[str, Any], needed: int = 1) -> bool:
    holders = Holders({"5": needed})
    for look in looks:
        holders.look({"5.0": look})
    return holders.may_be_lost(gone) == {"5.0"}


def test_a_plan_follows_from_its_numbers() -> None:
    assert plan(7, 3) == plan(7, 3)
    # Two that ask for one OSD and nothing else may be alike.
    assert len({str(plan(seed, number)) for seed in (7, 8) for number in range(100)}) > 190


def test_all_that_can_happen_happens_in_two_hundred() -> None:
    plans = [plan(7, number) for number in range(200)]
    events = [event for each in plans for event in each.events]
    assert {event.kind for event in events} == set(KINDS)
    assert all(event.slot.host in BLOCKABLE for event in events if event.kind == "block")
    assert 10 < sum(each.managed for each in plans) < 60
    for name in ("zap", "replace", "force"):
        assert 20 < sum(getattr(each.requests[0], name) for each in plans) < 180


def test_the_only_copy_may_be_lost() -> None:
    assert lost({1}, group(1))
    assert not lost({1}, group(2))
    assert not lost({1}, group(1, 2))
    assert lost({1, 2}, group(1, 2))


def test_a_coded_group_bears_the_loss_of_what_is_not_needed() -> None:
    assert not lost({1}, group(1, 2, 3), needed=2)
    assert lost({1, 2}, group(1, 2, 3), needed=2)
    assert not lost({4, 5}, group(1, 2, 3), needed=2)


def test_a_copy_that_is_down_is_not_lost_but_one_left_alone_may_be_the_last() -> None:
    """Its statistics say degraded, and nobody can tell what has moved already."""
    degraded = group(2, NO_OSD, state="active+undersized+degraded", missing=3)
    assert not lost({1}, group(1, 2), degraded)
    assert lost({2}, group(1, 2), degraded)


def test_a_group_that_moved_has_its_copies_where_it_moved_to() -> None:
    assert lost({2}, group(1), group(2))
    assert not lost({1}, group(1), group(2))
    assert lost({2}, group(1), group(2, fresh=False))


def test_one_that_was_never_complete_may_have_its_last_copy_anywhere() -> None:
    assert lost({1}, group(1, 2, state="active+degraded", missing=1))
    assert not lost({3}, group(1, 2, state="active+degraded", missing=1))


def test_clean_is_what_the_newest_map_says() -> None:
    assert is_clean({"5.0": group(1)})
    assert not is_clean({"5.0": group(1, fresh=False)})
    assert not is_clean({})
    assert is_active({"5.0": group(1, state="active+undersized")})
    assert not is_active({"5.0": group(1, state="down")})
