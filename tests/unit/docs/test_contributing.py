"""``CONTRIBUTING.md``: the files of an operation, the gates, types."""

from __future__ import annotations

import ast
import re
from typing import Set

from adapter.methods._method import marked
from adapter.methods.apply_kinds import KindMethods
from tests.tools.docs_tables import implemented
from tests.tools.documents import ROOT, flat, names, rows, section, texts

PAGE = texts()["CONTRIBUTING.md"]
OPERATION = section(PAGE, "Add an operation")


def files_of_methods() -> Set[str]:
    """Return the files of adapter/methods that define a method of the feature set."""
    wanted = set(implemented())
    return {
        path.stem
        for path in (ROOT / "adapter/methods").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name in wanted
    } | {"apply_kinds"}


def test_the_files_that_have_methods_are_named() -> None:
    (row,) = [row for row in rows(OPERATION) if row[0].startswith("`adapter/methods/")]

    assert set(names(row[1])) == files_of_methods()


def test_two_files_have_the_name_of_the_operation() -> None:
    assert "Two files have that name" in flat(OPERATION)
    named = [name for row in rows(OPERATION) for name in names(row[0]) if "/NAME." in name]
    assert named == ["adapter/operations/NAME.py", "playbooks/NAME.yml"]
    assert "of `apply_KIND` one" in flat(OPERATION)
    kinds = ROOT / "adapter/operations/apply_kinds.py"
    for path in {*(ROOT / "adapter/operations").glob("[a-z]*.py")} - {kinds}:
        assert (ROOT / named[1].replace("NAME", path.stem)).is_file()


def test_where_methods_of_kinds_are_made_is_said() -> None:
    assert "its method in `adapter/methods/apply_kinds.py`" in flat(OPERATION)
    assert "calls `apply` (`adapter/methods/services.py`)" in flat(OPERATION)
    made = {name for name in marked(KindMethods) if name.startswith("apply_")}

    assert made == set(marked(KindMethods)) != set()
    written = [path.read_text(encoding="utf-8") for path in (ROOT / "adapter/methods").glob("*.py")]
    assert not [name for name in made for text in written if f"def {name}(" in text]
    assert "def apply(" in (ROOT / "adapter/methods/services.py").read_text(encoding="utf-8")


def test_all_files_of_an_operation_exist() -> None:
    for row in rows(OPERATION):
        for name in names(row[0]):
            if "/" in name and "NAME" not in name:
                assert list(ROOT.glob(name)), name


def test_types_are_checked_where_it_is_said() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    mypy = project.partition("[tool.mypy]")[2].partition("[[")[0]
    assert "strict = true" in mypy
    (listed,) = re.findall(r"^packages = \[(.*?)\]", mypy, flags=re.MULTILINE | re.DOTALL)
    checked = re.findall(r'"([\w.]+)"', listed)
    assert checked[0] == "adapter"
    for name in checked:
        assert (ROOT / name.replace(".", "/")).is_dir(), name
    assert "mypy strict in all that `pyproject.toml` lists" in flat(PAGE)


def test_the_gate_runs_the_steps_that_are_named() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (steps,) = re.findall(r"^test:\n\t@tests/tools/steps (.*)$", makefile, flags=re.MULTILINE)
    (said,) = re.findall(r"^make test +# ([\w, -]+): this is the gate$", PAGE, flags=re.MULTILINE)

    assert re.split(r", | and ", said) == steps.split()


def test_every_target_of_make_is_in_its_help() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (phony,) = re.findall(r"^\.PHONY: (.*)$", makefile, flags=re.MULTILINE)
    said = set(re.findall(r"^## make ([\w-]+)", makefile, flags=re.MULTILINE))

    assert said == set(phony.split()) - {"help"}
