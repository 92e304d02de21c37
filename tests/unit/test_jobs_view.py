"""Which job is meant by ``last``."""

from __future__ import annotations

import pytest

from adapter import jobs_view
from adapter.engine.memory import MemoryEngine
from adapter.engine.model import HostOutcome, HostStatus, Request, Target
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
