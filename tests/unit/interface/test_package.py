"""The package as a whole: what it exports, imports and how it loads."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import Iterator

import pytest

import adapter.interface as interface

PACKAGE = Path(interface.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield (node.module or "").partition(".")[0]


def test_exported() -> None:
    assert len(interface.__all__) == len(set(interface.__all__))
    assert all(hasattr(interface, name) for name in interface.__all__)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_file(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    # typing_extensions is imported for the type checker only
    foreign = set(imported(path)) - set(STANDARD) - {"yaml", "typing_extensions"}

    assert not foreign
    assert len(text.splitlines()) <= 400
    assert "from __future__ import annotations" in text


STANDARD = [
    "__future__",
    "base64",
    "binascii",
    "contextlib",
    "dataclasses",
    "datetime",
    "enum",
    "errno",
    "fnmatch",
    "functools",
    "inspect",
    "ipaddress",
    "logging",
    "pickle",
    "re",
    "reprlib",
    "secrets",
    "shlex",
    "threading",
    "typing",
    "urllib",
]

LOADED = """
import sys
before = set(sys.modules)
import warnings, logging, yaml, os, threading
filters, environment, threads = list(warnings.filters), dict(os.environ), threading.active_count()
handlers = list(logging.getLogger().handlers)
safe_dumper = dict(yaml.SafeDumper.yaml_representers)
loader = {k: list(v) for k, v in yaml.SafeLoader.yaml_implicit_resolvers.items()}
import adapter.interface
assert warnings.filters == filters, "warning filters"
assert dict(os.environ) == environment, "environment"
assert threading.active_count() == threads, "threads"
assert logging.getLogger().handlers == handlers, "logging"
assert yaml.SafeDumper.yaml_representers == safe_dumper, "safe dumper"
assert yaml.SafeLoader.yaml_implicit_resolvers == loader, "safe loader"
own = {name.partition(".")[0] for name in set(sys.modules) - before}
print(*sorted(own & {"ansible", "ansible_runner", "jinja2", "requests", "typing_extensions"}))
"""


def test_import_has_no_side_effects() -> None:
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", LOADED],
        cwd=PACKAGE.parents[1],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (run.returncode, run.stdout.strip(), run.stderr) == (0, "", "")


IN_SUBINTERPRETERS = """
try:
    import _xxsubinterpreters as interpreters
except ImportError:
    import _interpreters as interpreters
code = '''
import sys
sys.path.insert(0, {root!r})
sys.path[1:1] = {path!r}
from adapter.interface import *
spec = ServiceSpec.from_json(dict(service_type="rgw", service_id="a", placement=dict(count=1)))
assert ServiceSpec.from_json(spec.to_json()) == spec
assert specs_from_yaml(specs_to_yaml([spec])) == [spec]
'''
import sys
for _ in range(2):
    made = interpreters.create(*(["legacy"] if sys.version_info >= (3, 13) else []))
    failed = interpreters.run_string(made, code.format(root={root!r}, path=sys.path))
    assert failed is None, failed
print("loaded twice")
"""


def test_loads_in_sub_interpreters() -> None:
    code = IN_SUBINTERPRETERS.replace("{root!r}}", "\0").replace(
        "root={root!r}", f"root={str(PACKAGE.parents[1])!r}"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    if "No module named" in run.stderr and "interpreters" in run.stderr:
        pytest.skip("this Python has no module for sub-interpreters")

    assert run.stdout.strip() == "loaded twice", run.stderr
