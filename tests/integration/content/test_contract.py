"""Ansible reads the playbooks, and explains every module as it takes its options."""

from __future__ import annotations

import importlib
import json
import subprocess
from pathlib import Path
from typing import Any, Dict

import pytest

from tests.integration.content.runs import BIN, ROOT, Machine

PLAYBOOKS = sorted((ROOT / "playbooks").glob("*.yml"))
MODULES = sorted((ROOT / "plugins/modules").glob("*.py"))
COLLECTION = "ceph_orch.ansible"


def _name(path: Path) -> str:
    return path.stem


def test_the_playbooks_parse(machine: Machine) -> None:
    names = [path.stem for path in PLAYBOOKS]
    run = machine.play(*names, options=("--syntax-check",))

    assert run.status == 0, run.output
    for name in names:
        assert f"playbook: {ROOT}/playbooks/{name}.yml" in run.output


@pytest.fixture(scope="module")
def docs(tmp_path_factory: pytest.TempPathFactory) -> Dict[str, Any]:
    machine = Machine(tmp_path_factory.mktemp("docs"))
    names = [f"{COLLECTION}.{path.stem}" for path in MODULES]
    done = subprocess.run(
        [str(BIN / "ansible-doc"), "-t", "module", "--json", *names],
        cwd=ROOT,
        env=machine.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_a_module_is_documented(path: Path, docs: Dict[str, Any]) -> None:
    document = docs[f"{COLLECTION}.{path.stem}"]

    assert document["examples"]
    assert document["return"]["ceph_orch_result"]["contains"]
    for attribute in ("check_mode", "diff_mode"):
        assert document["doc"]["attributes"][attribute]["support"] in ("full", "none")


class _Captured(Exception):
    """Carry what a module gives to AnsibleModule."""


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_a_modules_options_are_those_it_documents(
    path: Path, docs: Dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    module = importlib.import_module(f"plugins.modules.{path.stem}")

    def capture(**arguments: Any) -> None:
        raise _Captured(arguments)

    monkeypatch.setattr(module, "AnsibleModule", capture)
    with pytest.raises(_Captured) as captured:
        module.main()
    arguments = captured.value.args[0]

    assert arguments["supports_check_mode"] is True
    documented = docs[f"{COLLECTION}.{path.stem}"]["doc"]["options"]
    _compare(arguments["argument_spec"], documented)


def _compare(spec: Dict[str, Any], documented: Dict[str, Any]) -> None:
    assert set(spec) == set(documented)
    for name, option in spec.items():
        described = documented[name]
        for key in ("type", "elements", "choices", "default"):
            assert (name, key, option.get(key)) == (name, key, described.get(key))
        assert bool(option.get("required")) == bool(described.get("required"))
        if "options" in option:
            _compare(option["options"], described["suboptions"])
