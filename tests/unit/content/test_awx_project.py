"""The repository is a project that AWX can use as it is."""

from __future__ import annotations

import configparser
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from adapter.awx.parameters import read_playbooks
from adapter.operations import REGISTRY
from tests.awx.projects import playbooks
from tests.tools.documents import ROOT

BOOKS = {book.name: book for book in read_playbooks(ROOT)}
PLAYBOOKS = sorted((ROOT / "playbooks").glob("*.yml"))
# Of what AWX sets itself, nothing may be decided here.
OF_AWX = {
    "stdout_callback",
    "callback_plugins",
    "callbacks_path",
    "remote_user",
    "private_key_file",
    "vault_password_file",
    "become",
    "ask_pass",
    "log_path",
    "local_tmp",
    "fact_caching",
}


def test_every_playbook_is_found() -> None:
    found = playbooks(ROOT)

    assert {f"playbooks/{path.name}" for path in PLAYBOOKS} <= set(found)
    # Whatever else it offers: the same once more as the collection, and what tests are made of.
    places = {each.split("/")[0] for each in found}
    assert places <= {"playbooks", "collections", "molecule", "tests"}


def test_the_collection_is_found_without_galaxy() -> None:
    top = ROOT / "collections/ansible_collections/ceph_orch/ansible"
    for name in ("galaxy.yml", "meta", "playbooks", "plugins", "roles"):
        link = top / name
        assert link.is_symlink()
        assert not Path(str(link.readlink())).is_absolute(), "a clone lies elsewhere"
        assert link.resolve() == ROOT / name
    # Nothing has to be downloaded, so nothing is asked for at a sync.
    for name in ("requirements.yml", "roles/requirements.yml", "collections/requirements.yml"):
        assert not (ROOT / name).exists()


def test_ansible_cfg_decides_nothing_that_is_awx_s_own() -> None:
    settings = configparser.ConfigParser()
    settings.read(ROOT / "ansible.cfg")

    assert {key for each in settings.sections() for key in settings[each]} & OF_AWX == set()
    assert settings["defaults"]["collections_path"] == "collections"
    # A callback of ours prints nothing: AWX reads what ansible-playbook prints.
    for name in settings["defaults"]["callbacks_enabled"].split(","):
        text = (ROOT / f"plugins/callback/{name.strip().split('.')[-1]}.py").read_text()
        assert "display" not in text
        assert "print(" not in text


# What would wait for somebody, or be lost with the execution environment.
FORBIDDEN = re.compile(
    r"vars_prompt|ansible\.builtin\.pause|hosts: *localhost|delegate_to|connection: *local"
    r"|\b(?:awx|tower)_\w+ *:"
)
FILES = [*PLAYBOOKS, *sorted((ROOT / "roles").rglob("*.yml"))]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_waits_and_nothing_is_done_on_the_controller(path: Path) -> None:
    assert not FORBIDDEN.search(path.read_text(encoding="utf-8"))


def test_files_of_the_controller_are_read_by_plugins_that_know_awx() -> None:
    """Keys come by a credential. What else looks something up finds it in the project itself."""
    known = {
        "ceph_orch.ansible.keyrings",  # the credential's file
        "ceph_orch.ansible.minimal_conf",  # the text that it is given
        "ceph_orch.ansible.backend_source",  # the project's own tree
        "ansible.builtin.vars",
    }
    text = "".join(path.read_text(encoding="utf-8") for path in FILES)

    assert set(re.findall(r"(?:lookup|query)\(\s*'([\w.]+)'", text)) == known
    assert not re.search(r"\b(?:src|with_file|with_fileglob):", text)


def test_every_operation_has_its_playbook() -> None:
    assert set(REGISTRY) <= {path.stem for path in PLAYBOOKS}


