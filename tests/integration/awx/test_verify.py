"""``orch-ansible awx verify`` names what somebody has changed by hand; apply puts it back."""

from __future__ import annotations

from typing import Any, Callable

import pytest

from tests.awx.fixtures import Site

Change = Callable[[Site], None]


def field(collection: str, name: str, **values: Any) -> Change:
    return lambda site: site.named(collection, name).update(values)


def _question(site: Site) -> None:
    number = site.named("job_templates", "ceph-create_osds")["id"]
    for question in site.server.store.surveys[number]["spec"]:
        if question["variable"] == "osd_create_wait":
            question["default"] = 31


def _question_gone(site: Site) -> None:
    number = site.named("job_templates", "ceph-create_osds")["id"]
    del site.server.store.surveys[number]["spec"][0]


def _question_more(site: Site) -> None:
    number = site.named("job_templates", "ceph-create_osds")["id"]
    more = {"variable": "osd_create_extra", "question_name": "", "type": "text", "required": False}
    site.server.store.surveys[number]["spec"].append(more)


def _questions_turned(site: Site) -> None:
    number = site.named("job_templates", "ceph-create_osds")["id"]
    site.server.store.surveys[number]["spec"].reverse()


def _label(site: Site) -> None:
    site.server.store.labels[site.named("job_templates", "ceph-get_facts")["id"]].pop()


def _credential(site: Site) -> None:
    site.server.store.credentials[site.named("job_templates", "ceph-apply_mds")["id"]].pop()


def _other_credential(site: Site) -> None:
    store = site.server.store
    kind = store.find("credential_types", "1")
    assert kind
    other = store.add("credentials", {"name": "other", "credential_type": kind["id"]})
    template = site.named("job_templates", "ceph-get_facts")["id"]
    store.credentials[template][:] = [other["id"]]


def _grant_more(site: Site) -> None:
    store = site.server.store
    template = site.named("job_templates", "ceph-zap_device")["id"]
    role = store.role_ids("job_templates", template)["execute_role"]
    store.grants["teams", site.named("teams", "ceph-look")["id"]].add(role)


def _grant_less(site: Site) -> None:
    store = site.server.store
    template = site.named("job_templates", "ceph-zap_device")["id"]
    role = store.role_ids("job_templates", template)["execute_role"]
    store.grants["teams", site.named("teams", "ceph-act")["id"]].remove(role)


def _gone(collection: str, name: str) -> Change:
    return lambda site: site.server.store.remove(collection, site.named(collection, name)["id"])


def _injector(site: Site) -> None:
    site.named("credential_types", "ceph-keyrings")["injectors"] = {
        "extra_vars": {"keyrings": "{{ keyrings }}"}
    }


