"""The login that managers have in AWX changes while a job is there: it ends, or is somebody else's.

Whatever the login is that asks: the job is followed to its end or its state says what is not known,
and nothing is launched a second time.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Iterator

import pytest

from adapter.engine.completion import Completion
from adapter.engine.local import LocalEngine
from adapter.engine.model import JobStatus
from tests.awx.access import User
from tests.awx.engines import AwxSite, play, request
from tests.awx.plans import Planned
from tests.unit.engine.harness import finish, until

# Workers clean up in AWX when their job has ended, also when its engine is gone.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")
# Which roles the users have on the organization and on its templates.
USERS = {
    "first": ("inventory_admin_role", "execute_role"),
    "second": ("inventory_admin_role", "execute_role"),
    "keeper": ("inventory_admin_role", ""),
    "stranger": ("", ""),
}
# What a stranger is told.
REFUSED = "AWX does not let this user do it"


class Logins(AwxSite):
    """An AWX with some users; each has a token of its name. The first one's is used at first."""

    def __init__(self, top: Path) -> None:
        self.fate = ("running for ever", "none")
        super().__init__(top, Planned(lambda job: self.fate))
        store = self.server.store
        for name, (of_organization, of_templates) in USERS.items():
            user = self.server.user(name, "a-password")
            self.server.tokens[name] = User(user)
            held = store.grants["users", user["id"]]
            if of_organization:
                held.add(store.role_ids("organizations", self.organization)[of_organization])
            for number in store.objects["job_templates"] if of_templates else ():
                held.add(store.role_ids("job_templates", number)[of_templates])
        self.write_token("first")

    def change(self, name: str) -> None:
        """Take the login away that is used, and write another one."""
        self.server.tokens.pop(self.token.read_text().strip(), None)
        self.write_token(name)

    def running(self, **place: Any) -> tuple[LocalEngine, Completion]:
        """Return an engine whose job runs in AWX, launched by the first user."""
        engine = self.engine(self.top / "state", self.place(**place))
        job = engine.submit(request(timeout=60, changes=True))
        until(lambda: self.jobs() and self.jobs()[0].has_run, engine.poll)
        return engine, job

    def asked_again(self, engine: LocalEngine) -> None:
        """Wait until it has been asked some times more."""
        before = len(self.server.log)
        until(lambda: len(self.server.log) > before + 4, engine.poll)

    def lose_the_answer(self) -> None:
        """Lose the answer to the launch, whose job has ended well by the next request."""
        self.fate = ("good", "none")
        reply, lost = self.server.reply, list[str]()

        def slow(method: str, path: str, body: Any, login: str) -> Any:
            answer = reply(method, path, body, login)
            if path.endswith("/launch/") and not lost:
                lost.append(path)
                plan = self.server.routes.jobs.jobs[1].plan
                plan.start_at = plan.end_at = plan.processed_at = 0.0
                plan.events = [(0.0, event) for _, event in plan.events]
                self.change("keeper")
                return 502, ""
            return answer

        self.server.reply = slow  # type: ignore[method-assign]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Logins]:
    found = Logins(tmp_path)
    yield found
    found.server.tokens["first"] = User(found.server.admin)
    found.write_token("first")
    found.stop()


def test_another_user_who_sees_it_follows_it_on(site: Logins) -> None:
    engine, job = site.running()
    site.change("second")
    site.asked_again(engine)
    site.jobs()[0].plan.end_at = site.jobs()[0].plan.processed_at = 0.0
    site.jobs()[0].plan.status = "failed"
    finish(engine, job)
    assert job.status is JobStatus.FAILED, job.message
    assert len(site.jobs()) == 1
    assert site.left() == []


def test_another_user_cannot_end_it_and_that_is_said(site: Logins) -> None:
    """AWX lets only the user who has launched a job end it, so it may go on."""
    engine, job = site.running(stop=1.0)
    site.change("second")
    site.asked_again(engine)
    engine.cancel(job.job_id)
    finish(engine, job)
    assert job.status is JobStatus.LOST
    assert f"AWX job 1 has ended ({REFUSED} (POST /api/v2/jobs/1/cancel/)" in job.message
    assert job.message.endswith("look there before its hosts are changed again")
    assert site.jobs()[0].status(time.monotonic()) == "running"
    lines = (site.top / "state/jobs" / job.job_id / "events.jsonl").read_text()
    assert lines.count("cannot be cancelled yet") == 1


@pytest.mark.parametrize("name", ["stranger", "ended"])
def test_a_login_that_sees_nothing_leaves_it_unknown(site: Logins, name: str) -> None:
    engine, job = site.running(silence=1.0)
    site.change(name)
    finish(engine, job)
    said = REFUSED if name == "stranger" else "AWX does not accept the login"
    assert job.status is JobStatus.LOST
    assert job.message.startswith(f"AWX has said nothing of AWX job 1 for 1 s ({said}")
    assert site.jobs()[0].status(time.monotonic()) == "running"
    # Who looks for jobs on these hosts sees by it that they are in use.
    assert site.left() != []


@pytest.mark.parametrize("name", ["stranger", "ended"])
def test_a_good_login_after_a_bad_one_follows_it_on(site: Logins, name: str) -> None:
    """A login that AWX takes and that may not look was kept before, whatever its file said."""
    engine, job = site.running()
    site.change(name)
    site.asked_again(engine)
    site.write_token("second")
    site.asked_again(engine)
    site.jobs()[0].cancel(time.monotonic())
    finish(engine, job)
    assert job.status is JobStatus.CANCELLED, job.message
    assert job.message == "AWX job 1 was cancelled in AWX"
    assert len(site.jobs()) == 1


def test_who_sees_no_jobs_does_not_say_that_there_is_none(site: Logins) -> None:
    """The launch was done and its answer lost, the job is over; then the login is somebody's who
    may delete inventories and sees no jobs. The list of all jobs is empty for it.
    """
    site.lose_the_answer()
    done = play(site, request(changes=True), silence=1.0)
    assert done.status is JobStatus.LOST, done.message
    assert f"AWX does not say whether it has started it: {REFUSED}" in done.message
    assert len(site.jobs()) == 1


def test_nor_is_it_launched_a_second_time_by_the_next_login(site: Logins) -> None:
    site.lose_the_answer()
    answer = site.server.answer

    def watch(method: str, path: str, text: bytes, headers: Any) -> Any:
        said = answer(method, path, text, headers)
        # It is refused something, or begins anew as if there were no job.
        anew = method == "POST" and path.endswith("/inventories/")
        if site.token.read_text() == "keeper\n" and said is not None and (anew or said[0] == 403):
            site.change("second")
        return said

    site.server.answer = watch  # type: ignore[method-assign]
    done = play(site, request(changes=True), silence=20.0)
    assert len(site.jobs()) == 1
    assert done.status is JobStatus.SUCCEEDED, done.message
