"""AWX is asked so often by all workers together, and no more."""

from __future__ import annotations

import time
from pathlib import Path
from typing import List

import pytest

from adapter.engine.awx_turns import Turns


def test_some_are_let_through_and_then_they_come_evenly(tmp_path: Path) -> None:
    """Two who share a file: what one has taken, the other waits for."""
    waited: List[float] = []
    two = [Turns(tmp_path / "turns", 0.1, waited.append) for _ in range(2)]
    for number in range(14):
        two[number % 2].take()
    assert len(waited) == 4
    assert waited == sorted(waited)
    # Nobody has really waited, so each is one turn later than the one before.
    for before, after in zip(waited, waited[1:]):
        assert after - before == pytest.approx(10.0, abs=5.0)


def test_who_asks_seldom_never_waits(tmp_path: Path) -> None:
    waited: List[float] = []
    turns = Turns(tmp_path / "turns", 1e9, waited.append)
    for _ in range(50):
        turns.take()
    assert waited == []


@pytest.mark.parametrize("text", ["", "nonsense", "nan", "9e9", "-1"])
def test_a_file_that_cannot_be_is_begun_anew(tmp_path: Path, text: str) -> None:
    """Such as the one of the time before the machine was started anew."""
    waited: List[float] = []
    (tmp_path / "turns").write_text(text)
    Turns(tmp_path / "turns", 0.1, waited.append).take()
    assert waited == []
    assert abs(float((tmp_path / "turns").read_text()) - time.monotonic() - 10) < 5


def test_nobody_waits_for_a_disk(tmp_path: Path) -> None:
    waited: List[float] = []
    Turns(tmp_path / "nowhere" / "turns", 0.1, waited.append).take()
    assert waited == []
