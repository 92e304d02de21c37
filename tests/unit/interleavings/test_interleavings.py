"""What the interleavings on the lab are made of and judged by, without a lab."""

from __future__ import annotations

import time
from typing import Any
from unittest.mock import Mock

import pytest

from tests.lab_tests.osds.interleaving_agent import Refused
from tests.lab_tests.osds.interleaving_events import Others, Standing
from tests.lab_tests.osds.interleaving_ground import Ground
from tests.lab_tests.osds.interleaving_oracle import Holders, Oracle, is_active, is_clean
from tests.lab_tests.osds.interleaving_plan import BLOCKABLE, KINDS, Slot, plan
from tests.lab_tests.osds.interleaving_verdict import Verdict
from tests.lab_tests.osds.interleavings import Interleavings, from_anew

CLEAN = "active+clean"
NO_OSD = 2**31 - 1
RUN = "tests.lab_tests.osds.interleavings"


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


def an_oracle(patience: float = 60.0, **answers: Any) -> Oracle:
    """Return one that watches a cluster of no OSDs, or what ``answers`` say of it."""
    told = {"ask.return_value": {"osds": []}, "orch.return_value": [], "placement.return_value": {}}
    disks = Mock(**{"labels.return_value": {}})
    return Oracle(Mock(**{**told, **answers}), disks, {}, patience)


def test_a_watcher_that_ends_is_named() -> None:
    with an_oracle(**{"ask.side_effect": [{"osds": []}, {"osds": []}, {"no": "osds"}]}) as oracle:
        oracle._thread.join(10)
    assert oracle.wrong == ["the watcher ended: KeyError: 'osds'"]


def test_a_watcher_that_watches_to_the_end_is_not_named() -> None:
    with an_oracle() as oracle:
        time.sleep(0.3)
    assert oracle.seen.rounds > 1
    assert oracle.wrong == []


def test_a_watcher_that_does_not_end_is_named() -> None:
    with an_oracle(patience=0.1) as oracle:
        oracle._lock.acquire()
        time.sleep(0.3)
    assert oracle.wrong == ["the watcher has not ended within 0 s"]
    oracle._lock.release()
    oracle._thread.join(10)


def a_run(monkeypatch: pytest.MonkeyPatch, **lab: Any) -> Interleavings:
    """Return a run on a lab that does nothing."""
    monkeypatch.setattr(Interleavings, "__init__", lambda self: None)
    monkeypatch.setattr(f"{RUN}.Timetable", Mock())
    monkeypatch.setattr(f"{RUN}.Others", Mock(return_value=Mock(story=[])))
    running = Interleavings()  # type: ignore[call-arg]
    ground = {"slots.return_value": {}, "pool_ids.return_value": {}, "groups.return_value": {}}
    running.ground, running.lab = Mock(**{"hosts": [], **ground, **lab}), Mock()
    running.agent, running._watching, running.crashed = Mock(), Mock(), ""
    return running


def test_what_ends_an_interleaving_is_wrong_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    running = a_run(monkeypatch)
    judged = Mock(side_effect=Refused("osd dump ended with -110"))
    monkeypatch.setattr(Verdict, "judge", judged)
    oracle = Mock(wrong=["h1 was wiped, and nobody asked for it"], wiped=[])
    oracle.__enter__ = Mock(return_value=oracle)
    oracle.__exit__ = Mock(return_value=None)
    monkeypatch.setattr(f"{RUN}.Oracle", Mock(return_value=oracle))
    result = from_anew(running, plan(7, 3))
    assert judged.call_count == 1
    assert result.wrong == [
        "h1 was wiped, and nobody asked for it",
        "it did not come to its end: osd dump ended with -110",
    ]


def test_a_lab_that_is_not_as_it_should_be_is_made_so_before_anything_is_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    running = a_run(monkeypatch, **{"begin.side_effect": [AssertionError("no OSDs"), None]})
    monkeypatch.setattr(running, "run", Mock(return_value="done"))
    assert from_anew(running, plan(7, 3)) == "done"  # type: ignore[comparison-overlap]
    assert running.ground.prepare.call_count == 1  # type: ignore[attr-defined]
    assert running.run.call_count == 1  # type: ignore[attr-defined]


STRAY = Standing(4, "uuid-4", ("h2", "/dev/loop4"), 0.0078)


def a_verdict(*placed: int, state: str = "up") -> tuple[Verdict, Any]:
    """Return one of an OSD that others touched, and the agent; CRUSH has ``placed``."""
    row = {"osd": 4, "uuid": "uuid-4", "up": True, "in": 1, "state": [state]}
    agent = Mock(**{"ask.return_value": {"osds": [row]}})
    nodes = [{"id": osd, "crush_weight": 0.0078, "reweight": 1} for osd in placed]
    living = {4: "uuid-4"} if state == "up" else {}
    alive = {"alive.return_value": living, "groups.return_value": {}}
    ground: Any = Mock(spec=Ground, agent=agent, **{"nodes.return_value": nodes, **alive})
    others = Mock(spec=Others, touched={4})
    oracle = Mock(asked={}, foreign={})
    oracle.seen.queue = {}
    return Verdict(ground, oracle, others, {Slot(1, 0): STRAY}), agent


@pytest.mark.parametrize("placed", [True, False])
def test_only_what_crush_has_is_reweighted_in_it(placed: bool) -> None:
    verdict, agent = a_verdict(*([4] if placed else []))
    verdict._give_weights_back()
    assert told(agent) == ["osd in", "osd reweight", *(["osd crush reweight"] if placed else [])]


def test_a_destroyed_one_that_somebody_weighed_is_out_again() -> None:
    verdict, agent = a_verdict(4, state="destroyed")
    verdict._give_weights_back()
    assert told(agent) == ["osd out"]


def told(agent: Any) -> list[str]:
    return [call.args[0] for call in agent.ask.call_args_list if call.args[0] != "osd dump"]


def test_an_osd_in_no_place_of_crush_is_a_finding() -> None:
    verdict, _ = a_verdict()
    assert verdict._missing() == ["osd.4 has no place in CRUSH"]
    verdict._others.touched.clear()
    assert verdict._missing() == ["osd.4 has no place in CRUSH"]
