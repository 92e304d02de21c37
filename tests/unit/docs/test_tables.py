"""The tables in the documents that are made of the code are as the code has it."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Iterator, List, Set

import pytest
import yaml

from adapter.cli.app import root
from adapter.operations import REGISTRY
from tests.tools import ceph_commands, click_words, docs_tables
from tests.tools.documents import ROOT, choices, names
from tests.unit.plugins.test_layers import UTILS, imports

VERBS = docs_tables.verbs()
CODE = docs_tables.code()
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
        # Some operations are for use by hand, and the manager runs another one.
        by_hand = name in REGISTRY and "job" in verb
        assert ("job" in verb or "does" in verb) == (name not in REGISTRY or by_hand), name
        assert not by_hand or not asked_for(name), name
        assert verb.get("job", "get_hosts") in {*REGISTRY, "apply_KIND"}
        assert verb.get("does", "reads") in ("reads", "changes")


def asked_for(operation: str) -> bool:
    """Tell whether the manager submits an operation."""
    asks = re.compile(rf'submit\((\s*\w+,)?\s*"{operation}"')
    return any(asks.search(path.read_text("utf-8")) for path in (ROOT / "adapter").rglob("*.py"))


def test_what_submits_an_operation_is_seen() -> None:
    assert asked_for("remove_daemons")
    assert asked_for("zap_device")


def reached(operation: str) -> Set[Path]:
    """Return the files of module_utils that an operation's modules import, directly or not."""
    todo = [ROOT / "plugins/modules" / f"{name}.py" for name in docs_tables.modules_of(operation)]
    found: Set[Path] = set()
    while todo:
        new = set(imports(todo.pop())) - found
        found |= new
        todo += new
    return found


def test_the_table_of_code_has_every_operation() -> None:
    assert set(CODE) == set(REGISTRY)
    given = yaml.safe_load(docs_tables.CODE.read_text(encoding="utf-8"))
    assert set(given) - set(REGISTRY) == {"apply_KIND"}
    for name, each in CODE.items():
        assert set(each) <= {"host", "tests", "by"}, name
        assert ("by" in each) != (name in docs_tables.methods()), name
        if "by" in each:
            assert f'"{name}"' in (ROOT / "adapter" / each["by"]).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_the_files_on_hosts_are_reached_by_the_module(name: str) -> None:
    files = {UTILS / file for file in CODE[name]["host"]}

    assert bool(files) == bool(docs_tables.modules_of(name))
    assert files - reached(name) == set()


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_an_operation_has_tests_here_and_on_the_lab(name: str) -> None:
    named = CODE[name]["tests"]

    assert len(named) <= 3
    assert {each.startswith("lab_tests/") for each in named} == {True, False}
    for each in named:
        found = list((ROOT / "tests").glob(each))
        files = [file for path in found for file in (path.rglob("*") if path.is_dir() else [path])]
        assert any(file.match("test_*.py") for file in files), each


def test_the_methods_are_where_the_table_has_them() -> None:
    for name, said in docs_tables.methods().items():
        file, function = names(said)
        tree = ast.parse((ROOT / "adapter" / file).read_text(encoding="utf-8"))
        defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        assert function in defined, name


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
