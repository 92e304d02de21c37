"""What a module imports comes along with it, also what it needs late, from every package."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, Iterator, Set

import pytest
import yaml

from tests.integration.content.runs import BIN, ROOT, Machine, Run

PLUGINS = ROOT / "plugins"
# An action on the controller does what it is for.
STAYS = {"daemon_upgrade"}
MODULES = sorted({path.stem for path in (PLUGINS / "modules").glob("*.py")} - STAYS)
PACKAGES = sorted(path.parent.name for path in PLUGINS.glob("module_utils/*/__init__.py"))


def _imports(path: Path) -> Iterator[Path]:
    """Yield the files that one imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            place = path.parents[node.level - 1].joinpath(*(node.module or "").split("."))
            found = [place.with_suffix(".py"), *(place / f"{each.name}.py" for each in node.names)]
            yield from (each for each in found if each.is_file())


def _needed(path: Path) -> Set[str]:
    """Return the names below plugins of all files that a module may come to import."""
    found: Set[Path] = set()
    todo = [path]
    while todo:
        each = todo.pop()
        if each not in found:
            found.add(each)
            todo += _imports(each)
    return {str(each.relative_to(PLUGINS)) for each in found}


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Dict[str, Any]:
    """Run every module with an option that none has; return what it said and what it was sent as.

    A module is refused by its own check of arguments, after all its imports and before it works.
    """
    top = tmp_path_factory.mktemp("modules")
    tasks = [
        {f"ceph_orch.ansible.{name}": {"nobody_has_this": 1}, "ignore_errors": True}
        for name in MODULES
    ]
    plays = [{"hosts": "all", "gather_facts": False, "tasks": tasks}]
    (top / "all.yml").write_text(yaml.safe_dump(plays), encoding="utf-8")
    done = subprocess.run(
        [str(BIN / "ansible-playbook"), "-i", "localhost,", "-c", "local", str(top / "all.yml")],
        cwd=ROOT,
        env={
            **Machine(top).environment(),
            "ANSIBLE_KEEP_REMOTE_FILES": "1",
            "RECORDER_FILE": str(top / "record.jsonl"),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    lines = (top / "record.jsonl").read_text(encoding="utf-8").splitlines()
    run = Run(done.returncode, done.stdout + done.stderr, list(map(json.loads, lines)))
    found: Dict[str, Any] = {"run": run, "files": {}}
    for path in top.rglob("AnsiballZ_*.py"):
        subprocess.run([sys.executable, str(path), "explode"], check=True, capture_output=True)
        below = path.parent / "debug_dir/ansible_collections/ceph_orch/ansible/plugins"
        found["files"][path.stem.partition("_")[2]] = {
            str(each.relative_to(below)) for each in below.rglob("*.py")
        }
    return found


def test_every_module_begins(sent: Dict[str, Any]) -> None:
    said = sent["run"].failures
    assert len(said) == len(MODULES), sent["run"].output
    for words in said:
        assert re.match("Unsupported parameters for|missing required|state is present but", words)


@pytest.mark.parametrize("name", MODULES)
def test_a_module_has_all_that_it_may_import(name: str, sent: Dict[str, Any]) -> None:
    needed = _needed(PLUGINS / "modules" / f"{name}.py")
    assert needed - sent["files"][name] == set()
    packages = {str(Path(each).parent / "__init__.py") for each in needed}
    assert packages - {"modules/__init__.py"} <= sent["files"][name]


def test_every_package_has_been_sent(sent: Dict[str, Any]) -> None:
    files = {Path(each).parts for one in sent["files"].values() for each in one}
    there = {parts[1] for parts in files if parts[0] == "module_utils" and len(parts) > 2}
    assert there == set(PACKAGES)
