"""The collection is what users of Ansible Galaxy expect: its documentation and groups."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any, Dict, List

import pytest
import yaml

from tests.tools.documents import ROOT

MODULES = sorted((ROOT / "plugins/modules").glob("*.py"))
DOCUMENTED = MODULES + sorted(
    path
    for kind in ("callback", "filter", "inventory", "lookup")
    for path in (ROOT / f"plugins/{kind}").glob("*.py")
)
COLLECTION = "ceph_orch.ansible"


def _name(path: Path) -> str:
    return path.stem


def _documentation(path: Path) -> Dict[str, Any]:
    """Return what a plugin's own file documents, without any fragment."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "DOCUMENTATION":
            return yaml.safe_load(ast.literal_eval(node.value))
    return {}


@pytest.mark.parametrize("path", DOCUMENTED, ids=_name)
def test_an_author_has_a_name_and_a_handle(path: Path) -> None:
    authors = _documentation(path)["author"]

    for author in [authors] if isinstance(authors, str) else authors:
        assert re.fullmatch(r"\w[^@()]* \(@[\w-]+\)", author)


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_what_modules_share_is_in_the_fragment(path: Path) -> None:
    documentation = _documentation(path)

    assert documentation["extends_documentation_fragment"] == [f"{COLLECTION}.attributes"]
    for name in ("check_mode", "diff_mode", "platform", "action_group"):
        assert "description" not in documentation["attributes"].get(name, {})


def _groups() -> Dict[str, List[str]]:
    return yaml.safe_load((ROOT / "meta/runtime.yml").read_text(encoding="utf-8"))["action_groups"]


def test_groups_of_modules() -> None:
    takes_it = [path.stem for path in MODULES if "cluster" in _documentation(path)["options"]]

    assert _groups() == {"all": [path.stem for path in MODULES], "cluster": takes_it}


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_a_module_names_its_groups(path: Path) -> None:
    attribute = _documentation(path)["attributes"].get("action_group", {})
    named = attribute.get("membership", [f"{COLLECTION}.all"])

    assert named == [
        f"{COLLECTION}.{name}" for name, held in _groups().items() if path.stem in held
    ]


IGNORES = sorted((ROOT / "tests/sanity").glob("ignore-*.txt"))


def test_every_release_of_ansible_core_has_its_list_of_what_sanity_overlooks() -> None:
    assert [path.stem for path in IGNORES] == [f"ignore-2.{minor}" for minor in range(17, 23)]


@pytest.mark.parametrize("path", IGNORES, ids=_name)
def test_what_sanity_overlooks_is_there_and_has_a_reason(path: Path) -> None:
    for line in path.read_text(encoding="utf-8").splitlines():
        found = re.fullmatch(r"(\S+) \S+ # \S.*", line)
        assert found, line
        assert (ROOT / found.group(1)).is_file(), line
