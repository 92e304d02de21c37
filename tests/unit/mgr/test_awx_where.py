"""Where jobs are to run, as the options say it."""

from __future__ import annotations

from typing import Any, Dict

import pytest

from adapter.engine.awx_place import AwxPlace
from adapter.engine.switched import Where
from adapter.mgr.awx_where import described, where

DEFAULTS: Dict[str, Any] = {
    "engine": "local",
    "awx_base_path": "/api/v2",
    "awx_name": "ceph",
    "awx_queue_deadline": 300,
    "awx_event_deadline": 30,
    "awx_when_down": "refuse",
}
AWX = {
    "engine": "awx",
    "awx_url": "https://awx.example.org/",
    "awx_organization": "Storage",
}
BEFORE = Where(AwxPlace("https://old.example.org", "Storage", "/state/awx/token"))


class Login:
    token_file, ca_file, problem = "/state/awx/token", "/state/awx/ca.pem", ""


class NoLogin:
    token_file = ca_file = problem = ""


class NotWritten(NoLogin):
    problem = "/state/awx/token: No space left on device"


def test_the_engine_is_this_machine_unless_it_is_said() -> None:
    assert where({**DEFAULTS, **AWX, "engine": "local"}.get, Login, BEFORE) == (Where(), [])


def test_the_options_say_which_awx() -> None:
    more = {"awx_user": "ceph", "awx_when_down": "queue", "awx_queue_deadline": 60}
    found, problems = where({**DEFAULTS, **AWX, **more}.get, Login, Where())
    assert problems == []
    assert found.queues
    assert found.place == AwxPlace(
        "https://awx.example.org",
        "Storage",
        "/state/awx/token",
        user="ceph",
        ca_file="/state/awx/ca.pem",
        queue=60.0,
    )


def test_a_login_that_cannot_be_written_is_not_said_to_be_missing() -> None:
    found, problems = where({**DEFAULTS, **AWX}.get, NotWritten, Where())
    assert (found, problems) == (Where(problem=NotWritten.problem), [])


def test_a_pinned_certificate_counts_alone() -> None:
    pinned = ":".join(["AB"] * 32)
    found, _ = where({**DEFAULTS, **AWX, "awx_certificate_sha256": pinned}.get, Login, Where())
    assert found.place is not None
    assert (found.place.fingerprint, found.place.ca_file) == ("ab" * 32, "")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"awx_url": "http://awx.example.org"}, "awx_url"),
        ({"awx_url": "https://user:word@awx.example.org"}, "awx_url"),
        ({"awx_base_path": "api"}, "awx_base_path"),
        ({"awx_name": "a b"}, "awx_name"),
        ({"awx_certificate_sha256": "12"}, "awx_certificate_sha256"),
        ({"awx_queue_deadline": "soon"}, "awx_queue_deadline"),
        ({"awx_event_deadline": 0}, "awx_event_deadline"),
        ({"awx_when_down": "wait"}, "Allowed: refuse, queue."),
        ({"engine": "tower"}, "Allowed: local, awx."),
    ],
)
def test_a_wrong_option_changes_nothing_and_never_means_this_machine(
    changes: Dict[str, Any], says: str
) -> None:
    found, problems = where({**DEFAULTS, **AWX, **changes}.get, Login, BEFORE)
    assert found == BEFORE
    assert says in problems[0]
    found, problems = where({**DEFAULTS, **AWX, **changes}.get, Login, Where())
    assert (found.place, found.problem) == (None, problems[0])


@pytest.mark.parametrize("missing", ["awx_url", "awx_organization"])
def test_what_is_not_set_is_named(missing: str) -> None:
    found, problems = where({**DEFAULTS, **AWX, missing: ""}.get, Login, BEFORE)
    assert found.place is None
    assert found.problem == problems[0]
    assert f"{missing} is not set" in found.problem


def test_without_a_login_no_job_begins() -> None:
    found, problems = where({**DEFAULTS, **AWX}.get, NoLogin, BEFORE)
    assert (found.place, problems) == (None, [])
    assert "`ceph ansible awx set-token -i FILE`" in found.problem


def test_what_is_shown_has_no_secret() -> None:
    get = {**DEFAULTS, **AWX, "awx_user": "ceph"}.get
    found, _ = where(get, Login, Where())
    data = described(get, Login, found, "")
    assert data["login"] == "the password of ceph is kept"
    assert data["state"] == "jobs run there"
    assert described(get, NoLogin, Where(problem="no"), "no")["state"] == "no"
    assert described(DEFAULTS.get, NoLogin, Where(), "")["state"].startswith("not used")
