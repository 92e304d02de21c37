"""What the command and the playbooks need, asked before any of it is imported.

Nothing here imports more than the standard library: it tells what else is missing.
"""

from __future__ import annotations

import importlib.util
import sys
from typing import List, Sequence, Tuple

# Each import, the least version, and the Debian package that has it.
NEEDED = (
    ("ansible", "ansible.release", "2.17", "ansible-core"),
    ("ansible_runner", "", "2.4", "python3-ansible-runner"),
    ("yaml", "", "", "python3-yaml"),
    ("click", "", "8.1", "python3-click"),
)
# What the command needs, and a manager does not.
ONLY_COMMAND = ("click",)
# Without these the command cannot even say what else is missing.
TO_BEGIN = ("yaml", "click")
# What they are called where pip gets them.
OF_PIP = ("ansible-core", "ansible-runner", "PyYAML", "click")
SYSTEM = "/usr/bin/python3"


def refusal() -> str:
    """Return why the command cannot run with this interpreter, and what to do; else nothing."""
    if not _missing(TO_BEGIN):
        return ""
    names = [name for name, _, _, _ in NEEDED]
    packages = dict(zip(names, (package for _, _, _, package in NEEDED)))
    lacks = [f"{name} (package {packages[name]})" for name in _missing(names)]
    python = sys.executable or SYSTEM
    return (
        f"{python} lacks {', '.join(lacks)}. {how_to_get(python)} An interpreter that has them "
        "can run this too: PYTHON -m adapter.cli."
    )


def how_to_get(python: str) -> str:
    """Return the sentence that says how an interpreter gets what is needed."""
    if python == SYSTEM:
        packages = [package for _, _, _, package in NEEDED]
        return f"Install the packages: apt install {' '.join(packages)}."
    return f"Install them: {python} -m pip install {' '.join(OF_PIP)}."


def _missing(names: Sequence[str]) -> List[str]:
    return [name for name in names if importlib.util.find_spec(name) is None]


def numbers(version: str) -> Tuple[int, ...]:
    """Return the first two numbers of a version."""
    parts = version.split(".")[:2]
    return tuple(int("".join(char for char in part if char.isdigit()) or 0) for part in parts)
