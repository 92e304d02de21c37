"""Several calls at the same time."""

from __future__ import annotations

import threading
from functools import partial

import pytest

from adapter.cluster.parallel import run_parallel


def test_the_calls_run_at_the_same_time_and_answer_in_order() -> None:
    together = threading.Barrier(3, timeout=10)

    def call(number: int) -> int:
        together.wait()
        return number

    assert run_parallel([partial(call, number) for number in range(3)]) == [0, 1, 2]
    assert run_parallel([]) == []
    assert run_parallel([lambda: "alone"]) == ["alone"]


def test_what_one_raises_is_raised_when_all_have_ended() -> None:
    done = []

    def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        run_parallel([fail, partial(done.append, 1), partial(done.append, 2)])
    assert sorted(done) == [1, 2]
