"""Record what Ceph's classes take, from the source of a release.

    python -m tests.tools.ceph_classes 16.2.15 DIR "Debian 12, 16.2.15+ds-0+deb12u2" >FILE

DIR has the Python files of a release somewhere below it: an unpacked package, or a checkout. They
are read, not run. FILE belongs to tests/fixtures/ceph_classes: names of classes and of their
constructors' parameters, and which class a service type has.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional

import yaml

FILES = (
    "ceph/deployment/hostspec.py",
    "ceph/deployment/service_spec.py",
    "ceph/deployment/drive_group.py",
    "ceph/deployment/inventory.py",
    "orchestrator/_interface.py",
)
# What a class reads from JSON, where that is less than its constructor takes.
READS = ("_supported_features", "_supported_filters")


def record(directory: Path) -> Dict[str, Any]:
    """Return types and parameters of the release whose files are below a directory."""
    classes = {each.name: each for file in FILES for each in _classes(directory, file)}
    spec = classes["ServiceSpec"]
    kinds = _assigned(spec, "KNOWN_SERVICE_TYPES")
    named = _class_of_types(spec, classes)
    return {
        "types": {kind: named.get(kind, "ServiceSpec") for kind in sorted(kinds)},
        "parameters": {
            name: " ".join(found)
            for name, each in sorted(classes.items())
            if (found := _parameters(each, classes)) is not None
        },
    }


def _classes(directory: Path, file: str) -> Iterator[ast.ClassDef]:
    paths = [path for path in directory.rglob(Path(file).name) if str(path).endswith(file)]
    if len(paths) != 1:
        raise SystemExit(f"{directory} has {len(paths)} files {file}; give a directory with one")
    tree = ast.parse(paths[0].read_text(encoding="utf-8"))
    return (node for node in tree.body if isinstance(node, ast.ClassDef))


def _parameters(cls: ast.ClassDef, classes: Mapping[str, ast.ClassDef]) -> Optional[List[str]]:
    """Return what a class takes, its own or its base's; None where no constructor is seen."""
    for node in cls.body:
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs][1:]
            names = {each.arg for each in given}
            for name in READS:
                read = _assigned(cls, name)
                names &= set(read) if read else names
            return sorted(names)
    bases = [each.id for each in cls.bases if isinstance(each, ast.Name)]
    return next((_parameters(classes[base], classes) for base in bases if base in classes), None)


def _assigned(cls: ast.ClassDef, name: str) -> List[str]:
    """Return the words of a class's attribute: a list, or text that is split, or one word."""
    for node in cls.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if name in [getattr(each, "id", None) for each in targets]:
            return _words(node.value)  # type: ignore[attr-defined]
    return []


def _words(value: Any) -> List[str]:
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
        value = value.func.value
    found = ast.literal_eval(value)
    return found.split() if isinstance(found, str) else list(found)


def _class_of_types(spec: ast.ClassDef, classes: Mapping[str, ast.ClassDef]) -> Dict[str, str]:
    """Return the class of each service type that has its own, from the table in ``_cls``."""
    found: Dict[str, str] = {}
    for node in ast.walk(next(each for each in spec.body if getattr(each, "name", "") == "_cls")):
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values):
                found[_key(key, classes)] = value.id  # type: ignore[attr-defined]
    return found


def _key(key: Any, classes: Mapping[str, ast.ClassDef]) -> str:
    """Return a key of the table: text, or an attribute of the class."""
    if isinstance(key, ast.Attribute):
        return _assigned(classes[key.value.id], key.attr)[0]  # type: ignore[attr-defined]
    return str(ast.literal_eval(key))


def main() -> None:
    """Print the record of a release."""
    release, directory, source = sys.argv[1:]
    head = {"release": release, "source": source}
    data = {**head, **record(Path(directory))}
    yaml.safe_dump(data, sys.stdout, sort_keys=False, width=96)


if __name__ == "__main__":
    main()
