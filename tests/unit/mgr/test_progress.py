"""What the progress module is told of jobs that end."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, List

import pytest

from adapter.engine.model import JobRecord, JobStatus, Request, Target
from adapter.mgr.progress import ProgressReporter

RECORD = JobRecord(
    "j1", Request("add_host_label", (Target("h1", "a"),), summary="x"), JobStatus.QUEUED, 0.0
)


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
    reporter.tell([RECORD])
    reporter.tell([replace(RECORD, status=status, message=message)])
    assert calls == ["update", told]
