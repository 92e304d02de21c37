"""``docs/architecture.md``: packages, layers, and which file does what."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Iterator, Set

import pytest

from tests.tools.documents import ROOT, flat, names, rows, section, texts
from tests.unit.test_layers import LAYERS

PAGE = texts()["docs/architecture.md"]
ADAPTER = ROOT / "adapter"


def sources(folder: str) -> Iterator[Path]:
    yield from sorted((ROOT / folder).rglob("*.py"))


def importers(module: str) -> Set[str]:
    """Return the names of the files below adapter/ that import a module."""
    found = set()
    for path in sources("adapter"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            given = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            given += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if any(each.split(".")[0] == module for each in given):
                found.add(path.stem)
    return found


def test_the_packages_are_on_the_layers_that_are_named() -> None:
    said = {}
    for row in rows(section(PAGE, "Packages")):
        for path in names(row[1]):
            said[Path(path).stem] = int(row[0])

    assert said == LAYERS


def test_an_operation_is_one_function_and_reads_no_result() -> None:
    (row,) = [row for row in rows(section(PAGE, "Packages")) if "`adapter/operations/`" in row[1]]
    assert "result" not in row[2]
    # Those of all kinds of daemons differ in nothing but the kind.
    kinds = ADAPTER / "operations/apply_kinds.py"
    assert "one file for all kinds of daemons" in row[2]
    for path in sorted({*(ADAPTER / "operations").glob("[a-z]*.py")} - {kinds}):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        functions = [each for each in tree.body if isinstance(each, ast.FunctionDef)]
        assert [each.name for each in functions if not each.name.startswith("_")] == [path.stem]


def test_the_importer_of_ansible_runner_is_named() -> None:
    (name,) = importers("ansible_runner")

    assert f"`{name}`, the only importer of ansible_runner" in flat(PAGE)
    assert f"ansible_runner (`{name}` only)" in PAGE
    assert f"(everything but `worker`, `{name}` and `cli`)" in flat(PAGE)


def test_the_writer_of_the_ssh_configuration_is_named() -> None:
    writers = [
        str(path.relative_to(ROOT))
        for path in sources("adapter")
        if re.search(r'config_path = .*"ssh_config"', path.read_text(encoding="utf-8"))
    ]

    assert [f"`{each}` writes one `ssh_config`" in flat(PAGE) for each in writers] == [True]


def test_the_files_of_a_method_are_those_that_are_named() -> None:
    said = names(section(PAGE, "The method's name is the key").partition("Tests have")[0])
    files = [each for each in said if each.endswith((".py", ".yml")) and "/" in each]

    assert len(files) == 3
    assert all((ROOT / each).is_file() for each in files)
    assert "def get_inventory(" in (ROOT / files[2]).read_text(encoding="utf-8")


def test_classes_and_files_on_the_way_of_a_call_are_where_they_are_said_to_be() -> None:
    said = flat(section(PAGE, "The way of a call"))
    pairs = re.findall(r"`(?:([A-Z]\w+)(?:\.(\w+))?|[^`]+)`,? \(`([\w/]+\.py)`\)", said)

    assert {"Removals", "OsdRemover", "OsdCopies", "RemovalJobs"} <= {name for name, *_ in pairs}
    assert {"ServiceActions", "ServiceRestarts", "ServiceJobs"} <= {name for name, *_ in pairs}
    for name, function, file in pairs:
        (path,) = [base / file for base in (ADAPTER, ROOT) if (base / file).is_file()]
        text = path.read_text(encoding="utf-8")
        assert not name or re.search(rf"^class {name}\b", text, flags=re.MULTILINE), file
        assert not function or f"    def {function}(" in text, file


def test_what_is_named_as_a_class_exists() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in sources("adapter"))
    classes = set(re.findall(r"^(?:class|def) (\w+)", text, flags=re.MULTILINE))
    said = set(re.findall(r"`([A-Z][a-z]+[A-Za-z]*)`", PAGE))
    of_ssh = {"ControlPath", "UserKnownHostsFile"}

    assert said - classes - of_ssh - {"Module", "Offline"} == set()


@pytest.mark.parametrize("document", sorted(texts()))
def test_paths_that_are_named_exist(document: str) -> None:
    folders = "adapter|plugins|roles|playbooks|tests|docs|inventory"
    pattern = rf"(?:\.venv/bin/python |`)((?:{folders})/[\w./@-]*)"
    given = set(re.findall(pattern, texts()[document]))
    found = {each for each in given if not re.search(r"NAME|KIND|ROLE", each)}

    assert [each for each in sorted(found) if not (ROOT / each).exists()] == []
