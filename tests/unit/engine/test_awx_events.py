"""Events in disorder: each is told once, in order, and none beyond one that is missing."""

from __future__ import annotations

import random
from typing import Any, Dict, List
from urllib.parse import parse_qs, urlsplit

import pytest

from adapter.engine.awx_events import EventStream, from_documents
from adapter.engine.events import EventReader
from adapter.errors import NotReady


class Page:
    """An AWX that shows of the events of a job what it has written down so far."""

    def __init__(self) -> None:
        self.there: List[int] = []
        self.asked: List[int] = []

    def get(self, path: str) -> Dict[str, Any]:
        query = parse_qs(urlsplit(path).query)
        after, most = int(query["counter__gt"][0]), int(query["page_size"][0])
        assert query["order_by"] == ["counter"]
        self.asked.append(after)
        rows = sorted(number for number in self.there if number > after)[:most]
        return {"results": [{"counter": number} for number in rows]}


def numbers(events: List[Any]) -> List[int]:
    return [event["counter"] for event in events]


@pytest.mark.parametrize("seed", range(20))
def test_each_event_once_and_in_order(seed: int) -> None:
    """With what is above the highest number seen, events that come late are lost."""
    dice, awx, stream = random.Random(seed), Page(), EventStream("/events/")
    waiting = list(range(1, 600))
    told: List[int] = []
    while waiting:
        some = waiting[: dice.randrange(1, 60)]
        dice.shuffle(some)
        late = [number for number in some if dice.random() < 0.2]
        awx.there += [number for number in some if number not in late]
        waiting = [*late, *waiting[len(some) :]]
        told += numbers(stream.read(awx))
        awx.there += [number for number in awx.there if dice.random() < 0.05]
    told += numbers(stream.read(awx))
    assert told == list(range(1, 600))
    assert (stream.lost, stream.has_gap) == (0, False)


def test_more_than_a_page() -> None:
    awx, stream = Page(), EventStream("/events/")
    awx.there = list(range(1, 451))
    assert numbers(stream.read(awx)) == awx.there
    assert awx.asked == [0, 200, 400]


def test_what_is_missing_is_waited_for_and_given_up_when_told() -> None:
    awx, stream = Page(), EventStream("/events/")
    awx.there = [1, 2, 4, 5, 8]
    assert numbers(stream.read(awx)) == [1, 2]
    assert stream.has_gap
    assert numbers(stream.read(awx)) == []
    assert numbers(stream.give_up()) == [4, 5, 8]
    assert (stream.lost, stream.has_gap) == (3, False)
    awx.there += [3, 9]
    assert numbers(stream.read(awx)) == [9]


@pytest.mark.parametrize("answer", [None, {}, {"results": "none"}])
def test_what_is_no_list_is_no_end(answer: Any) -> None:
    awx = Page()
    awx.get = lambda path: answer  # type: ignore[method-assign]
    with pytest.raises(NotReady):
        EventStream("/events/").read(awx)


def test_documents_stand_for_lost_events() -> None:
    counts = {"ok": 1, "changed": 0, "failures": 0, "dark": 0}
    rows = [
        {"host_name": "good", **counts, "changed": 1},
        {"host_name": "failed", **counts, "failures": 1},
        {"host_name": "dark", **counts, "dark": 1},
        {"host_name": "told", **counts, "failures": 1},
    ]
    artifacts = {"ceph_orch_result": {"schema": 1, "hosts": {"good": {"a": 1}}}, "other": 1}
    reader = EventReader(["good", "failed", "dark", "told"])
    lines = [
        line for event in from_documents(artifacts, rows, {"told"}) for line in reader.lines(event)
    ]
    found = {(line["host"], line["status"]) for line in lines}
    good = {("good", "changed"), ("good", "ok")}
    assert found == {*good, ("failed", "failed"), ("dark", "unreachable")}
    assert [line["result"] for line in lines if "result" in line] == [{"a": 1}]
    assert reader.has_stats
    assert reader.forgiven == set()


@pytest.mark.parametrize("artifacts", [None, [], {"other": 1}])
def test_no_documents_say_nothing(artifacts: Any) -> None:
    assert from_documents(artifacts, []) == []
