"""Events of services and daemons."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from adapter.interface import OrchestratorError, OrchestratorEvent, OrchestratorValidationError

MOMENT = datetime(2026, 1, 31, 12, 0, 0, 1, tzinfo=timezone.utc)
EVENT = OrchestratorEvent(MOMENT, "daemon", "osd.3", OrchestratorEvent.INFO, "Deployed")


def test_forms() -> None:
    assert EVENT.to_json() == '2026-01-31T12:00:00.000001Z daemon:osd.3 [INFO] "Deployed"'
    assert EVENT.to_dict() == {
        "created": "2026-01-31T12:00:00.000001Z",
        "subject": "daemon:osd.3",
        "level": "INFO",
        "message": "Deployed",
    }
    assert EVENT.kind_subject() == "daemon:osd.3"
    assert OrchestratorEvent("2026-01-31T12:00:00.000001Z", *_rest()) == EVENT
    assert hash(EVENT) == hash(OrchestratorEvent(MOMENT, *_rest()))
    assert EVENT.to_json() != EVENT


def _rest() -> tuple[str, str, str, str]:
    return EVENT.kind, EVENT.subject, EVENT.level, EVENT.message


def test_from_error() -> None:
    event = OrchestratorEvent.from_orch_error(
        OrchestratorError("no disk", event_kind_subject=("service", "osd.hdds"))
    )

    assert event is not None
    assert event.kind_subject() == "service:osd.hdds"
    assert (event.level, event.message) == ("ERROR", "no disk")
    assert OrchestratorEvent.from_orch_error(OrchestratorError("x")) is None


@pytest.mark.parametrize(
    ("kind", "subject", "level", "word"),
    [
        ("host", "h1", "INFO", "kind"),
        ("daemon", "", "INFO", "subject"),
        ("daemon", "a [b", "INFO", "subject"),
        ("daemon", "a", "DEBUG", "level"),
    ],
)
def test_refused(kind: str, subject: str, level: str, word: str) -> None:
    with pytest.raises(OrchestratorValidationError, match=f"event: {word}"):
        OrchestratorEvent(MOMENT, kind, subject, level, "x")
