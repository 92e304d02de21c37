"""Two directories do not change one cluster at the same time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest

from adapter.cli.at_work import at_work
from adapter.cli.ceph import Ceph, CephError
from adapter.cli.cluster_lock import LOCK, ClusterLock, check_nobody_changes
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
    def records(self) -> Dict[str, Any]:
        return {key: json.loads(text) for key, text in self.kept.values.items()}

    def only(self) -> Dict[str, Any]:
        (record,) = self.records.values()
        return dict(record)


@pytest.fixture
def monitors() -> Monitors:
    return Monitors()


def said(line: str) -> None:
    raise AssertionError(line)


def refuses(mine: ClusterLock, words: str) -> None:
    with pytest.raises(NotReady, match=words), mine.held(said):
        pass


def test_a_second_directory_waits_for_the_first(monitors: Monitors, tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    first, second = (
        ClusterLock(monitors, one, "daemon stop mon.a"),
        ClusterLock(monitors, other, "apply"),
    )
    with at_work(one, "daemon stop mon.a"), first.held(said):
        first.check()
        refuses(second, r"`orch-ansible daemon stop mon\.a` on .*changes this cluster")
        assert monitors.only()["directory"] == str(one)
        with pytest.raises(NotReady, match=r"changes this cluster"):
            check_nobody_changes(monitors)
    assert monitors.records == {}
    check_nobody_changes(monitors)
    with second.held(said):
        assert monitors.only()["directory"] == str(other)


def test_of_two_that_begin_together_not_both_go_on(monitors: Monitors, tmp_path: Path) -> None:
    """The other one has written before this one looks, whatever it has read."""
    other = {"machine": "h9", "machine_id": "x", "words": "apply"}

    def begins(line: str) -> None:
        if line.startswith("config-key dump"):
            monitors.kept.values[f"{LOCK}other"] = json.dumps(other)

    monitors.before = begins
    refuses(ClusterLock(monitors, tmp_path, "apply"), "on h9")
    assert monitors.only() == other, "the other's record stays, and none of this one"


def test_one_that_was_killed_on_this_machine_is_followed(
    monitors: Monitors, tmp_path: Path
) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    with at_work(one, "apply"), ClusterLock(monitors, one, "apply").held(said):
        left = dict(monitors.kept.values)
    assert monitors.records == {}
    monitors.kept.values.update(left)
    check_nobody_changes(monitors)
    with ClusterLock(monitors, other, "apply").held(said):
        assert monitors.only()["directory"] == str(other)
    assert monitors.records == {}


@pytest.mark.parametrize("text", ["{", "[]", '{"machine": "h9"}', "{}", '"x"'])
def test_what_is_not_of_this_machine_or_cannot_be_read_is_somebodys(
    monitors: Monitors, tmp_path: Path, text: str
) -> None:
    monitors.kept.values[f"{LOCK}x"] = text
    refuses(ClusterLock(monitors, tmp_path, "apply"), f"`ceph config-key rm {LOCK}x`")
    assert monitors.kept.values == {f"{LOCK}x": text}


def test_nothing_more_is_done_once_its_record_is_removed(
    monitors: Monitors, tmp_path: Path
) -> None:
    mine = ClusterLock(monitors, tmp_path, "apply")
    mine.check()
    with mine.held(said):
        monitors.kept.values.clear()
        with pytest.raises(NotReady, match="somebody has removed its record"):
            mine.check()


def test_a_record_that_stays_is_named(monitors: Monitors, tmp_path: Path) -> None:
    lines: List[str] = []

    def gone(line: str) -> None:
        raise CephError(line.split(), "no answer", 110)

    with ClusterLock(monitors, tmp_path, "apply").held(lines.append):
        monitors.before = gone
    assert f"`ceph config-key rm {LOCK}" in lines[0]
