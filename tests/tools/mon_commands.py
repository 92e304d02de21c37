"""Which arguments the monitors want with the commands that the backend sends, and of what type.

The program `ceph` turns words into what the monitors want; who sends commands to them as the
backend does must do so itself. The list is recorded from the lab (Ceph 20.2):
``LAB=demo python -m tests.tools.mon_commands`` writes it anew. It has the commands that are named
in the backend's source.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any, Dict, List, Mapping

from tests.tools.ceph_commands import described

ROOT = Path(__file__).resolve().parents[2]
RECORDED = ROOT / "tests" / "fixtures" / "mon_commands.json"
KEYS = ("name", "type", "n", "req")

# What the backend itself and the orchestrator's module bring.
OWN = ("ansible ", "orch")

Arguments = List[Dict[str, Any]]


def load() -> Dict[str, List[Arguments]]:
    """Return the commands by their words: one or more lists of arguments each."""
    known: Dict[str, List[Arguments]] = json.loads(RECORDED.read_text())
    return known


def problem(forms: List[Arguments], given: Mapping[str, Any]) -> str:
    """Return what is wrong with the arguments of a command, or nothing."""
    said = [_problem(form, given) for form in forms]
    return "" if not all(said) else said[-1]


def _problem(form: Arguments, given: Mapping[str, Any]) -> str:
    known = {each["name"]: each for each in form}
    for name, value in given.items():
        if name not in known:
            return f"unknown field '{name}'"
        if not _fits(known[name], value):
            return f"bad or missing field '{name}'"
    lacks = [name for name, each in known.items() if each.get("req", True) and name not in given]
    return f"missing required parameter {lacks[0]}" if lacks else ""


def _fits(argument: Mapping[str, Any], value: Any) -> bool:
    """Tell whether the monitors take a value, which is not turned into another type."""
    if argument.get("n") == "N":
        return isinstance(value, (list, tuple)) and all(isinstance(each, str) for each in value)
    kind = argument["type"]
    if kind in ("CephInt", "CephOsdName"):
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "CephFloat":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, bool if kind == "CephBool" else str)


def _named() -> str:
    return "\n".join(path.read_text() for path in sorted((ROOT / "adapter").rglob("*.py")))


def main() -> int:
    """Record the commands of the lab's cluster."""
    words = set(re.findall(r'"([a-z][a-z0-9 _-]+)"', _named()))
    found: Dict[str, List[Arguments]] = {}
    for row in described().values():
        name = " ".join(each for each in row["sig"] if isinstance(each, str))
        if name in words and not name.startswith(OWN):
            form = [
                {key: each[key] for key in KEYS if key in each}
                for each in row["sig"]
                if isinstance(each, dict)
            ]
            found.setdefault(name, []).append(form)
    lines = [f"  {json.dumps(name)}: {json.dumps(found[name])}" for name in sorted(found)]
    RECORDED.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
