"""The stand-in answers as AWX does, where ``orch-ansible awx`` or a later engine relies on it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.awx.access import User
from tests.awx.fixtures import BRANCH, REPOSITORY, Site
from tests.awx.server import AwxServer
from tests.tools.documents import ROOT

BASE = "/api/v2/"


class Client:
    """Whoever asks with a token."""

    def __init__(self) -> None:
        self.server = AwxServer({(REPOSITORY, BRANCH): ROOT})
        self.login = "Bearer admin-token"

    def __call__(self, method: str, path: str, **body: Any) -> tuple[int, Any]:
        return self.server.reply(method, BASE + path, body or None, self.login)

    def make(self, collection: str, **body: Any) -> int:
        status, made = self("POST", f"{collection}/", **body)
        assert status == 201, made
        return int(made["id"])


@pytest.fixture
def awx() -> Any:
    client = Client()
    client.make("organizations", name="ceph")
    yield client
    client.server.http.server_close()


def test_pages(awx: Client) -> None:
    for number in range(205):
        awx.make("teams", name=f"t{number}", organization=1)
    status, page = awx("GET", "teams/?page_size=500")
    assert (status, page["count"], len(page["results"])) == (200, 205, 200)
    status, page = awx("GET", page["next"].removeprefix(BASE))
    assert (len(page["results"]), page["next"]) == (5, None)
    assert awx("GET", "teams/?page=99") == (404, {"detail": "Invalid page."})
    assert awx("GET", "teams/?nope=1")[0] == 400
    assert awx("GET", "teams/?name=t7")[1]["count"] == 1


def test_an_object_has_a_name_in_urls(awx: Client) -> None:
    team = awx.make("teams", name="look", organization=1)
    status, found = awx("GET", "teams/look++ceph/")
    assert (status, found["id"]) == (200, team)
    assert found["related"]["named_url"] == "/api/v2/teams/look++ceph/"


def test_secrets_are_not_shown(awx: Client) -> None:
    inputs = {"username": "root", "password": "secret"}
    number = awx.make("credentials", name="ssh", organization=1, credential_type=1, inputs=inputs)
    _, found = awx("GET", f"credentials/{number}/")
    assert found["inputs"] == {"username": "root", "password": "$encrypted$"}
    assert awx("POST", "users/", username="op", password="p")[1]["password"] == "$encrypted$"


def test_a_playbook_is_known_when_the_project_is_synced(awx: Client) -> None:
    project = awx.make(
        "projects", name="p", organization=1, scm_type="git", scm_url=REPOSITORY, scm_branch=BRANCH
    )
    inventory = awx.make("inventories", name="i", organization=1)
    template = {"name": "t", "project": project, "inventory": inventory}
    template["playbook"] = "playbooks/get_facts.yml"
    refused = 400, {"playbook": ["Playbook not found for project."]}
    assert awx("POST", "job_templates/", **template) == refused
    _, found = awx("GET", f"projects/{project}/")
    assert "current_update" in found["related"]
    while awx("GET", f"projects/{project}/")[1]["status"] != "successful":
        assert awx.server.syncs.begun == 1
    assert awx("POST", "job_templates/", **template)[0] == 201
    assert awx("POST", "job_templates/", **template)[0] == 400, "there is one of that name"
    assert awx("GET", f"projects/{project}/playbooks/")[1].count("playbooks/get_facts.yml") == 1


@pytest.mark.parametrize(
    ("collection", "body", "errors"),
    [
        ("teams", {"name": "x"}, {"organization": ["This field is required."]}),
        (
            "teams",
            {"name": "x", "organization": 777},
            {"organization": ['Invalid pk "777" - object does not exist.']},
        ),
        (
            "execution_environments",
            {"name": "x", "image": "i", "pull": "soon"},
            {"pull": ['"soon" is not a valid choice.']},
        ),
        ("organizations", {"name": 7}, {"name": ["Not a valid string."]}),
        (
            "credential_types",
            {"name": "x", "kind": "ssh"},
            {"kind": ["Must be 'cloud' or 'net', not ssh"]},
        ),
    ],
)
def test_what_is_refused(
    awx: Client, collection: str, body: dict[str, Any], errors: dict[str, Any]
) -> None:
    assert awx("POST", f"{collection}/", **body) == (400, errors)


def test_injectors_are_checked(awx: Client) -> None:
    kind = {"name": "x", "kind": "cloud", "inputs": {"fields": [{"id": "a", "type": "string"}]}}
    odd = {"file": {"template.f": "{{ b }}"}}
    assert awx("POST", "credential_types/", **kind, injectors=odd)[0] == 400
    odd = {"env": {"ANSIBLE_HOST_KEY_CHECKING": "{{ a }}"}}
    assert awx("POST", "credential_types/", **kind, injectors=odd)[0] == 400
    good = {"file": {"template.f": "{{ a }}"}, "env": {"X": "{{ tower.filename.f }}"}}
    number = awx.make("credential_types", **kind, injectors=good)
    awx.make("credentials", name="c", organization=1, credential_type=number, inputs={"a": "1"})
    words = {"detail": "Credential types that are in use cannot be deleted."}
    assert awx("DELETE", f"credential_types/{number}/") == (403, words)


def test_who_may_see_and_change(awx: Client) -> None:
    row = awx.server.user("op", "op-password")
    team = awx.make("teams", name="look", organization=1)
    inventory = awx.make("inventories", name="i", organization=1)
    awx.server.tokens["op"] = User(row)
    awx.login = "Bearer op"
    forbidden = 403, {"detail": "You do not have permission to perform this action."}
    assert awx("GET", f"inventories/{inventory}/") == forbidden
    assert awx("GET", "inventories/")[1]["count"] == 0
    assert awx("POST", "organizations/", name="x") == forbidden
    awx.login = "Bearer admin-token"
    role = awx.server.store.role_ids("inventories", inventory)["read_role"]
    assert awx("POST", f"teams/{team}/roles/", id=role) == (204, "")
    assert awx("POST", f"teams/{team}/users/", id=row["id"]) == (204, "")
    awx.login = "Bearer op"
    assert awx("GET", f"inventories/{inventory}/")[0] == 200
    awx.login = "Bearer admin-token"
    awx("POST", f"teams/{team}/roles/", id=role, disassociate=True)
    awx.login = "Bearer op"
    assert awx("GET", f"inventories/{inventory}/") == forbidden
    awx.login = "Bearer wrong"
    assert awx("GET", "me/")[0] == 401


def test_an_inventory_goes_behind_the_answer(awx: Client) -> None:
    number = awx.make("inventories", name="i", organization=1)
    assert awx("DELETE", f"inventories/{number}/")[0] == 202
    assert awx("GET", f"inventories/{number}/")[1]["pending_deletion"] is True
    assert awx("GET", f"inventories/{number}/")[0] == 404
    assert awx("DELETE", "teams/")[0] == 405


def test_a_survey_lets_its_own_variables_through_and_no_others(applied: Site) -> None:
    """As in AWX: what is not asked for is ignored, and what is not answered has its default."""
    inventory = applied.named("inventories", "ceph-hosts")["id"]
    given = {"host_record_addr": "10.0.0.1", "more": 1}
    status, job = applied.server.reply(
        "POST",
        "/api/v2/job_templates/ceph-add_host_label++Storage/launch/",
        {"extra_vars": given, "limit": "h1"},
        "Bearer admin-token",
    )
    assert (status, job["ignored_fields"]) == (201, {"extra_vars": {"more": 1}})
    kept = json.loads(job["extra_vars"])
    assert kept["host_record_addr"] == "10.0.0.1"
    assert "more" not in kept
    assert kept["host_record_fsid"] == applied.settings["fsid"]
    assert (job["limit"], job["inventory"]) == ("h1", inventory)
