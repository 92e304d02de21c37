"""Imports of what runs on hosts go downwards only, and need nothing that a host has not."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import Dict, Iterator, List, Set, Tuple

import pytest

PLUGINS = Path(__file__).resolve().parents[3] / "plugins"
UTILS = PLUGINS / "module_utils"

# As docs/architecture.md has them.
LAYERS = {
    "system": 1,
    "cluster": 2,
    "disks": 2,
    "systemd": 3,
    "leds": 3,
    "facts": 3,
    "daemons": 4,
    "osd": 4,
    "host": 5,
    "invoker": 6,
}
# Ansible sends a host its own module_utils; only these files use more of them than modules do.
OF_ANSIBLE = {"facts/ansible_facts.py", "invoker/entry.py", "invoker/guard.py"}

FILES = sorted(UTILS.rglob("*.py"))
USERS = sorted(path for path in PLUGINS.rglob("*.py") if UTILS not in path.parents)


def _name(path: Path) -> str:
    return str(path.relative_to(PLUGINS))


def _file(place: Path) -> Path:
    """Return the file that a dotted name means: a module, or else the package itself."""
    module = place.with_suffix(".py")
    return module if module.is_file() else place / "__init__.py"


def imports(path: Path) -> Iterator[Path]:
    """Yield the files of the plugins that one imports, at its beginning or where it needs them."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            place = path.parents[node.level - 1].joinpath(*(node.module or "").split("."))
            for alias in node.names:
                inner = _file(place / alias.name)
                yield inner if inner.is_file() else _file(place)


def _outside(path: Path) -> Set[str]:
    """Return the names of what a file imports from elsewhere."""
    found: Set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            found.add(node.module)
    return found


def _package(path: Path) -> str:
    return path.relative_to(UTILS).parts[0]


def test_each_file_is_in_a_package_with_a_layer() -> None:
    assert {_package(path) for path in FILES} == set(LAYERS)


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_imports_go_downwards(path: Path) -> None:
    own = _package(path)
    for other in imports(path):
        assert other.is_file(), f"{_name(path)} imports {other}, which is not there"
        assert UTILS in other.parents, f"{_name(path)} leaves module_utils"
        package = _package(other)
        assert package == own or LAYERS[package] < LAYERS[own], f"{own} imports {_name(other)}"


def test_no_file_imports_itself_over_others() -> None:
    """Also not where it imports late: who reads one file need not read a circle of them."""
    todo: Dict[Path, List[Path]] = {path: list(imports(path)) for path in FILES}
    while True:
        done = {path for path, others in todo.items() if not set(others) & set(todo)}
        if not done:
            break
        todo = {path: others for path, others in todo.items() if path not in done}
    assert sorted(map(_name, todo)) == []


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_imports_from_outside_are_there_on_a_host(path: Path) -> None:
    outside = _outside(path)
    # The same file is a program as well, beside which the other one lies.
    if _name(path) == "module_utils/osd/activation.py":
        outside -= {"bluestore_label"}
    if str(path.relative_to(UTILS)) in OF_ANSIBLE:
        outside = {name for name in outside if not name.startswith("ansible.module_utils.")}
    assert {name.split(".")[0] for name in outside} - set(sys.stdlib_module_names) == set()


@pytest.mark.parametrize("path", USERS, ids=_name)
def test_only_modules_use_them(path: Path) -> None:
    """Other plugins run on the controller; what they have in common with hosts is data."""
    used = [other for other in imports(path) if UTILS in other.parents]
    assert path.parent.name == "modules" or not used
    for other in used:
        assert other.is_file(), f"{_name(path)} imports {other}, which is not there"
        assert other.name != "__init__.py", f"{_name(path)} imports all of {other.parent}"


def _codes(path: Path) -> Tuple[str, ...]:
    return tuple(ast.unparse(node) for node in ast.parse(path.read_text(encoding="utf-8")).body[1:])


@pytest.mark.parametrize("path", [each for each in FILES if each.stem == "__init__"], ids=_name)
def test_a_package_itself_has_no_code(path: Path) -> None:
    """Whoever imports one file of a package would pay for it on every call."""
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert _codes(path) == ("from __future__ import annotations",)


def test_every_folder_of_files_is_a_package() -> None:
    assert {path.parent for path in FILES} == {
        path.parent for path in FILES if path.stem == "__init__"
    }


def test_the_tests_lie_as_what_they_test() -> None:
    """One folder of tests for each package; what concerns several stands at the top."""
    top = Path(__file__).parent
    folders = {str(path.parent.relative_to(top)) for path in top.rglob("test_*.py")} - {"."}
    packages = {str(path.parent.relative_to(UTILS)) for path in FILES}
    kinds = {path.name for path in PLUGINS.iterdir() if path.is_dir()}
    assert folders <= packages | kinds
