"""Credentials of jobs in AWX: the job's keys are in its own, and no other one gives it anything."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, Iterator

import pytest

from adapter.engine.model import JobStatus
from tests.awx.access import User
from tests.awx.engines import AwxSite, play, request
from tests.awx.kept import everything
from tests.awx.plans import Planned

SECRET = "AQBcanarycanarycanarycanarycanarycanary=="
TOKEN = "canarytoken0123456789"
KEYS = {"mds.a.keyring": f"[mds.a]\n\tkey = {SECRET}\n"}
FIELDS = {"fields": [{"id": "keyrings", "label": "Keyrings", "type": "string", "secret": True}]}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[AwxSite]:
    found = AwxSite(tmp_path, Planned(lambda job: ("good", "none")))
    kind = {"name": "ceph-keyrings", "kind": "cloud", "inputs": FIELDS}
    found.server.store.add("credential_types", kind)
    found.server.tokens[TOKEN] = User(found.server.admin)
    found.write_token(TOKEN)
    yield found
    found.stop()


def theirs(site: AwxSite) -> dict[str, Any]:
    """Return a credential of somebody else, whose type adds a variable to each job."""
    more = {"extra_vars": {"host_record_takeover": "true"}}
    kind = {"name": "theirs", "kind": "cloud", "injectors": more}
    number = site.server.store.add("credential_types", kind)["id"]
    about = {"name": "more", "organization": site.organization, "credential_type": number}
    return site.server.store.add("credentials", about)


def found_in(site: AwxSite, job_id: str) -> list[str]:
    """Return which secret is where: in what AWX keeps and was asked, or in a job's records here.

    The files with the job's keys are deleted when it has ended.
    """
    job = site.top / "played/jobs" / job_id
    shutil.rmtree(job / "secrets", ignore_errors=True)
    files = [path for path in job.rglob("*") if path.is_file()]
    here = "".join(path.read_text(errors="replace") for path in files)
    places = {"AWX": everything(site.server), "the records here": here}
    secrets = {"key": SECRET, "token": TOKEN}
    return [
        f"the {name} in {place}"
        for name, text in secrets.items()
        for place, held in places.items()
        if text in held
    ]


def test_keys_are_in_a_credential_and_nowhere_else(site: AwxSite) -> None:
    given: list[Any] = []
    site.server.routes.jobs.sabotage = lambda body: given.append(body) or {}
    done = play(site, request(secrets=KEYS))
    assert done.status is JobStatus.SUCCEEDED, done.message
    (job,) = site.jobs(done.id)
    (credential,) = job.credentials
    assert credential["inputs"] == {"keyrings": KEYS["mds.a.keyring"]}
    variables = json.loads(job.row["extra_vars"])
    assert variables["ceph_orch_entities"] == {"mds.a.keyring": "mds.a"}
    assert variables["ceph_orch_secrets"] == ""
    assert SECRET not in json.dumps(given)
    assert found_in(site, done.id) == []
    assert site.left() == []


@pytest.mark.parametrize("fate", ["failed", "error", "canceled there", "variables ignored"])
def test_nor_are_they_where_a_job_does_not_end_well(site: AwxSite, fate: str) -> None:
    jobs = site.server.routes.jobs
    if fate == "variables ignored":
        jobs.sabotage = lambda body: {"ask_variables_on_launch": False}
        jobs.runner.pace = 30.0  # type: ignore[attr-defined]
    else:
        jobs.runner.choose = lambda job: (fate, "none")  # type: ignore[attr-defined]
    done = play(site, request(secrets=KEYS))
    assert done.status in (JobStatus.FAILED, JobStatus.CANCELLED), done.message
    assert found_in(site, done.id) == []
    assert [each for each in (SECRET, TOKEN) if each in done.message] == []


def test_a_secret_would_be_found(site: AwxSite) -> None:
    done = play(site, request(secrets=KEYS))
    asked = ("POST", "/api/v2/inventories/", {"variables": SECRET})
    site.server.log.append(asked)
    assert found_in(site, done.id) == ["the key in AWX"]
    site.server.log.remove(asked)
    (job,) = site.jobs(done.id)
    job.plan.events.append((0.0, {"counter": 10**6, "event": "verbose", "stdout": TOKEN}))
    assert found_in(site, done.id) == ["the token in AWX"]
    job.plan.events.pop()
    (site.top / "played/jobs" / done.id / "worker.log").write_text(f"{SECRET} {TOKEN}")
    assert found_in(site, done.id) == [
        "the key in the records here",
        "the token in the records here",
    ]


def test_a_template_with_another_credential_is_refused(site: AwxSite) -> None:
    """Its variables are in no list that AWX shows of the job."""
    site.server.store.credentials[site.template("get_report")["id"]].append(theirs(site)["id"])
    done = play(site)
    assert done.status is JobStatus.FAILED
    assert "has more beside the credential for ssh" in done.message
    assert site.jobs() == []


def test_a_job_that_was_given_another_one_is_cancelled(site: AwxSite) -> None:
    added, jobs = theirs(site), site.server.routes.jobs
    begin = jobs.runner.begin
    jobs.runner.begin = lambda job: (job.credentials.append(added), begin(job))  # type: ignore[method-assign]
    jobs.runner.pace = 30.0  # type: ignore[attr-defined]
    done = play(site, request(secrets=KEYS))
    assert done.status is JobStatus.FAILED
    assert "cancelled, because AWX gives it more as well" in done.message
    assert site.jobs()[0].plan.status == "canceled"


@pytest.mark.parametrize(
    ("status", "state"),
    [(400, JobStatus.FAILED), (403, JobStatus.FAILED), (500, JobStatus.SUCCEEDED)],
)
def test_what_awx_says_of_a_credential_is_not_repeated(
    site: AwxSite, status: int, state: JobStatus
) -> None:
    """It may repeat what it was given, as where somebody has changed the type. What is no refusal
    is tried again.
    """
    reply, refused = site.server.reply, list[str]()

    def refuse(method: str, path: str, body: Any, login: str) -> Any:
        if method == "POST" and path.endswith("/credentials/") and not refused:
            refused.append(path)
            said = f"{body['inputs']['keyrings']!r} is not of type 'boolean'"
            return status, {"inputs": [said], "detail": said}
        return reply(method, path, body, login)

    site.server.reply = refuse  # type: ignore[method-assign]
    done = play(site, request(secrets=KEYS))
    assert done.status is state, done.message
    if state is JobStatus.FAILED:
        assert "what AWX says may hold keys and is not shown" in done.message
        assert site.jobs() == []
    assert found_in(site, done.id) == []
    assert SECRET not in done.message
