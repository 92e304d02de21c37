"""The tables in the documents that are made of the code are as the code has it."""

from __future__ import annotations

from pathlib import Path
from typing import Iterator, List

import pytest
import yaml

from adapter.cli.app import root
from adapter.operations import REGISTRY
from tests.tools import ceph_commands, click_words, docs_tables
from tests.tools.documents import ROOT, choices

VERBS = docs_tables.verbs()
CEPH = ceph_commands.recorded()


def asked(kind: str) -> Iterator[List[str]]:
    """Return the words of each command that the table of verbs names."""
    for verb in VERBS.values():
        for command in verb[kind]:
            yield from choices(command.split())


def test_no_table_is_old() -> None:
    assert docs_tables.old() == []


def test_an_old_table_is_seen_and_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for page in docs_tables.TABLES:
        text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
        (tmp_path / f"{page}.md").write_text(text, encoding="utf-8")
    page = tmp_path / "verbs.md"
    page.write_text(page.read_text("utf-8").replace("| 30 min |", "| 31 min |"), "utf-8")

    assert docs_tables.main(["--check"], tmp_path) == 1
    assert "docs/verbs.md is old" in capsys.readouterr().err
    assert docs_tables.main([], tmp_path) == 0
    assert docs_tables.main(["--check"], tmp_path) == 0
    assert page.read_text("utf-8") == (ROOT / "docs/verbs.md").read_text("utf-8")


def test_the_table_of_verbs_has_every_method_and_operation() -> None:
    assert set(VERBS) == {*docs_tables.implemented(), *REGISTRY}


def test_what_is_said_of_a_job_is_said_of_an_operation() -> None:
    for name, verb in VERBS.items():
        assert set(verb) <= {"ceph", "command", "job", "does", "also"}
        is_known = name in REGISTRY
        assert ("job" in verb or "does" in verb) != is_known, name
        assert verb.get("job", "get_hosts") in REGISTRY
        assert verb.get("does", "reads") in ("reads", "changes")


def test_ceph_knows_the_commands_of_methods() -> None:
    for words in asked("ceph"):
        assert ceph_commands.problem(words, CEPH, whole=True) == "", words


def test_the_commands_of_methods_exist() -> None:
    for words in asked("command"):
        assert click_words.problem(root, words, whole=True) == "", words


def test_the_site_has_every_page_once() -> None:
    config = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    parts = [[row] if isinstance(row, str) else next(iter(row.values())) for row in config["nav"]]
    pages = [page for part in parts for page in part]

    assert sorted(pages) == sorted(path.name for path in (ROOT / "docs").glob("*.md"))
    assert config["site_dir"].split("/")[0] + "/" in (ROOT / ".gitignore").read_text("utf-8")
