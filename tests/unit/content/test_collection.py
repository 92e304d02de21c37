"""The collection is what users of Ansible Galaxy expect: its archive, documentation and groups."""

from __future__ import annotations

import ast
import re
import tarfile
from pathlib import Path
from typing import Any, Dict, List, Set

import pytest
import yaml

from tests.unit.content.installed import Installed
from tests.unit.content.runs import ROOT

MODULES = sorted((ROOT / "plugins/modules").glob("*.py"))
DOCUMENTED = MODULES + sorted(
    path
    for kind in ("callback", "inventory", "lookup")
    for path in (ROOT / f"plugins/{kind}").glob("*.py")
)
COLLECTION = "ceph_orch.ansible"
BELONGS = {"CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md", "changelogs", "docs", "meta"}
BELONGS |= {"playbooks", "plugins", "roles", "tests"}
# Galaxy's own lists of what is in it.
BELONGS |= {"FILES.json", "MANIFEST.json"}


def _name(path: Path) -> str:
    return path.stem


@pytest.fixture(scope="module")
def names(installed: Installed) -> Set[str]:
    with tarfile.open(installed.archive) as archive:
        return {member.name for member in archive if not member.isdir()}


def test_the_archive_holds_what_belongs_to_it(names: Set[str]) -> None:
    assert {name.split("/")[0] for name in names} == BELONGS
    assert {name.split("/")[1] for name in names if name.startswith("tests/")} == {"sanity"}
    assert [name for name in names if "/." in name or "__pycache__" in name] == []


@pytest.mark.parametrize("folder", ["changelogs", "meta", "playbooks", "plugins", "roles"])
def test_the_archive_holds_all_of_a_folder(folder: str, names: Set[str]) -> None:
    files = {
        str(path.relative_to(ROOT))
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    assert {name for name in names if name.startswith(folder + "/")} == files


def test_no_link_in_the_archive_is_dead(installed: Installed) -> None:
    dead = []
    for page in sorted(installed.path.rglob("*.md")):
        for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
            target = link.split("#")[0]
            if target and "://" not in target and not (page.parent / target).exists():
                dead.append(f"{page.relative_to(installed.path)}: {link}")

    assert dead == []


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
