"""``orch-ansible awx`` against an AWX: what it makes, what stays, what goes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adapter.awx.parameters import read_playbooks
from adapter.operations import REGISTRY
from tests.awx.fixtures import Site
from tests.tools.documents import ROOT

BOOKS = {book.name: book for book in read_playbooks(ROOT)}
# Two types and three credentials, environment, project, inventory, source, teams, organization.
OTHERS = 12


def test_everything_is_made_and_a_second_run_changes_nothing(site: Site) -> None:
    planned = json.loads(site.ok("plan", "-f", "json"))
    assert site.server.changes() == []
    assert {step["action"] for step in planned} == {"create"}
    assert len(planned) == len(BOOKS) + OTHERS

    assert f"Objects changed in AWX: {len(planned)}." in site.ok("apply")
    before = len(site.server.changes())
    assert "Objects changed in AWX: 0." in site.ok("apply")
    assert site.ok("plan") == "AWX has all of it.\n"
    assert site.ok("verify") == "AWX has all of it.\n"
    assert site.server.changes()[before:] == []


def test_a_template_asks_what_its_playbook_takes(applied: Site) -> None:
    site = applied
    template = site.named("job_templates", "ceph-create_osds")
    asked = {key for key, value in template.items() if key.startswith("ask_") and value}
    assert asked == {"ask_limit_on_launch", "ask_job_type_on_launch"}
    assert template["allow_simultaneous"] is False
    assert template["limit"] == "no_hosts_were_named"
    spec = {each["variable"]: each for each in site.server.store.surveys[template["id"]]["spec"]}
    assert set(spec) == {parameter.name for parameter in BOOKS["create_osds"].parameters}
    groups = spec["osd_create_groups"]
    assert (groups["type"], groups["required"], groups["default"]) == ("textarea", True, "")
    assert spec["osd_create_fsid"]["default"] == site.settings["fsid"]
    assert spec["osd_create_report"]["type"] == "multiselect"
    assert spec["osd_create_report"]["choices"] == ["devices", "daemons"]
    assert spec["osd_create_wait"] | {"default": 30, "type": "integer"} == spec["osd_create_wait"]
    assert spec["osd_create_keyring_file"]["default"] == ""

    reading = site.named("job_templates", "ceph-get_facts")
    asked = {key for key, value in reading.items() if key.startswith("ask_") and value}
    assert (asked, reading["allow_simultaneous"]) == ({"ask_limit_on_launch"}, True)
    assert reading["survey_enabled"] is False


def test_only_what_reads_may_run_side_by_side(applied: Site) -> None:
    site = applied
    for name, book in BOOKS.items():
        template = site.named("job_templates", f"ceph-{name}")
        assert template["allow_simultaneous"] is not book.changes
        # Nobody starts a job on all hosts without saying so.
        assert bool(template["limit"]) is book.changes
    reading = {name for name, operation in REGISTRY.items() if not operation.changes}
    assert {name for name, book in BOOKS.items() if not book.changes} == {
        *reading,
        "preview_osdspecs",
    }


def test_who_may_look_and_who_may_act(applied: Site) -> None:
    site = applied
    store = site.server.store

    def roles(team: str) -> set[tuple[str, str]]:
        held = store.grants["teams", site.named("teams", team)["id"]]
        found = [store.roles[number] for number in held]
        return {(store.objects[name][of]["name"], role) for name, of, role in found}

    look, act = roles("ceph-look"), roles("ceph-act")
    assert {name for name, role in look if role == "execute_role"} == {
        f"ceph-{name}" for name, book in BOOKS.items() if not book.changes
    }
    assert {role for _, role in look} == {"execute_role", "read_role"}
    assert act == {(f"ceph-{name}", "execute_role") for name in BOOKS} | {
        ("ceph-hosts", "update_role")
    }


def test_keys_come_from_a_credential_and_only_where_they_are_needed(applied: Site) -> None:
    site = applied
    store = site.server.store

    def attached(name: str) -> set[str]:
        numbers = store.credentials[site.named("job_templates", name)["id"]]
        return {store.objects["credentials"][number]["name"] for number in numbers}

    assert attached("ceph-apply_mds") == {"ceph-ssh", "ceph-keyrings"}
    assert attached("ceph-get_facts") == {"ceph-ssh"}
    for credential in store.objects["credentials"].values():
        assert credential["inputs"] == {}, "secrets are written in AWX alone"
    source = site.named("inventory_sources", "ceph-hosts")
    assert source["credential"] == site.named("credentials", "ceph-monitors")["id"]
    assert source["source_path"] == "inventory/orchestrator.yml"
    # Without its credential it fails; it does not read a directory that is not there, and empty.
    assert json.loads(source["source_vars"])["ORCH_ANSIBLE_SOURCE"] == "ceph"


def test_secrets_that_were_written_in_awx_stay(applied: Site) -> None:
    site = applied
    credential = site.named("credentials", "ceph-keyrings")
    credential["inputs"] = {"keyrings": "[mds.a]\n\tkey = CANARY"}
    credential["description"] = "changed [orch-ansible awx: Storage/ceph, credential ceph-keyrings]"
    done = site.run("verify")
    assert done.exit_code == 1
    site.ok("apply")
    assert credential["inputs"] == {"keyrings": "[mds.a]\n\tkey = CANARY"}
    assert "CANARY" not in done.output
    assert "CANARY" not in json.dumps(site.server.log, default=str)


def test_remove_takes_what_is_ours_and_nothing_else(site: Site) -> None:
    store = site.server.store
    organization = store.add("organizations", {"name": "Storage", "description": "by hand"})
    others = [
        store.add("teams", {"name": "ceph-others", "organization": organization["id"]}),
        store.add("projects", {"name": "theirs", "organization": organization["id"]}),
    ]
    before = {name: set(rows) for name, rows in store.objects.items()}
    site.ok("apply")
    said = site.ok("remove", "--check")
    assert len(said.splitlines()) == len(BOOKS) + OTHERS - 1 + 1  # the last line says --check
    changes = len(site.server.changes())
    site.ok("remove", "--check")
    assert len(site.server.changes()) == changes

    site.ok("remove")
    after = {name: set(rows) for name, rows in store.objects.items()}
    after["labels"] = before["labels"]  # AWX removes labels that nobody has by itself
    assert after == before
    assert organization["description"] == "by hand"
    assert [row["name"] for row in others] == ["ceph-others", "theirs"]
    assert "There is nothing to remove" in site.run("remove").output


def test_what_templates_of_others_need_stays(applied: Site) -> None:
    """Such as a copy of ours that somebody has made: without them none of its jobs would start."""
    site = applied
    ours = site.named("job_templates", "ceph-create_osds")
    names = ("project", "inventory", "execution_environment", "playbook")
    copy = site.server.store.add(
        "job_templates", {"name": "copy", **{name: ours[name] for name in names}}
    )
    copy["organization"] = ours["organization"]
    used = site.server.store.credentials[ours["id"]]
    site.server.store.credentials[copy["id"]] = list(used)
    before = dict(copy)
    said = site.ok("remove", "--check")
    assert "The project ceph-project stays: job templates of others need it: copy." in said
    site.ok("remove")
    assert copy == before
    assert site.server.store.credentials[copy["id"]] == used
    site.server.store.remove("job_templates", copy["id"])
    assert "stays" not in site.ok("remove")
    left = site.server.store.objects
    assert [name for name in ("projects", "credentials", "inventories") if left[name]] == []


def test_what_has_no_secret_yet_is_named(site: Site) -> None:
    wanted = "Write the secrets in AWX into ceph-keyrings, ceph-monitors, ceph-ssh"
    assert wanted in site.ok("apply")
    assert "Write the secrets" not in site.ok("apply")
    ssh = site.named("credentials", "ceph-ssh")["id"]
    site.server.store.remove("credentials", ssh)
    assert "Write the secrets in AWX into ceph-ssh: " in site.ok("apply")


def test_an_organization_that_was_made_here_goes_when_it_is_empty(applied: Site) -> None:
    site = applied
    number = site.named("organizations", "Storage")["id"]
    team = site.server.store.add("teams", {"name": "others", "organization": number})
    done = site.run("remove")
    assert done.exit_code == 0, done.output
    assert "The organization Storage stays: it has 1 teams of others." in done.output
    assert number in site.server.store.objects["organizations"]
    site.server.store.remove("teams", team["id"])
    site.ok("remove")
    assert site.server.store.objects["organizations"] == {}


def test_two_clusters_share_an_awx(site: Site) -> None:
    site.ok("apply")
    site.write(name="second")
    site.ok("apply")
    site.ok("remove")
    site.write(name="ceph")
    assert site.ok("verify") == "AWX has all of it.\n"


def test_what_has_our_name_and_not_our_mark_is_left_alone(site: Site) -> None:
    store = site.server.store
    organization = store.add("organizations", {"name": "Storage"})
    theirs = {"name": "ceph-look", "organization": organization["id"], "description": "mine"}
    team = store.add("teams", theirs)
    done = site.run("apply")
    assert done.exit_code == 2, done.output
    assert "not made from here: team ceph-look. Nothing was changed." in done.output
    assert site.server.changes() == []
    assert "conflict team ceph-look" in site.ok("plan")

    site.ok("apply", "--adopt")
    assert team["description"].endswith("[orch-ansible awx: Storage/ceph, team ceph-look]")
    assert site.ok("verify") == "AWX has all of it.\n"


def test_a_template_of_a_playbook_that_is_no_more_goes(applied: Site) -> None:
    site = applied
    old: dict[str, Any] = dict(site.named("job_templates", "ceph-get_facts"))
    mark = "[orch-ansible awx: Storage/ceph, job template ceph-get_weather]"
    old.update(name="ceph-get_weather", description=f"The weather {mark}")
    site.server.store.add("job_templates", old).update(organization=old["organization"])
    done = site.run("verify")
    assert "job template ceph-get_weather: it is too much" in done.output
    assert done.exit_code == 1
    site.ok("apply")
    assert site.ok("verify") == "AWX has all of it.\n"


def test_copies_that_somebody_made_in_awx_are_theirs(applied: Site) -> None:
    """AWX copies an object with its description, and with the secrets of a credential."""
    site, store = applied, applied.server.store
    copied = [
        ("credentials", "ceph-ssh"),
        ("credentials", "ceph-keyrings"),
        ("projects", "ceph-project"),
        ("inventories", "ceph-hosts"),
    ]
    for collection, name in copied:
        copy = dict(site.named(collection, name), name=f"{name} @ 10:11:12")
        store.add(collection, copy).update(
            {k: v for k, v in copy.items() if k not in ("id", "url")}
        )
    assert site.ok("verify") == "AWX has all of it.\n"
    site.ok("apply")
    done = site.run("remove")
    assert done.exit_code == 0, done.output
    said = "The credential type ceph-keyrings stays: credentials of others have it: ceph-keyrings @"
    assert said in done.output
    for collection, name in copied:
        names = {row["name"] for row in store.objects[collection].values()}
        assert (f"{name} @ 10:11:12" in names, name in names) == (True, False)


def test_the_same_name_in_another_organization_is_a_conflict(applied: Site) -> None:
    """Types of credentials and execution environments have names of their own in all of AWX."""
    site = applied
    changes = len(site.server.changes())
    site.write(organization="Other")
    done = site.run("apply")
    assert done.exit_code == 2, done.output
    assert "credential type ceph-keyrings" in done.output
    assert "execution environment ceph-environment" in done.output
    assert "There is nothing to remove" in site.run("remove").output
    assert len(site.server.changes()) == changes


def test_a_credential_that_is_needed_no_more_stays_with_its_secret(applied: Site) -> None:
    site = applied
    kept = site.named("credentials", "ceph-ssh")
    kept["inputs"] = {"ssh_key_data": "CANARY"}
    own = dict(kept, name="own", description="by hand")
    site.server.store.add("credentials", own).update(organization=kept["organization"])
    site.write(machine_credential="own")
    site.ok("apply")
    assert site.named("credentials", "ceph-ssh")["inputs"] == {"ssh_key_data": "CANARY"}
    assert site.ok("verify") == "AWX has all of it.\n"


def test_a_new_branch_is_synced_before_templates_are_changed(applied: Site) -> None:
    site = applied
    syncs = site.server.syncs.begun
    site.server.syncs.trees[site.settings["project_url"], "v2"] = ROOT
    site.write(project_branch="v2")
    site.ok("apply")
    assert site.server.syncs.begun > syncs
    assert site.named("projects", "ceph-project")["status"] == "successful"
    assert site.ok("verify") == "AWX has all of it.\n"
    syncs = site.server.syncs.begun
    site.ok("apply", "--sync")
    assert site.server.syncs.begun == syncs + 1


@pytest.mark.parametrize("hosts", ["awx"])
def test_hosts_may_be_somebody_else_s(site: Site, hosts: str) -> None:
    site.write(hosts=hosts, image=None)
    site.ok("apply")
    store = site.server.store
    assert store.objects["inventory_sources"] == {}
    assert store.objects["execution_environments"] == {}
    assert site.named("job_templates", "ceph-get_facts")["execution_environment"] is None
    # Later the monitors say it after all.
    site.write(hosts="monitors", image="registry.example.org/ceph-orch-ee:1")
    site.ok("apply")
    site.write(hosts=hosts, image=None)
    site.ok("apply")
    assert store.objects["inventory_sources"] == {}
    assert store.objects["execution_environments"] == {}
