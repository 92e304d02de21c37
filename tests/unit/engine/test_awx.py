"""Jobs in a stand-in for AWX: each comes to its named state, within its deadline."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any, Iterator

import pytest
import yaml

from adapter.engine.awx_memory import memory_of
from adapter.engine.model import JobStatus, Target
from adapter.errors import InvalidValue
from tests.awx.engines import AwxSite, play, request
from tests.awx.fixtures import certificate, fingerprint
from tests.awx.plans import Planned
from tests.awx.troubles import AFTER, BEFORE, CUT, NO_LOGIN, SLOW
from tests.unit.engine.harness import drain, finish, until

# Workers clean up in AWX when their job has ended, also when its engine is gone.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")
CASES = yaml.safe_load((Path(__file__).parent / "awx_cases.yml").read_text())


class Fates(Planned):
    """A runner that gives all jobs the same fate."""

    def __init__(self) -> None:
        self.fate = ("good", "none")
        super().__init__(lambda job: self.fate)


@pytest.fixture
def fates() -> Fates:
    return Fates()


@pytest.fixture
def site(tmp_path: Path, fates: Fates) -> Iterator[AwxSite]:
    found = AwxSite(tmp_path, fates)
    yield found
    found.stop()


@pytest.mark.parametrize("case", CASES["fates"], ids=lambda case: "-".join(list(case.values())[:2]))
def test_a_job_comes_to_its_state(site: AwxSite, fates: Fates, case: Any) -> None:
    fates.fate = case["fate"], case["events"]
    short = {"pending for ever": {"queue": 1.5}, "vanished": {"silence": 1.5}}
    timeout = 1.0 if case["fate"] == "running for ever" else 60.0
    done = play(site, request(timeout=timeout), **short.get(case["fate"], {}))
    assert done.status.value == case["state"], done.message
    assert case["says"] in done.message
    assert done.states == case["hosts"]
    assert len(site.jobs()) == 1
    assert site.left() == [] or case["fate"] == "vanished"


def test_the_scope_is_an_inventory_of_its_own(site: AwxSite) -> None:
    done = play(site, request("get_report", "h1", "h3", variables={"given": {"a": ["{{ x }}"]}}))
    (job,) = site.jobs(done.id)
    assert sorted(job.hosts) == ["h1", "h3"]
    assert job.hosts["h1"]["ansible_port"] == 1
    assert "StrictHostKeyChecking=yes" in job.hosts["h1"]["ansible_ssh_common_args"]
    assert job.row["limit"] == ""
    assert json.loads(job.row["extra_vars"])["given"] == {"a": ["{{ x }}"]}
    assert done.results == {"h1": {"name": "h1"}, "h3": {"name": "h3"}}


def test_many_hosts_are_made_some_at_a_time(site: AwxSite) -> None:
    names = [f"h{number}" for number in range(250)]
    done = play(site, request("get_report", *names))
    assert done.status is JobStatus.SUCCEEDED
    (job,) = site.jobs(done.id)
    assert sorted(job.hosts) == sorted(names)


@pytest.mark.parametrize("case", CASES["templates"], ids=lambda case: case["id"])
def test_a_template_that_would_drop_something_is_refused(site: AwxSite, case: Any) -> None:
    """Without the look before the launch ``own inventory`` runs on the bystander."""
    changes = dict(case["changes"])
    if changes.get("inventory"):
        changes["inventory"] = site.everything
    if changes.get("project"):
        about = {"name": "theirs", "organization": site.organization}
        changes["project"] = site.server.store.add("projects", about)["id"]
    site.template("get_report", **changes)
    done = play(site)
    assert done.status is JobStatus.FAILED
    assert done.message.startswith("not started: ")
    assert case["says"] in done.message
    assert site.jobs() == []
    assert site.left() == []


@pytest.mark.parametrize("case", CASES["sabotages"], ids=lambda case: case["id"])
def test_a_launch_that_was_changed_is_cancelled(site: AwxSite, fates: Fates, case: Any) -> None:
    site.server.routes.jobs.sabotage = lambda body: case["changes"]
    fates.pace = 30.0
    done = play(site)
    assert done.status is JobStatus.FAILED
    assert case["says"] in done.message
    (job,) = site.server.routes.jobs.jobs.values()
    assert job.status(time.monotonic()) == "canceled"


def test_a_template_of_another_organization_is_none_of_ours(site: AwxSite) -> None:
    done = play(site, organization="Other")
    assert "AWX has no job template 'ceph-engine-get_report'" in done.message


@pytest.mark.parametrize("kind", [BEFORE, AFTER, CUT, SLOW, NO_LOGIN])
def test_a_launch_whose_answer_is_lost_is_not_done_twice(site: AwxSite, kind: str) -> None:
    """Without the key (a launch that is tried again at once) there are two jobs."""
    lost: list[str] = []

    def trouble(method: str, path: str) -> str:
        if method == "POST" and path.endswith("/launch/") and not lost:
            lost.append(path)
            return kind
        return ""

    site.server.troubles, site.server.slowness = trouble, 3.0
    done = play(site, request=2.0)
    assert done.status is JobStatus.SUCCEEDED, done.message
    assert len(lost) == 1
    assert len(site.jobs()) == 1
    assert site.left() == []


@pytest.mark.parametrize("ignored", [False, True])
def test_a_job_that_ended_before_its_inventory_was_deleted_is_found(
    site: AwxSite, ignored: bool
) -> None:
    """AWX is slow: it begins a launch after nobody has seen one, and the job is over by the time at
    which the inventory is deleted. Without a look at jobs that have lost theirs there are two.
    """
    reply = site.server.reply
    late: list[Any] = []

    def slow(method: str, path: str, body: Any, login: str) -> Any:
        if path.endswith("/launch/") and not late:
            late.append((method, path, body, login))
            return 502, ""
        if method == "DELETE" and len(late) == 1 and not site.jobs():
            late.append(reply(*late[0]))
            job = site.server.routes.jobs.jobs[1]
            job.plan.start_at = job.plan.end_at = job.plan.processed_at = 0.0
        return reply(method, path, body, login)

    site.server.reply = slow  # type: ignore[method-assign]
    if ignored:
        changes = {"ask_variables_on_launch": False}
        site.server.routes.jobs.sabotage = lambda body: changes
    done = play(site)
    assert len(site.server.routes.jobs.jobs) == 1
    assert done.status is (JobStatus.FAILED if ignored else JobStatus.SUCCEEDED), done.message
    assert not ignored or "AWX runs it without" in done.message


def test_a_job_of_somebody_else_without_variables_is_not_taken_for_ours(site: AwxSite) -> None:
    """It has lost its inventory, as all have that are over, and began after ours was made."""
    other = site.server.store.add("inventories", {"name": "x", "organization": site.organization})
    site.server.routes.jobs.hosts[other["id"]] = {"h9": {}}
    reply = site.server.reply
    lost: list[str] = []

    def slow(method: str, path: str, body: Any, login: str) -> Any:
        if path.endswith("/launch/") and not lost:
            lost.append(path)
            assert reply(method, path, {"inventory": other["id"]}, login)[0] == 201
            job = site.server.routes.jobs.jobs[1]
            job.plan.start_at = job.plan.end_at = job.plan.processed_at = 0.0
            job.row["inventory"] = None
            return 502, ""
        return reply(method, path, body, login)

    site.server.reply = slow  # type: ignore[method-assign]
    done = play(site)
    assert done.status is JobStatus.SUCCEEDED, done.message
    assert len(site.server.routes.jobs.jobs) == 2


def test_an_inventory_that_awx_keeps_is_not_asked_for_ever(site: AwxSite) -> None:
    """AWX may refuse to delete it although it shows no job of it."""
    refused = {"error": "Resource is being used by running jobs."}

    answer = site.server.answer
    site.server.answer = lambda method, path, text, headers: (  # type: ignore[method-assign]
        (409, json.dumps(refused).encode(), {})
        if method == "DELETE"
        else answer(method, path, text, headers)
    )
    site.server.troubles = lambda method, path: BEFORE if path.endswith("/launch/") else ""
    done = play(site, silence=0.5)
    assert done.status is JobStatus.LOST
    assert "Resource is being used by running jobs" in done.message
    site.server.answer = answer  # type: ignore[method-assign]


def test_a_killed_worker_loses_nothing(site: AwxSite, fates: Fates) -> None:
    fates.pace = 3.0
    engine = site.engine(site.top / "state")
    job = engine.submit(request())
    until(lambda: site.jobs(), engine.poll)
    engine._active[job.job_id].child.kill_worker()
    finish(engine, job)
    assert job.status is JobStatus.SUCCEEDED, job.message
    assert len(site.jobs()) == 1
    lines = (site.top / "state" / "jobs" / job.job_id / "events.jsonl").read_text().splitlines()
    told = [json.loads(line) for line in lines]
    assert sum("result" in line for line in told) == len(job.outcomes) * 2


def test_a_job_that_is_gone_when_a_worker_comes_back_is_lost(site: AwxSite, fates: Fates) -> None:
    fates.fate = ("running for ever", "none")
    engine = site.engine(site.top / "state", site.place(silence=1.0))
    job = engine.submit(request())
    until(lambda: memory_of(site.top / "state" / "jobs" / job.job_id).get("job"), engine.poll)
    site.jobs()[0].plan.gone_at = 0.0
    engine._active[job.job_id].child.kill_worker()
    finish(engine, job)
    assert job.status is JobStatus.LOST, job.message
    assert "AWX has no job at /api/v2/jobs/1/ any more; look there" in job.message


@pytest.mark.parametrize("troubles", [2, 1000])
def test_the_last_events_are_asked_for_again(site: AwxSite, fates: Fates, troubles: int) -> None:
    left = [troubles]

    def trouble(method: str, path: str) -> str:
        jobs = site.jobs()
        if jobs and "job_events" in path and jobs[0].status(time.monotonic()) == "successful":
            left[0] -= 1
            return CUT if left[0] >= 0 else ""
        return CUT if jobs and "job_events" in path else ""

    site.server.troubles = trouble
    done = play(site, silence=1.0)
    if troubles == 2:
        assert done.status is JobStatus.SUCCEEDED, done.message
    else:
        assert done.status is JobStatus.LOST
        assert "AWX job 1 has ended well, and AWX does not tell its events" in done.message


def test_a_job_that_awx_never_takes_is_not_one_that_took_too_long(site: AwxSite) -> None:
    """Each answer but the one that counts comes, so AWX is never silent."""
    site.server.troubles = lambda method, path: BEFORE if path.endswith("/launch/") else ""
    short = site.place(queue=1.0, silence=1.0, events=1.0, stop=1.0)
    engine = site.engine(site.top / "state", short)
    job = engine.submit(request(timeout=1.0))
    finish(engine, job)
    assert job.status is JobStatus.FAILED
    assert job.message == "not started: AWX has not taken it in time"
    assert site.jobs() == []


def test_a_job_that_ends_while_it_is_cancelled_is_what_it_ended_as(
    site: AwxSite, fates: Fates
) -> None:
    """AWX takes the cancel too late, as where it is asked by a slow manager."""
    fates.fate, fates.pace = ("failed", "none"), 1.0
    begin = fates.begin
    fates.begin = lambda job: (begin(job), setattr(job.plan, "stops", None))  # type: ignore[method-assign]
    done = play(site, request(timeout=0.01))
    assert done.status is JobStatus.FAILED, done.message
    assert "h1 (no such luck)" in done.message
    assert done.states == ["failed", "ok"]


def test_a_job_that_was_over_at_the_first_look_did_not_wait_too_long(
    site: AwxSite, fates: Fates
) -> None:
    """AWX was slow: its queue deadline has passed by then, and somebody has cancelled the job."""
    fates.fate, fates.pace = ("canceled there", "none"), 0.02
    done = play(site, queue=1.0, interval=0.75)
    assert done.status is JobStatus.CANCELLED, done.message
    assert done.message == "AWX job 1 was cancelled in AWX"


def test_a_job_that_another_manager_has_seen_off_is_not_waited_for(site: AwxSite) -> None:
    """Whoever has seen its end may have removed its directory, if there were enough others."""
    first = site.engine(site.top / "state")
    job = first.submit(request())
    second = site.engine(site.top / "state")
    finish(second, second.completion(job.job_id))
    drain(second)
    shutil.rmtree(site.top / "state" / "jobs" / job.job_id)
    finish(first, job)
    assert job.status is JobStatus.LOST
    assert "look in AWX whether it goes on there" in job.message


def test_a_manager_that_is_gone_is_followed_by_another(site: AwxSite, fates: Fates) -> None:
    fates.pace = 3.0
    first = site.engine(site.top / "state")
    job = first.submit(request())
    until(lambda: site.jobs(), first.poll)
    first._active[job.job_id].child.kill_worker()
    second = site.engine(site.top / "state")
    done = finish(second, second.completion(job.job_id))
    assert done.status is JobStatus.SUCCEEDED, done.message
    assert len(site.jobs()) == 1


@pytest.mark.parametrize("changes", [True, False])
def test_cancel_reaches_awx(site: AwxSite, fates: Fates, changes: bool) -> None:
    fates.fate = ("running for ever", "none")
    engine = site.engine(site.top / "state")
    job = engine.submit(request(timeout=60, changes=changes))
    until(lambda: site.jobs() and site.jobs()[0].has_run, engine.poll)
    engine.cancel(job.job_id)
    finish(engine, job)
    assert job.status is JobStatus.CANCELLED, job.message
    assert site.jobs()[0].status(time.monotonic()) == "canceled"


def test_a_job_that_awx_does_not_end_is_not_called_cancelled(site: AwxSite, fates: Fates) -> None:
    fates.fate = ("running for ever", "none")
    engine = site.engine(site.top / "state", site.place(stop=1.0))
    job = engine.submit(request(timeout=60))
    until(lambda: site.jobs() and site.jobs()[0].has_run, engine.poll)
    site.jobs()[0].plan.stops = None
    engine.cancel(job.job_id)
    finish(engine, job)
    assert job.status is JobStatus.LOST
    assert "has not said within 1 s that AWX job 1 has ended; look there" in job.message


def test_no_job_changes_a_host_that_another_manager_changes(site: AwxSite, fates: Fates) -> None:
    fates.fate = ("running for ever", "none")
    other = site.engine(site.top / "other")
    first = other.submit(request("get_report", "h1", "h2", timeout=60, changes=True))
    until(lambda: site.jobs(), other.poll)
    engine = site.engine(site.top / "state", site.place(queue=2.0))
    beside = engine.submit(request("get_report", "h3", changes=True, timeout=1.0))
    reads = engine.submit(request("get_report", "h1", timeout=1.0))
    second = engine.submit(request("get_report", "h2", changes=True))
    for job in (beside, reads, second):
        finish(engine, job)
    assert [job.status for job in (beside, reads)] == [JobStatus.TIMED_OUT] * 2
    assert second.status is JobStatus.FAILED
    assert "AWX job 1 changes h2" in second.message
    assert site.jobs(second.job_id) == []
    other.cancel(first.job_id)
    finish(other, first)


def test_an_awx_that_is_gone_before_the_launch(site: AwxSite) -> None:
    engine = site.engine(site.top / "state", site.place(url="http://127.0.0.1:1", silence=1.0))
    assert "AWX at http://127.0.0.1:1 does not answer" in engine.ready()
    done = play(site, url="http://127.0.0.1:1", silence=0.5)
    assert done.status is JobStatus.FAILED
    assert done.message.startswith("not started: AWX at http://127.0.0.1:1 does not answer")


def test_an_awx_that_goes_away_while_a_job_runs(site: AwxSite, fates: Fates) -> None:
    fates.fate = ("running for ever", "none")
    engine = site.engine(site.top / "state", site.place(silence=1.0))
    job = engine.submit(request(timeout=60))
    until(lambda: site.jobs(), engine.poll)
    site.server.troubles = lambda method, path: CUT
    finish(engine, job)
    assert job.status is JobStatus.LOST
    assert "AWX has said nothing of AWX job 1 for 1 s" in job.message


def test_a_launch_of_which_awx_says_nothing_any_more_is_lost(site: AwxSite) -> None:
    def trouble(method: str, path: str) -> str:
        return CUT if site.jobs() or path.endswith("/launch/") else ""

    site.server.troubles = trouble
    done = play(site, silence=1.0)
    assert done.status is JobStatus.LOST
    assert "does not say whether it has started it" in done.message


def test_a_token_that_ends_and_another_one(site: AwxSite, fates: Fates) -> None:
    fates.fate = ("running for ever", "none")
    engine = site.engine(site.top / "state", site.place(silence=30.0))
    job = engine.submit(request(timeout=60))
    until(lambda: site.jobs() and site.jobs()[0].has_run, engine.poll)
    user = site.server.tokens.pop("admin-token")
    before = len(site.server.log)
    until(lambda: len(site.server.log) > before + 2, engine.poll)
    site.server.tokens["new-token"] = user
    site.write_token("new-token")
    site.jobs()[0].cancel(time.monotonic())
    finish(engine, job)
    assert job.status is JobStatus.CANCELLED
    assert job.message == "AWX job 1 was cancelled in AWX"


def test_a_token_that_is_not_taken(site: AwxSite) -> None:
    site.write_token("wrong")
    engine = site.engine(site.top / "state", site.place(silence=0.5))
    assert "AWX does not accept the login" in engine.ready()
    done = play(site, silence=0.5)
    assert done.status is JobStatus.FAILED
    assert "not started: AWX does not accept the login" in done.message


def test_tls_has_to_verify(tmp_path: Path, fates: Fates) -> None:
    pair = certificate(tmp_path)
    site = AwxSite(tmp_path, fates, certificate=pair)
    try:
        done = play(site, silence=0.5)
        assert done.status is JobStatus.FAILED
        assert "not started: The certificate of AWX at" in done.message
        assert site.server.log == []
        assert play(site, ca_file=str(pair[0])).status is JobStatus.SUCCEEDED
        pinned = play(site, fingerprint=fingerprint(pair[0]))
        assert pinned.status is JobStatus.SUCCEEDED
        assert "another certificate than the one that is pinned" in (
            play(site, fingerprint="0" * 64, silence=0.5).message
        )
    finally:
        site.stop()


def test_an_awx_that_is_slow_holds_up_nobody(site: AwxSite) -> None:
    engine = site.engine(site.top / "state", site.place(request=5.0))
    assert engine.ready() == ""
    site.server.troubles = lambda method, path: SLOW
    site.server.slowness = 2.0
    engine._reach._every = 0.0
    began = time.monotonic()
    for _ in range(20):
        engine.poll()
        assert engine.ready() == ""
    assert time.monotonic() - began < 1.0
    site.server.troubles = None


def test_this_machine_itself_is_not_for_awx(site: AwxSite) -> None:
    engine = site.engine(site.top / "state")
    asked = request()
    here = Target("h1", "127.0.0.1", connection="local")
    with pytest.raises(InvalidValue, match="this machine itself"):
        engine.submit(type(asked)("get_report", (here,)))
