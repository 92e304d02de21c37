"""Imports go downwards only, and what ceph-mgr loads needs nothing that it has not."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import Iterator, Tuple

import pytest

ADAPTER = Path(__file__).resolve().parents[2] / "adapter"

FLOORS = {
    "errors": 1,
    "interface": 1,
    "settings": 1,
    "content": 1,
    "names": 1,
    "kinds": 2,
    "engine": 2,
    "operations": 2,
    "cluster": 3,
    "core": 4,
    "loop": 4,
    "methods": 4,
    "reconcile": 4,
    "orchestrator": 4,
    "jobs_view": 4,
    "mgr": 5,
    "cli": 5,
}
CEPH = {"mgr_module", "orchestrator", "ceph", "mgr_util", "rados"}
OUTSIDE = {"mgr": CEPH | {"yaml"}, "cli": {"click", "yaml"}}
# Files of the child process: the only ones that may import ansible_runner.
WORKER = {"worker", "playbook_run"}


def _room(path: Path) -> str:
    return path.relative_to(ADAPTER).parts[0].removesuffix(".py")


def _executed(tree: ast.AST) -> Iterator[ast.AST]:
    """Walk a tree without what only a type checker reads."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        yield node
        yield from _executed(node)


def _imports(path: Path) -> Iterator[str]:
    for node in _executed(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level:
            assert node.level <= len(path.relative_to(ADAPTER).parts) - 1, f"{path} leaves its room"
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            if node.module == "adapter":
                yield from (f"adapter.{alias.name}" for alias in node.names)


FILES = sorted(
    path for path in ADAPTER.rglob("*.py") if path.parent != ADAPTER or path.stem != "__init__"
)


def _known(path: Path) -> Tuple[str, int]:
    room = _room(path)
    assert room in FLOORS, f"{path} is in no room of docs/architecture.md"
    return room, FLOORS[room]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ADAPTER)))
def test_imports_go_downwards(path: Path) -> None:
    room, floor = _known(path)
    for name in _imports(path):
        parts = name.split(".")
        if parts[0] == "adapter" and len(parts) > 1 and parts[1] != "__version__":
            assert FLOORS[parts[1]] <= floor, f"{room} imports {name}, which is above it"
            assert floor < 5 or parts[1] == room or FLOORS[parts[1]] < 5, f"{room} imports {name}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ADAPTER)))
def test_imports_from_outside_are_those_of_the_room(path: Path) -> None:
    room = _room(path)
    allowed = OUTSIDE.get(room, {"yaml"})
    if room == "engine" and path.stem in WORKER:
        allowed = {"yaml", "ansible_runner"}
    outside = {name.split(".")[0] for name in _imports(path)} - {"adapter"}

    assert outside - set(sys.stdlib_module_names) - allowed == set()
