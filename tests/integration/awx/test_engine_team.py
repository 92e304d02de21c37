"""The team ``ceph-engine``: its users run an orchestrator's jobs, and may do nothing else.

The stand-in decides as AWX 24.6.1 does (``tests/awx/access.py``). What cannot be seen here is how
AWX itself carries these roles out.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any, Iterator

import pytest

from adapter.awx.for_engine import place_of
from adapter.awx.settings import FILE, load
from adapter.engine.awx_place import AwxPlace
from adapter.engine.model import JobStatus, Request
from tests.awx import engines, fixtures
from tests.awx.access import User
from tests.awx.fixtures import GROUP, Site
from tests.awx.plans import Planned
from tests.awx.store import Store

KEY = "AQCmadeUpForTestsAAAAAAAAAAAAAAAAAAAAAA=="


class OfTeam(engines.AwxSite):
    """The AWX of a site as a user of the team sees it, with what ``apply`` has made there."""

    def __init__(self, site: Site) -> None:
        self.top, self.server, self.engines = site.top, site.server, []
        self.site = site

    def place(self, **changes: Any) -> Any:
        """Return how an engine finds it."""
        told = place_of(load(self.top / FILE)).to_json()
        return AwxPlace(**{**told, **engines.PATIENT, **changes})


@pytest.fixture
def site(tmp_path: Path, engine_store: Store) -> Iterator[Site]:
    """Return an AWX with all of it, and a user of the team."""
    runner = Planned(lambda job: ("good", "none"))
    for found in fixtures.site(tmp_path, tls=False, runner=runner):
        found.server.keep(copy.deepcopy(engine_store))
        found.write(engine=True, instance_group=GROUP)
        user = found.server.user("orchestrator", "a-password")
        found.server.tokens["of-team"] = User(user)
        found.server.store.members[found.named("teams", "ceph-engine")["id"]].add(user["id"])
        yield found


@pytest.fixture
def team(site: Site) -> OfTeam:
    (site.top / "awx.token").write_text("of-team\n")
    return OfTeam(site)


def ask(site: Site, method: str, path: str, body: Any = None) -> int:
    """Return the status of what a user of the team asks for."""
    return int(site.server.reply(method, f"/api/v2/{path}", body, "Bearer of-team")[0])


def launch_of(site: Site, name: str) -> str:
    return f"job_templates/{site.named('job_templates', name)['id']}/launch/"


def asked(operation: str, **settings: Any) -> Request:
    return engines.request(operation, phases=(), **settings)


def test_it_runs_jobs_with_all_that_they_have(team: OfTeam) -> None:
    """Inventory, hosts, keys of Ceph, instance group, events, and what is deleted at the end."""
    secrets = {"mds.a.keyring": f"[mds.a]\n\tkey = {KEY}\n"}
    reads = engines.play(team, asked("get_facts"))
    changes = engines.play(team, asked("apply_mds", changes=True, secrets=secrets))
    assert (reads.status, changes.status) == (JobStatus.SUCCEEDED, JobStatus.SUCCEEDED), changes
    jobs = team.server.routes.jobs.jobs.values()
    assert [len(job.credentials) for job in jobs] == [1, 2]
    assert team.left() == []


def test_without_the_role_on_the_group_awx_refuses_the_launch(team: OfTeam) -> None:
    """So ``apply`` gives it; without that no job of an engine with a group would begin."""
    store = team.server.store
    group = team.site.named("instance_groups", GROUP)["id"]
    team_id = team.site.named("teams", "ceph-engine")["id"]
    store.grants["teams", team_id].discard(store.role_ids("instance_groups", group)["use_role"])
    played = engines.play(team, asked("get_facts"))
    assert played.status is JobStatus.FAILED
    assert f"AWX has no instance group '{GROUP}'" in played.message
    (team.top / "awx.token").write_text("admin-token\n")
    assert "team ceph-engine: it does not have use_role on instance group near-the-hosts" in str(
        team.site.run("verify").output
    )


def test_it_ends_its_own_jobs_alone(site: Site, team: OfTeam) -> None:
    site.server.routes.jobs.runner = Planned(lambda job: ("running for ever", "none"))
    inventory = site.server.store.add(
        "inventories",
        {"name": "mine", "organization": site.named("organizations", "Storage")["id"]},
    )["id"]
    body = {"inventory": inventory}
    path = launch_of(site, "ceph-engine-get_facts")
    assert ask(site, "POST", path, body) == 201
    theirs = site.server.reply("POST", f"/api/v2/{path}", body, "Bearer admin-token")[1]["id"]
    assert ask(site, "POST", f"jobs/{theirs - 1}/cancel/", {}) == 202
    assert ask(site, "POST", f"jobs/{theirs}/cancel/", {}) == 403
    assert ask(site, "DELETE", f"jobs/{theirs}/") == 403


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "organizations/", {"name": "Mine"}),
        ("POST", "projects/", {"name": "mine", "organization": 1}),
        ("POST", "job_templates/", {"name": "mine", "project": 1, "playbook": "a.yml"}),
        ("POST", "users/", {"username": "more", "password": "x"}),
        ("POST", "teams/", {"name": "more", "organization": 1}),
        ("POST", "credential_types/", {"name": "mine", "kind": "cloud"}),
        ("POST", "credentials/", {"name": "x", "credential_type": 1, "organization": 1}),
        ("POST", "credentials/", {"name": "x", "credential_type": 1, "user": 1}),
        ("POST", "execution_environments/", {"name": "x", "image": "x"}),
        ("POST", "instance_groups/", {"name": "mine"}),
        ("PATCH", "{engine}", {"limit": "all"}),
        ("DELETE", "{engine}", None),
        ("POST", "{engine}credentials/", {"id": 1}),
        ("POST", "{engine}survey_spec/", {"spec": []}),
        ("GET", "{people}", None),
        ("POST", "{people}launch/", {}),
        ("GET", "{ssh}", None),
        ("PATCH", "{ssh}", {"inputs": {}}),
        ("GET", "{monitors}", None),
        ("DELETE", "{keyrings}", None),
        ("GET", "{project}", None),
        ("POST", "{project}update/", {}),
        ("PATCH", "{project}", {"scm_branch": "other"}),
        ("POST", "{team}users/", {"id": 1}),
        ("POST", "{team}roles/", {"id": 1}),
    ],
)
def test_it_may_do_nothing_else(site: Site, method: str, path: str, body: Any) -> None:
    def at(collection: str, name: str) -> str:
        return f"{collection}/{site.named(collection, name)['id']}/"

    path = path.format(
        engine=at("job_templates", "ceph-engine-zap_device"),
        people=at("job_templates", "ceph-zap_device"),
        ssh=at("credentials", "ceph-ssh"),
        monitors=at("credentials", "ceph-monitors"),
        keyrings=at("credentials", "ceph-keyrings"),
        project=at("projects", "ceph-project"),
        team=at("teams", "ceph-engine"),
    )
    assert ask(site, method, path, body) == 403


def test_credentials_of_others_are_in_no_job_of_it(site: Site) -> None:
    """It may launch with the template's own and with those that it has made, no others."""
    number = site.named("organizations", "Storage")["id"]
    body = {"inventory": site.named("inventories", "ceph-hosts")["id"]}
    path = launch_of(site, "ceph-engine-get_facts")
    ssh, monitors = (
        site.named("credentials", f"ceph-{each}")["id"] for each in ("ssh", "monitors")
    )
    assert ask(site, "POST", path, {**body, "credentials": [ssh, monitors]}) == 403
    assert ask(site, "POST", path, {**body, "credentials": [ssh]}) == 201
    other = site.server.store.add("organizations", {"name": "Other"})["id"]
    assert ask(site, "POST", "inventories/", {"name": "x", "organization": other}) == 403
    assert ask(site, "POST", "inventories/", {"name": "x", "organization": number}) == 201
    theirs = site.server.store.add("inventories", {"name": "y", "organization": other})["id"]
    assert ask(site, "POST", path, {"inventory": theirs}) == 403
    rows = [{"name": "h1", "variables": "{}"}]
    assert ask(site, "POST", "bulk/host_create/", {"inventory": theirs, "hosts": rows}) == 403


def test_it_may_change_the_inventories_of_the_organization(site: Site) -> None:
    """No role of AWX gives less: docs/awx.md says so."""
    path = f"inventories/{site.named('inventories', 'ceph-hosts')['id']}/"
    assert ask(site, "PATCH", path, {"description": "changed"}) == 200
