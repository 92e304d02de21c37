"""Imports go downwards only, and what ceph-mgr loads needs nothing that it has not."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import Iterator, Tuple

import pytest

ADAPTER = Path(__file__).resolve().parents[2] / "adapter"

# Each package imports from lower layers alone, never from one beside it.
LAYERS = {
    "interface": 1,
    "state_lock": 1,
    "tables": 1,
    "programs": 1,
    "errors": 2,
    "settings": 2,
    "content": 3,
    "installed": 1,
    "names": 3,
    "awxapi": 3,
    "kinds": 4,
    "engine": 4,
    "operations": 5,
    "cluster": 5,
    "jobs_view": 5,
    "core": 6,
    "awx": 6,
    "outcomes": 7,
    "health": 7,
    "figures": 7,
    "reconcile": 7,
    "loop": 8,
    "methods": 8,
    "orchestrator": 9,
    "mgr": 10,
    "cli": 10,
}
CEPH = {"mgr_module", "orchestrator", "ceph", "mgr_util", "rados"}
OUTSIDE = {"mgr": CEPH | {"yaml"}, "cli": {"click", "yaml"}}
# Files of the child process: the only ones that may import ansible_runner.
WORKER = {"worker", "playbook_run"}


def _package(path: Path) -> str:
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
            assert node.level <= len(path.relative_to(ADAPTER).parts) - 1, (
                f"{path} leaves its package"
            )
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            if node.module == "adapter":
                yield from (f"adapter.{alias.name}" for alias in node.names)


FILES = sorted(
    path for path in ADAPTER.rglob("*.py") if path.parent != ADAPTER or path.stem != "__init__"
)


def _known(path: Path) -> Tuple[str, int]:
    package = _package(path)
    assert package in LAYERS, f"{path} is in no package of docs/architecture.md"
    return package, LAYERS[package]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ADAPTER)))
def test_imports_go_downwards(path: Path) -> None:
    package, layer = _known(path)
    for name in _imports(path):
        parts = name.split(".")
        if parts[0] == "adapter" and len(parts) > 1 and parts[1] != "__version__":
            beside = parts[1] != package and LAYERS[parts[1]] >= layer
            assert not beside, f"{package} imports {name}, which is not below it"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ADAPTER)))
def test_imports_from_outside_are_those_of_the_room(path: Path) -> None:
    package = _package(path)
    allowed = OUTSIDE.get(package, {"yaml"})
    if package == "engine" and path.stem in WORKER:
        allowed = {"yaml", "ansible_runner"}
    outside = {name.split(".")[0] for name in _imports(path)} - {"adapter"}

    assert outside - set(sys.stdlib_module_names) - allowed == set()
