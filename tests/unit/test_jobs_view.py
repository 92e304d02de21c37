"""Which job is meant by ``last``, and what is shown to be typed by hand."""

from __future__ import annotations

from typing import Any

import pytest

from adapter import jobs_view
from adapter.engine.completion import Completion
from adapter.engine.memory import MemoryEngine
from adapter.engine.model import (
    HostOutcome,
    HostStatus,
    JobRecord,
    JobStatus,
    Request,
    Target,
)
from adapter.errors import NotReady


def run(engine: MemoryEngine, operation: str, *, changes: bool) -> str:
    request = Request(
        operation=operation, targets=(Target("h1", "10.0.0.1"),), variables={}, changes=changes
    )
    job = engine.submit(request)
    while not job.is_finished:
        engine.poll()
    return str(job.job_id)


def test_last_is_the_newest_of_those_that_are_listed() -> None:
    engine = MemoryEngine(
        lambda request: {"h1": HostOutcome(HostStatus.CHANGED, result={"hostname": "h1"})}
    )
    first = run(engine, "add_host", changes=True)
    last = run(engine, "apply_mds", changes=True)
    run(engine, "get_inventory", changes=False)
    assert jobs_view.meant(engine.jobs(), "last") == last
    assert jobs_view.meant(engine.jobs(), first) == first


def test_without_any_that_is_said() -> None:
    with pytest.raises(NotReady, match="no job yet"):
        jobs_view.meant([], "last")


@pytest.mark.parametrize(
    ("record", "shown"),
    [
        ({"command": "cd /x && run it"}, "By hand   cd /x && run it"),
        ({"status": JobStatus.QUEUED}, "By hand   # there is no command before the job begins"),
        ({"status": JobStatus.CANCELLED}, "By hand   # the job did not begin"),
        ({"no_command": "its key is gone; type it again"}, "By hand   # its key is gone; type it"),
    ],
    ids=["a command", "queued", "never begun", "why not"],
)
def test_by_hand_there_is_a_line_or_why_not(record: dict[str, Any], shown: str) -> None:
    """What stands in place of a command is a comment for the shell that it may be pasted into."""
    request = Request(operation="add_host", targets=(Target("h1", "10.0.0.1"),))
    values = {"command": "", "status": JobStatus.SUCCEEDED, **record}
    data = jobs_view.details(Completion(JobRecord(id="1", request=request, created=0.0, **values)))
    assert shown in jobs_view.text(data)
    assert bool(data["command"]) != bool(data["no_command"])
