"""What the progress module is told: of jobs that end, and of the restart of a service."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, List, Tuple

import pytest

from adapter.cluster.service_actions import ServiceAction
from adapter.engine.model import JobRecord, JobStatus, Request, Target
from adapter.interface import OrchestratorEvent
from adapter.mgr.progress import ProgressReporter

RECORD = JobRecord(
    "j1", Request("add_host_label", (Target("h1", "a"),), summary="x"), JobStatus.QUEUED, 0.0
)


def events(service: str) -> List[OrchestratorEvent]:
    return []


@pytest.mark.parametrize(
    ("status", "message", "told"),
    [
        (JobStatus.SUCCEEDED, "ok", "complete"),
        (JobStatus.CANCELLED, "overtaken: job j2 was asked for later and does it", "complete"),
        (JobStatus.CANCELLED, "cancelled", "fail"),
        (JobStatus.FAILED, "overtaken: by events", "fail"),
    ],
)
def test_a_job_that_was_overtaken_is_no_failure(status: JobStatus, message: str, told: str) -> None:
    calls: List[Any] = []
    reporter = ProgressReporter(lambda module, method, *args, **more: calls.append(method))
    reporter.tell([RECORD], [], events)
    reporter.tell([replace(RECORD, status=status, message=message)], [], events)
    assert calls == ["update", told]


class Heard:
    """The progress module: which bars there are, with text and fraction, and how others ended."""

    def __init__(self) -> None:
        self.bars: Dict[str, Tuple[str, float]] = {}
        self.ended: List[str] = []

    def __call__(self, module: str, method: str, bar: str, *words: str, **more: Any) -> None:
        if method == "update":
            self.bars[bar] = more["ev_msg"], more["ev_progress"]
        else:
            del self.bars[bar]
            self.ended.append(" ".join([method, *words]))


def batch(number: int, host: str, status: JobStatus = JobStatus.RUNNING) -> JobRecord:
    request = Request("service_action", (Target(host, "a"),), summary="Restart mds.x")
    return JobRecord(f"j{number}", request, status, 0.0, message="service_action: starting")


@pytest.mark.parametrize(
    ("level", "ended"),
    [(OrchestratorEvent.INFO, "complete"), (OrchestratorEvent.ERROR, "fail what became of it")],
)
def test_a_restart_is_one_bar(level: str, ended: str) -> None:
    """Seen to fail before: each batch had a bar of its own, and between two there was none."""
    heard = Heard()
    reporter = ProgressReporter(heard)
    action = ServiceAction("mds.x", "restart", ("mds.a", "mds.b", "mds.c"), asked=5.0, of=3)
    reporter.tell([], [(action, "")], events)
    assert heard.bars == {"ansible-restart-mds.x-5": ("Restart mds.x: 0 of 3 daemons", 0.0)}
    action = replace(action, left=("mds.c",), doing=("mds.b",))
    reporter.tell([batch(1, "h1", JobStatus.SUCCEEDED), batch(2, "h2")], [(action, "j2")], events)
    said = ("Restart mds.x: 1 of 3 daemons; mds.b on h2", 1 / 3)
    assert heard.bars == {"ansible-restart-mds.x-5": said}
    action = replace(action, left=("mds.c",), doing=(), reason="no other one can take over")
    reporter.tell([batch(2, "h2", JobStatus.SUCCEEDED)], [(action, "")], events)
    said = ("Restart mds.x: 2 of 3 daemons; no other one can take over", 2 / 3)
    assert heard.bars == {"ansible-restart-mds.x-5": said}
    event = OrchestratorEvent(
        "2026-11-23T07:01:32.673000Z", "service", "mds.x", level, "what became of it"
    )
    reporter.tell([], [], lambda service: [event])
    assert (heard.bars, heard.ended) == ({}, [ended])
