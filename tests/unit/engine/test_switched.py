"""Jobs of managers begin where they are wanted when they begin, and end where they have begun."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Iterator, List

import pytest

from adapter.engine.awx import place_of
from adapter.engine.base import Left
from adapter.engine.completion import Completion
from adapter.engine.jobs import JobDir
from adapter.engine.model import JobStatus, Target
from adapter.engine.switched import SwitchedEngine, Where
from adapter.errors import EngineAway, InvalidValue
from tests.awx.engines import CONTENT, AwxSite, request
from tests.awx.plans import Planned
from tests.unit.engine.harness import finish, until

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture
def fates() -> List[str]:
    return ["good"]


@pytest.fixture
def site(tmp_path: Path, fates: List[str]) -> Iterator[AwxSite]:
    found = AwxSite(tmp_path, Planned(lambda job: (fates[0], "none")))
    yield found
    found.stop()


@pytest.fixture
def engine(site: AwxSite, tmp_path: Path) -> SwitchedEngine:
    return switched(site, tmp_path / "state")


def switched(site: AwxSite, state: Path, **settings: Any) -> SwitchedEngine:
    found = SwitchedEngine(state, CONTENT, site.ssh(state), python=sys.executable, **settings)
    site.engines.append(found)
    return found


def directory(engine: SwitchedEngine, job_id: str) -> JobDir:
    return JobDir(Path(engine.directory) / "jobs" / job_id)


def is_away(engine: SwitchedEngine) -> bool:
    engine.poll()
    return engine.away() is not None


def test_a_job_runs_where_jobs_run_now(site: AwxSite, engine: SwitchedEngine) -> None:
    engine.use(Where(site.place()))
    done = finish(engine, engine.submit(request()))
    assert done.record.status is JobStatus.SUCCEEDED, done.record.message
    assert len(site.jobs(done.job_id)) == 1
    engine.use(Where())
    here = Target("h1", "127.0.0.1", connection="local")
    with_local = replace(request("get_report", "h1"), targets=(here,))
    done = finish(engine, engine.submit(with_local))
    assert done.record.status is JobStatus.SUCCEEDED, done.record.message
    assert site.jobs(done.job_id) == []
    engine.use(Where(site.place()))
    with pytest.raises(InvalidValue, match="this machine itself"):
        engine.submit(with_local)


def test_what_has_begun_ends_there_and_what_waits_begins_in_the_new_one(
    site: AwxSite, engine: SwitchedEngine, fates: List[str]
) -> None:
    fates[0] = "running for ever"
    engine.use(Where(site.place()))
    first = engine.submit(request(changes=True))
    until(lambda: bool(site.jobs(first.job_id)), engine.poll)
    second = engine.submit(request(changes=True))
    until(lambda: "it waits for job" in second.record.message, engine.poll)
    engine.use(Where())
    engine.cancel(first.job_id)
    finish(engine, first)
    finish(engine, second)
    assert first.record.status is JobStatus.CANCELLED
    place = place_of(directory(engine, first.job_id))
    # What AWX's first page says is there too, where that was read before the job began.
    assert place is not None
    assert replace(place, root={}) == site.place()
    assert place_of(directory(engine, second.job_id)) is None
    assert site.jobs(second.job_id) == []


def test_another_manager_follows_a_job_in_awx_although_jobs_run_here_now(
    site: AwxSite, engine: SwitchedEngine, tmp_path: Path
) -> None:
    engine.use(Where(site.place()))
    job_id = engine.submit(request()).job_id
    until(lambda: bool(site.jobs(job_id)), engine.poll)
    after = switched(site, tmp_path / "state")
    done = finish(after, after.completion(job_id))
    assert done.record.status is JobStatus.SUCCEEDED, done.record.message
    assert len(site.jobs(job_id)) == 1


def left(job: Completion) -> Left:
    record = job.record
    targets = record.request.targets
    return Left(job.job_id, "get_report", "a job", "other", record.created, targets)


def test_a_manager_on_another_host_follows_a_job_on(site: AwxSite, tmp_path: Path) -> None:
    """Without the search the job is lost to it, and with a launch of its own there are two."""
    site.server.routes.jobs.runner.pace = 2.0
    first = switched(site, tmp_path / "first", lease=1.0)
    first.use(Where(site.place()))
    job = first.submit(request(changes=True, variables={"given": {"a": 1}}))
    until(lambda: bool(site.jobs(job.job_id)), first.poll)
    second = switched(site, tmp_path / "second")
    assert second.follow([left(job)]) == []
    second.use(Where(site.place()))
    found: List[Completion] = []
    until(lambda: found, lambda: found.extend(second.follow([left(job)])))
    done = finish(second, found[0])
    assert done.record.status is JobStatus.SUCCEEDED, done.record.message
    assert second.asked(job.job_id).variables == {"given": {"a": 1}}
    assert done.outcomes["h1"].result == {"name": "h1"}
    assert second.follow([left(job)]) == []
    assert len(site.jobs(job.job_id)) == 1
    assert site.left() == []
    # The first one is active again.
    finish(first, job)
    assert job.record.status is JobStatus.SUCCEEDED, job.record.message
    assert len(site.jobs(job.job_id)) == 1


def test_a_job_is_not_cancelled_because_its_manager_is_gone(site: AwxSite, tmp_path: Path) -> None:
    site.server.routes.jobs.runner.pace = 3.0
    engine = switched(site, tmp_path / "state", lease=1.0)
    engine.use(Where(site.place()))
    job = engine.submit(request(changes=True))
    until(lambda: bool(site.jobs(job.job_id)), engine.poll)
    until(lambda: directory(engine, job.job_id).is_abandoned, lambda: None)
    (launched,) = site.jobs(job.job_id)
    assert launched.cancelled_at is None
    assert not directory(engine, job.job_id).has_result
    assert finish(engine, job).record.status is JobStatus.SUCCEEDED


def test_changes_are_refused_while_awx_is_down_and_it_is_back_by_itself(
    site: AwxSite, engine: SwitchedEngine
) -> None:
    site.server.troubles = lambda method, path: "before"
    engine.use(Where(site.place(silence=0.2)))
    until(lambda: is_away(engine), engine.poll)
    with pytest.raises(EngineAway, match=f"AWX at {site.server.url}|AWX fails"):
        engine.submit(request(changes=True))
    assert engine.ready() != ""
    assert engine.jobs() == []
    site.server.troubles = None
    until(lambda: not is_away(engine), engine.poll, 15)
    done = finish(engine, engine.submit(request(changes=True)))
    assert done.record.status is JobStatus.SUCCEEDED, done.record.message


def test_changes_wait_where_they_are_to_wait(site: AwxSite, engine: SwitchedEngine) -> None:
    site.server.troubles = lambda method, path: "before"
    engine.use(Where(site.place(silence=0.2), queues=True))
    until(lambda: is_away(engine), engine.poll)
    waiting = engine.submit(request(changes=True))
    assert not engine.poll()
    assert waiting.record.status is JobStatus.QUEUED
    assert "it waits because jobs cannot begin: " in waiting.record.message
    site.server.troubles = None
    until(lambda: not is_away(engine), engine.poll, 15)
    assert finish(engine, waiting).record.status is JobStatus.SUCCEEDED
    assert len(site.jobs(waiting.job_id)) == 1


def test_a_place_that_is_not_known_begins_nothing_here(engine: SwitchedEngine) -> None:
    engine.use(Where(problem="awx_url is not set."))
    assert engine.ready() == "awx_url is not set."
    with pytest.raises(EngineAway, match="awx_url is not set"):
        engine.submit(request())


def test_nobody_waits_for_an_awx_that_is_slow(site: AwxSite, engine: SwitchedEngine) -> None:
    site.server.troubles, site.server.slowness = lambda method, path: "slow", 5.0
    began = time.monotonic()
    engine.use(Where(site.place()))
    for _ in range(50):
        engine.poll()
        engine.away()
        engine.ready()
        engine.jobs()
    assert time.monotonic() - began < 1.0
    site.server.troubles = None
