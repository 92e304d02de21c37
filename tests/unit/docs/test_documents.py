"""What the documents say of the code is so: a statement that becomes false fails here."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Dict, Iterator, List, Set

import pytest

from tests.tools.docs_tables import implemented

ROOT = Path(__file__).resolve().parents[3]
DOCS = {
    path.stem: path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs").glob("*.md"))
}
README = (ROOT / "README.md").read_text(encoding="utf-8")
# What the comparison of the README calls "not yet", by the methods that would do it.
NOT_YET = {
    "iSCSI and NVMe-oF": ("apply_iscsi", "apply_nvmeof"),
    "Certificates of the cluster's own": ("cert_store_cert_ls",),
}


# What Ansible itself is told by the environment.
OF_ANSIBLE = {
    f"ANSIBLE_{name}"
    for name in (
        "COLLECTIONS_PATH",
        "CONFIG",
        "DEPRECATION_WARNINGS",
        "FORKS",
        "HOME",
        "HOST_KEY_CHECKING",
        "INVENTORY_ENABLED",
        "LOCAL_TEMP",
        "NOCOLOR",
        "PIPELINING",
        "RETRY_FILES_ENABLED",
        "SSH_ARGS",
        "STRATEGY",
    )
}


def of_adapter() -> Iterator[str]:
    for path in sorted((ROOT / "adapter").rglob("*.py")):
        yield path.read_text(encoding="utf-8")


def headings(*documents: str) -> Set[str]:
    """Return the words of all headings."""
    lines = [line for name in documents for line in DOCS[name].splitlines()]
    return {
        word.strip("`,:") for line in lines if re.match("##+ ", line) for word in line.split()[1:]
    }


@pytest.mark.parametrize("what", NOT_YET)
def test_what_the_readme_calls_not_yet_is_no_feature(what: str) -> None:
    rows = [line for line in README.splitlines() if "not yet" in line and what in line]
    assert rows, f"the README's comparison says nothing of: {what}"
    assert not set(NOT_YET[what]) & set(implemented())


def test_every_row_that_says_not_yet_is_known_here() -> None:
    rows = [line for line in README.splitlines() if line.startswith("|") and "**not yet**" in line]
    assert len(rows) == len(NOT_YET)
    assert all(any(what in row for what in NOT_YET) for row in rows)


def codes() -> List[str]:
    """Return the health checks that are raised."""
    found = set(re.findall(r'"(ANSIBLE_[A-Z_]+)"', "".join(of_adapter())))
    return sorted(found - OF_ANSIBLE)


def test_health_checks_have_a_section_each_and_no_section_is_of_none() -> None:
    said = {word for word in headings("troubleshooting") if word.startswith("ANSIBLE_")}
    assert said == set(codes())


def test_links_lead_somewhere() -> None:
    texts: Dict[Path, str] = {ROOT / "README.md": README}
    texts.update({ROOT / "docs" / f"{name}.md": text for name, text in DOCS.items()})
    broken = []
    for path, text in texts.items():
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
            if not (path.parent / target).exists():
                broken.append(f"{path.name}: {target}")
    assert broken == []


def test_documents_link_to_nothing_outside_their_directory() -> None:
    """A site of them has nothing else: README.md above them is named, not linked."""
    targets = [
        f"{name}: {target}"
        for name, text in DOCS.items()
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)
        if target.startswith(("/", ".."))
    ]
    assert targets == []


def test_sections_that_are_linked_exist() -> None:
    broken = []
    for name, text in DOCS.items():
        for target, anchor in re.findall(r"\]\(([a-z_]*(?:\.md)?)#([^)]+)\)", text):
            there = DOCS[target[:-3] if target else name]
            known = {_anchor(line) for line in there.splitlines()}
            if anchor not in known and f'<a id="{anchor}">' not in there:
                broken.append(f"{name}: {target}#{anchor}")
    assert broken == []


def _anchor(line: str) -> str:
    words = re.sub(r"^#+ ", "", line).lower() if line.startswith("#") else ""
    return re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
