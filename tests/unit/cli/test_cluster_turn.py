"""Two directories do not change one cluster at the same time."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest

from adapter.cli.at_work import at_work
from adapter.cli.ceph import Ceph, CephError
from adapter.cli.cluster_turn import KEY, Turn, check_nobody_changes
from adapter.errors import NotReady
from tests.unit.cli.kept_values import KeptValues


class Monitors(Ceph):
    """The monitors' key-value store; ``before`` is called with each command's words."""

    def __init__(self) -> None:
        self.kept = KeptValues()
        self.before: Callable[[str], None] = lambda line: None

    def __call__(self, *words: str, timeout: float = 0, given: str = "") -> str:
        self.before(" ".join(words))
        answer = self.kept.answer(words, given)
        assert answer is not None, words
        return answer

    @property
    def record(self) -> Dict[str, Any]:
        return dict(json.loads(self.kept.values.get(KEY, "{}")))


class Clock:
    def __init__(self) -> None:
        self.now, self.at_pause = 0.0, lambda: None

    def pause(self, seconds: float) -> None:
        self.now += seconds
        self.at_pause()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def monitors() -> Monitors:
    return Monitors()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def turn(
    monitors: Monitors, clock: Clock, directory: Path, words: str = "daemon stop mon.a"
) -> Turn:
    return Turn(monitors, directory, words, pause=clock.pause, clock=clock)


def said(line: str) -> None:
    raise AssertionError(line)


def refuses(mine: Turn, words: str) -> None:
    with pytest.raises(NotReady, match=words), mine.taken(said):
        pass


def test_a_second_directory_waits_for_the_first(
    monitors: Monitors, clock: Clock, tmp_path: Path
) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    first, second = turn(monitors, clock, one), turn(monitors, clock, other, "apply")
    with at_work(one, "daemon stop mon.a"), first.taken(said):
        first.check()
        refuses(second, r"`orch-ansible daemon stop mon\.a` on .*changes this")
        with pytest.raises(NotReady, match=r"changes this cluster"):
            check_nobody_changes(monitors)
    assert monitors.record == {}
    check_nobody_changes(monitors)
    with second.taken(said):
        assert monitors.record["directory"] == str(other)


def test_of_two_that_begin_together_one_goes_on(
    monitors: Monitors, clock: Clock, tmp_path: Path
) -> None:
    """Both found nobody: the later record is what both read."""
    refused: List[str] = []

    def other_begins() -> None:
        clock.at_pause = lambda: None
        # It read before the first one wrote.
        found = monitors.kept.values.pop(KEY)
        monitors.kept.values[KEY] = json.dumps({**json.loads(found), "nonce": "x", "machine": "h9"})

    clock.at_pause = other_begins
    try:
        with turn(monitors, clock, tmp_path).taken(said):
            pass
    except NotReady as error:
        refused.append(str(error))
    assert "on h9" in refused[0]
    assert monitors.record["nonce"] == "x", "the other's record stays"


def test_monitors_that_are_too_slow_to_tell_are_said(
    monitors: Monitors, clock: Clock, tmp_path: Path
) -> None:
    def slow(line: str) -> None:
        clock.now += 1.1 if "config-key set" in line else 0

    monitors.before = slow
    refuses(turn(monitors, clock, tmp_path), "too slowly to tell")
    assert monitors.record == {}


def test_one_that_was_killed_on_this_machine_is_followed(
    monitors: Monitors, clock: Clock, tmp_path: Path
) -> None:
    one = tmp_path / "one"
    with at_work(one, "apply"):
        turn(monitors, clock, one)._take()
    assert monitors.record["pid"] == os.getpid()
    check_nobody_changes(monitors)
    with turn(monitors, clock, tmp_path / "other").taken(said):
        assert monitors.record["directory"] == str(tmp_path / "other")


@pytest.mark.parametrize("text", ["{", "[]", '{"machine": "h9"}', "{}", '"x"'])
def test_what_is_not_of_this_machine_or_cannot_be_read_is_somebodys(
    monitors: Monitors, clock: Clock, tmp_path: Path, text: str
) -> None:
    monitors.kept.values[KEY] = text
    refuses(turn(monitors, clock, tmp_path), f"`ceph config-key rm {KEY}` removes its record")
    assert monitors.kept.values[KEY] == text


def test_nothing_more_is_done_once_somebody_has_taken_over(
    monitors: Monitors, clock: Clock, tmp_path: Path
) -> None:
    mine = turn(monitors, clock, tmp_path)
    mine.check()
    with mine.taken(said):
        other = {**monitors.record, "nonce": "x", "words": "apply", "machine": "h9"}
        monitors.kept.values[KEY] = json.dumps(other)
        with pytest.raises(NotReady, match=r"`orch-ansible apply` on h9 .* has taken over"):
            mine.check()
        del monitors.kept.values[KEY]
        with pytest.raises(NotReady, match="do not know any more"):
            mine.check()
        monitors.kept.values[KEY] = json.dumps(other)
    assert monitors.record == other


def test_a_record_that_stays_is_named(monitors: Monitors, clock: Clock, tmp_path: Path) -> None:
    lines: List[str] = []

    def gone(line: str) -> None:
        raise CephError(line.split(), "no answer", 110)

    with turn(monitors, clock, tmp_path).taken(lines.append):
        monitors.before = gone
    assert f"`ceph config-key rm {KEY}`" in lines[0]
