"""The collection's archive holds what belongs to it."""

from __future__ import annotations

import re
import tarfile
from typing import Set

import pytest

from tests.integration.content.installed import Installed
from tests.integration.content.runs import ROOT

BELONGS = {"CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md", "changelogs", "docs", "meta"}
BELONGS |= {"playbooks", "plugins", "roles", "tests"}
# Galaxy's own lists of what is in it.
BELONGS |= {"FILES.json", "MANIFEST.json"}


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
