"""A command waits for the report that decides, for as long as it may."""

from __future__ import annotations

import pytest

from adapter.errors import AdapterError, ReportAwaited
from adapter.methods._awaited import when_reported
from tests.unit.methods.world import World


class Question:
    """Answer from the third time on."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self) -> str:
        self.asked += 1
        if self.asked < 3:
            raise ReportAwaited("waiting for the report of host h2.", "Try again.")
        return "answered"


def test_it_is_asked_until_the_host_has_reported() -> None:
    core, question = World().core, Question()
    core.answer_wait = 60.0
    assert when_reported(core, question) == "answered"
    assert question.asked == 3


def test_it_is_told_when_the_host_takes_longer() -> None:
    core, question = World().core, Question()
    core.answer_wait = 0.0
    with pytest.raises(ReportAwaited):
        when_reported(core, question)
    assert question.asked == 1


def test_another_refusal_is_not_waited_for() -> None:
    def refuse() -> str:
        raise AdapterError("no.", "")

    core = World().core
    core.answer_wait = 60.0
    with pytest.raises(AdapterError, match="no"):
        when_reported(core, refuse)