def test_the_execution_environment_is_one(tmp_path: Path) -> None:
    """Seen to fail with an unknown key."""
    done = subprocess.run(
        [
            str(Path(sys.executable).parent / "ansible-builder"),
            *("create", "-f", str(ROOT / "execution-environment.yml"), "-c", str(tmp_path)),
            *("--output-filename", "Containerfile"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    made = (tmp_path / "Containerfile").read_text(encoding="utf-8")
    given = yaml.safe_load((ROOT / "execution-environment.yml").read_text(encoding="utf-8"))
    assert given["images"]["base_image"]["name"] in made
    bindep = (tmp_path / "_build/bindep.txt").read_text(encoding="utf-8")
    for package in ("ceph-common", "openssh-clients", "sshpass"):
        assert package in bindep
    # What the playbooks are tested with, see pyproject.toml.
    core = given["dependencies"]["ansible_core"]["package_pip"]
    assert core == "ansible-core>=2.18,<2.19"


SAMPLES = {"str": "x", "bool": True, "float": 0.0}


def _sample(annotation: str) -> object:
    return SAMPLES.get(annotation, () if annotation.startswith(("Sequence", "List")) else {})


def _options(playbook: str) -> dict[str, dict[str, object]]:
    """Return the options of all roles of a playbook, and of those that its roles begin with."""
    roles = set(
        re.findall(r"ceph_orch\.ansible\.(\w+)", (ROOT / f"playbooks/{playbook}.yml").read_text())
    )
    operation = REGISTRY.get(playbook)
    found: dict[str, dict[str, object]] = {}
    for role in roles | set(operation.phases if operation else ()):
        path = ROOT / f"roles/{role}/meta/argument_specs.yml"
        for entry in yaml.safe_load(path.read_text(encoding="utf-8"))["argument_specs"].values():
            found.update(entry["options"])
    return found


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_the_variables_of_an_operation_are_declared(name: str) -> None:
    """Each has a type, a text, and a default or the word that it is required."""
    function = REGISTRY[name].variables
    taken = inspect.signature(function).parameters
    given = {each.name: _sample(str(each.annotation)) for each in taken.values()}
    if "python" in given and name != "apply_mgr":
        del given["python"]  # with which managers run jobs
    if "record" in given:
        given["record"] = dict.fromkeys(("hostname", "addr", "labels", "cluster", "takeover"), "x")
    options = _options(name)

    assert set(function(**given)) - set(options) == set()
    for option, about in options.items():
        assert {"type", "description"} <= set(about), option
        assert ("default" in about) != bool(about.get("required")), option


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_a_job_template_does_what_the_operation_does(name: str) -> None:
    """What an operation says by itself the playbook fixes the same way, or the survey asks it.

    Seen to fail where a playbook by itself reported less than its operation asks for.
    """
    function = REGISTRY[name].variables
    taken = inspect.signature(function).parameters.values()
    given = {
        each.name: _sample(str(each.annotation)) for each in taken if each.default is each.empty
    }
    if "record" in given:
        given["record"] = dict.fromkeys(("hostname", "addr", "labels", "cluster", "takeover"), "x")
    plays = yaml.safe_load((ROOT / f"playbooks/{name}.yml").read_text(encoding="utf-8"))
    fixed: dict[str, object] = {}
    for play in plays:
        for row in (*(play.get("roles") or ()), *(play.get("tasks") or ())):
            fixed.update(row.get("vars") or {})
    asked = {each.name: each for each in BOOKS[name].parameters}
    for variable, value in function(**given).items():
        if variable in fixed:
            assert fixed[variable] == value, variable
        elif "{{" not in str(_options(name)[variable].get("default")):
            # What the playbook works out by itself nobody is asked.
            assert variable in asked
    reported = function(**given).get("host_report_gather")
    if reported is not None and "host_report_gather" not in fixed:
        assert asked["host_report_gather"].default == reported


@pytest.mark.parametrize(
    "path", sorted((ROOT / "roles").glob("*/meta/argument_specs.yml")), ids=str
)
def test_a_default_that_is_declared_is_the_role_s_own(path: Path) -> None:
    defaults = path.parents[1] / "defaults/main.yml"
    kept = yaml.safe_load(defaults.read_text(encoding="utf-8")) if defaults.exists() else {}
    entries = yaml.safe_load(path.read_text(encoding="utf-8"))["argument_specs"].values()

    assert {
        name: about["default"]
        for entry in entries
        for name, about in entry["options"].items()
        if "default" in about
    } == kept
