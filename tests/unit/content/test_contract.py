"""Playbooks, roles and modules keep to the rules of docs/architecture.md."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any, Dict, Iterator, List

import pytest
import yaml

from adapter.kinds import KINDS, kind_of
from adapter.operations import REGISTRY
from tests.tools.documents import ROOT

PLAYBOOKS = sorted((ROOT / "playbooks").glob("*.yml"))
ROLES = sorted(path for path in (ROOT / "roles").iterdir() if (path / "tasks").is_dir())
MODULES = sorted((ROOT / "plugins/modules").glob("*.py"))
COLLECTION = "ceph_orch.ansible"
PUBLISHERS = {"host_report", "host_record", "device_light", "host_rescan", "publish_result"}
# Their modules end with a report of the host.
PUBLISHERS |= {
    "orchestrator_backend",
    "daemon_deploy",
    "host_maintenance",
    "osd_create",
    "osd_remove",
    "daemon_action",
    "daemon_remove",
    "daemon_upgrade",
    "host_invoker",
}
# What no manager runs, and is done with one host after the other.
IN_TURN = {"upgrade_start"}
FORBIDDEN = re.compile(
    r"\bset_fact\b|\bhostvars\b|\bgroups\[|\brun_once\b|\bdelegate_to\b|\bignore_errors\b"
    r"|failed_when: false|\bshell:|\bansible\.builtin\.shell\b|\bansible_facts\[|\bvars_prompt\b"
)


def _yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _name(path: Path) -> str:
    return path.stem


def _roles(play: Dict[str, Any]) -> List[str]:
    """Return a play's roles; tasks are nothing but roles whose module checks its arguments."""
    for task in play.get("tasks", ()):
        assert set(task) <= {"name", "ansible.builtin.import_role", "vars"}
        words = set(task["ansible.builtin.import_role"])
        # Another entry of a role than main can only be named by a task.
        assert words in ({"name", "rolespec_validate"}, {"name", "tasks_from"})
    for role in play.get("roles", ()):
        assert set(role) <= {"role", "vars"}
    imported = [task["ansible.builtin.import_role"]["name"] for task in play.get("tasks", ())]
    return [role["role"] for role in play.get("roles", ())] + imported


@pytest.mark.parametrize("path", PLAYBOOKS, ids=_name)
def test_a_playbook_is_plays_of_roles(path: Path) -> None:
    plays = _yaml(path)

    most = 100 if path.stem in IN_TURN else 40
    assert len(path.read_text(encoding="utf-8").splitlines()) <= most
    for play in plays:
        assert play["hosts"] == "all"
        assert play["gather_facts"] is False
        assert play.get("check_mode", True) is True
        rest = set(play) - {"name", "hosts", "gather_facts", "check_mode"}
        assert rest, "a play of nothing"
        more = {"serial", "any_errors_fatal"} if path.stem in IN_TURN else set()
        assert rest <= {"roles", "tasks"} | more
        for role in _roles(play):
            assert role.startswith(COLLECTION + ".")
            assert (ROOT / "roles" / role.split(".")[-1]).is_dir()
    assert _roles(plays[-1])[-1].split(".")[-1] in PUBLISHERS


def _phases(playbook: str) -> List[str]:
    """Return the roles that a playbook runs, in order, as its operation calls its phases."""
    names: List[str] = []
    for play in _yaml(ROOT / f"playbooks/{playbook}.yml"):
        names += [role.split(".")[-1] for role in _roles(play)]
    return names


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_each_operation_has_a_playbook_with_its_phases(name: str) -> None:
    (*before, last) = REGISTRY[name].phases

    assert _phases(name)[-1] == last
    inner = (ROOT / f"roles/{last}/tasks/main.yml").read_text(encoding="utf-8")
    for role in before:
        assert role in _phases(name) or f"name: {COLLECTION}.{role}" in inner


NOT_ON_EL = ("alertmanager", "grafana", "node-exporter", "prometheus", "smb")


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_each_kind_has_its_playbook_and_packages(kind: str) -> None:
    daemon_type = kind_of(kind).daemon_type
    (play,) = _yaml(ROOT / f"playbooks/apply_{kind.replace('-', '_')}.yml")
    underscored = daemon_type.replace("-", "_")
    packages = _yaml(ROOT / f"roles/daemon_deploy/vars/main/{underscored}.yml")

    assert play["roles"][0]["vars"] == {"daemon_deploy_kind": daemon_type}
    families = set(packages[f"__daemon_deploy_packages_{underscored}"])
    # EL has no packages of its own for the others.
    assert families == {"Debian", "RedHat"} - ({"RedHat"} if kind in NOT_ON_EL else set())


@pytest.mark.parametrize("path", ROLES, ids=_name)
def test_a_role_declares_what_it_takes(path: Path) -> None:
    entries = _yaml(path / "meta/argument_specs.yml")["argument_specs"]
    assert all((path / f"tasks/{name}.yml").is_file() for name in entries)
    options = {name: option for e in entries.values() for name, option in e["options"].items()}
    defaults_file = path / "defaults/main.yml"
    defaults = (_yaml(defaults_file) if defaults_file.exists() else None) or {}
    optional = {name: option for name, option in options.items() if not option.get("required")}

    assert {name: option["default"] for name, option in optional.items()} == defaults
    for name, option in options.items():
        assert name.startswith(path.name + "_")
        assert option["description"]
        assert option["type"]
    assert (path / "README.md").is_file()
    readme = (path / "README.md").read_text(encoding="utf-8")
    assert [name for name in options if f"`{name}`" not in readme] == []


def _tasks(entries: List[Dict[str, Any]]) -> Iterator[Dict[str, Any]]:
    """Give the tasks of a role, those in blocks too; a block is there for what they share."""
    for entry in entries:
        if "block" in entry:
            assert set(entry) <= {"name", "when", "block"}
            yield from _tasks(entry["block"])
        else:
            yield entry


@pytest.mark.parametrize("path", ROLES, ids=_name)
def test_a_role_uses_its_own_names_and_full_module_names(path: Path) -> None:
    for file in sorted(path.rglob("tasks/*.yml")):
        for task in _tasks(_yaml(file)):
            module = next(key for key in task if "." in key)
            assert module.startswith(("ansible.builtin.", COLLECTION + "."))
            assert re.fullmatch(r"[A-Z].*[a-z]", task["name"])
            assert str(task.get("register", f"__{path.name}_")).startswith(f"__{path.name}_")


@pytest.mark.parametrize(
    "path",
    [path for top in ("playbooks", "roles") for path in sorted((ROOT / top).rglob("*.yml"))],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_nothing_that_makes_hosts_depend_on_each_other(path: Path) -> None:
    found = FORBIDDEN.findall(path.read_text(encoding="utf-8"))

    assert found == []


def _sources() -> List[Path]:
    return sorted((ROOT / "plugins").rglob("*.py"))


@pytest.mark.parametrize("path", _sources(), ids=_name)
def test_files_are_small_and_speak_python_3_7(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert len(text.splitlines()) <= 400
    assert "from __future__ import annotations" in text
    assert "shell=True" not in text
    ast.parse(text, str(path), feature_version=(3, 7))


@pytest.mark.parametrize("path", MODULES + _sources(), ids=_name)
def test_collection_code_imports_relatively(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert "from plugins" not in text
    assert "ansible_collections" not in text
    assert "import adapter" not in text
    assert "from adapter" not in text
