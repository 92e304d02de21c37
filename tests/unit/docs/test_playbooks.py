"""``docs/playbooks.md`` and the README of each role: which there are, and what they take."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Dict, Set

import pytest
import yaml

from tests.tools.docs_tables import implemented
from tests.tools.documents import ROOT, flat, names, rows, section, texts

PAGE = texts()["docs/playbooks.md"]
PLAYBOOKS = {path.stem for path in (ROOT / "playbooks").glob("*.yml")}
ROLES = sorted((ROOT / "roles").glob("*/meta/argument_specs.yml"))


def test_the_methods_without_a_playbook_are_named() -> None:
    said = flat(PAGE.partition("## ")[0])
    found = names(said.partition("has none: ")[2].partition(". ")[0])

    assert sorted(found) == sorted(set(implemented()) - PLAYBOOKS)


def test_every_playbook_has_its_variables() -> None:
    text = section(PAGE, "What each playbook needs")
    table = rows(text.partition("The README of each role")[0])

    assert {name for row in table for name in names(row[0])} == PLAYBOOKS


def options_of(path: Path) -> Dict[str, Any]:
    """Return the options of a role, of all its entries."""
    entries = yaml.safe_load(path.read_text(encoding="utf-8"))["argument_specs"]
    return {name: option for entry in entries.values() for name, option in entry["options"].items()}


def all_options() -> Set[str]:
    """Return the options of all roles, and what playbooks take beside them."""
    texts_of = [path.read_text(encoding="utf-8") for path in (ROOT / "playbooks").glob("*.yml")]
    own = {name for text in texts_of for name in re.findall(r"\b[a-z]+_[a-z_]+\b", text)}
    return own | {name for path in ROLES for name in options_of(path)}


def test_the_variables_that_are_named_are_those_of_roles() -> None:
    said = set(
        re.findall(
            r"`((?:host_record|update_host_addr|device_light|osd_create|osd_remove|"
            r"device_zap|ceph_[a-z_]+|add_daemon|cluster_access|daemon_action|"
            r"ceph_KIND)_[a-z_]+)`",
            PAGE,
        )
    )
    known = all_options()
    kinds = {name.replace("ceph_mds_", "ceph_KIND_") for name in known}
    others = {*PLAYBOOKS, *(path.parts[-3] for path in ROLES), "ceph_orch_result"}
    others |= {path.stem for path in (ROOT / "plugins/modules").glob("*.py")}

    assert said - known - kinds - others == set()


@pytest.mark.parametrize("path", ROLES, ids=lambda path: path.parts[-3])
def test_the_readme_of_a_role_has_its_variables_and_defaults(path: Path) -> None:
    options = options_of(path)
    said = {
        names(row[0])[0]: row[1]
        for row in rows((path.parents[1] / "README.md").read_text(encoding="utf-8"))
        if names(row[0])
    }

    assert set(said) >= set(options)
    for name, option in options.items():
        if option.get("required"):
            assert "required" in said[name], name
        elif isinstance(option.get("default"), (bool, int)):
            assert said[name] == f"`{str(option['default']).lower()}`", name