MARK = "[orch-ansible awx: Storage/ceph, organization Storage]"
CASES: dict[str, tuple[Change, str]] = {
    "prompt": (
        field("job_templates", "ceph-get_facts", ask_variables_on_launch=True),
        "job template ceph-get_facts: ask_variables_on_launch is True, not False",
    ),
    "side by side": (
        field("job_templates", "ceph-create_osds", allow_simultaneous=True),
        "job template ceph-create_osds: allow_simultaneous is True, not False",
    ),
    "limit": (
        field("job_templates", "ceph-remove_host", limit=""),
        "job template ceph-remove_host: limit is '', not 'no_hosts_were_named'",
    ),
    "playbook": (
        field("job_templates", "ceph-get_facts", playbook="playbooks/zap_device.yml"),
        "playbook is 'playbooks/zap_device.yml', not 'playbooks/get_facts.yml'",
    ),
    "variables": (
        field("job_templates", "ceph-get_facts", extra_vars="ansible_user: somebody"),
        "job template ceph-get_facts: extra_vars is 'ansible_user: somebody', not ''",
    ),
    "slices": (
        field("job_templates", "ceph-create_osds", job_slice_count=3),
        "job template ceph-create_osds: job_slice_count is 3, not 1",
    ),
    "default of a question": (_question, "the survey's osd_create_wait: default is 31, not 30"),
    "question gone": (_question_gone, "the survey does not ask osd_create_groups"),
    "question more": (_question_more, "the survey also asks osd_create_extra"),
    "questions turned": (_questions_turned, "the survey asks in another order"),
    "label": (_label, "job template ceph-get_facts: it has no label ceph-reads"),
    "credential": (_credential, "job template ceph-apply_mds: it has no credential ceph-ssh"),
    "another credential": (_other_credential, "it also has the credential other"),
    "branch": (
        field("projects", "ceph-project", scm_branch="main"),
        "project ceph-project: scm_branch is 'main', not 'v1'",
    ),
    "sync": (
        field("projects", "ceph-project", status="failed"),
        "project ceph-project: its last sync is failed, not successful",
    ),
    "variables of hosts": (
        field("inventories", "ceph-hosts", variables="ansible_user: somebody"),
        "inventory ceph-hosts: variables is 'ansible_user: somebody', not ''",
    ),
    "source": (
        field("inventory_sources", "ceph-hosts", source_path="inventory/hosts"),
        "source_path is 'inventory/hosts', not 'inventory/orchestrator.yml'",
    ),
    "credential of the source": (
        field("inventory_sources", "ceph-hosts", credential=None),
        "inventory source ceph-hosts: credential is not set, not 'ceph-monitors'",
    ),
    "image": (
        field("execution_environments", "ceph-environment", image="other:1"),
        "image is 'other:1', not 'registry.example.org/ceph-orch-ee:1'",
    ),
    "injectors": (
        _injector,
        "credential type ceph-keyrings: injectors is another one (env, extra_vars, file)",
    ),
    "grant more": (_grant_more, "team ceph-look: it also has Execute on ceph-zap_device"),
    "grant less": (
        _grant_less,
        "team ceph-act: it does not have execute_role on job template ceph-zap_device",
    ),
    "template gone": (
        _gone("job_templates", "ceph-get_facts"),
        "job template ceph-get_facts: it is not there",
    ),
    "credential gone": (
        _gone("credentials", "ceph-ssh"),
        "credential ceph-ssh: it is not there",
    ),
    "description": (
        field("organizations", "Storage", description=f"Ours {MARK}"),
        f"organization Storage: description is 'Ours {MARK}'",
    ),
}


# Of each kind of thing that somebody may change, one; none of them hides another.
TEN = (
    *("prompt", "side by side", "limit", "default of a question", "label"),
    *("branch", "image", "injectors", "grant more", "variables of hosts"),
)


def test_ten_changes_by_hand_at_once_are_ten_differences(applied: Site) -> None:
    site = applied
    for case in TEN:
        CASES[case][0](site)
    done = site.run("verify")
    assert done.exit_code == 1
    for case in TEN:
        assert CASES[case][1] in done.output, case
    differences = [line for line in done.output.splitlines() if ": " in line]
    assert len(differences) == len(TEN), done.output
    site.ok("apply")
    assert site.ok("verify") == "AWX has all of it.\n"


@pytest.mark.parametrize("case", CASES)
def test_a_change_by_hand_is_named_and_put_back(applied: Site, case: str) -> None:
    site = applied
    change, said = CASES[case]
    change(site)
    done = site.run("verify")
    assert done.exit_code == 1
    assert said in done.output
    planned = site.ok("plan")
    site.ok("apply")
    assert site.ok("verify") == "AWX has all of it.\n"
    assert said.partition(": ")[2] in planned or "create" in planned


@pytest.mark.parametrize(
    ("collection", "name", "values"),
    [
        ("inventories", "ceph-hosts", {"variables": "---\n"}),
        ("job_templates", "ceph-get_facts", {"extra_vars": "---"}),
        ("inventory_sources", "ceph-hosts", {"verbosity": 3}),
        ("job_templates", "ceph-get_facts", {"prevent_instance_group_fallback": True}),
    ],
)
def test_what_is_the_same_or_not_ours_is_no_difference(
    applied: Site, collection: str, name: str, values: dict[str, Any]
) -> None:
    applied.named(collection, name).update(values)
    assert applied.ok("verify") == "AWX has all of it.\n"
