"""Run tests of the soak with the Python and the ansible-core of a lab's first host.

``python -m tests.soak.on_lab RESULTS [--full]``, on the lab named by LAB. What was seen is added to
RESULTS in rows of its own: the host's ansible-core is the newest that there is.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import List

ROOT = Path(__file__).resolve().parents[2]
LAB = ROOT / "tests" / "lab" / "lab"
TARGET = "/root/ceph-orch-ansible-soak"
SINGLE = ("ansible.cfg", "galaxy.yml", "pyproject.toml")
# What the tests need, by the directory where it stands there.
PARTS = {
    "": ("adapter", "collections", "meta", "playbooks", "plugins", "roles", *SINGLE),
    "tests": ("tests/fixtures", "tests/integration", "tests/soak", "tests/unit"),
}
# The host has no pytest; it and what it imports is Python alone.
TOOLS = ("pytest", "_pytest", "py", "pluggy", "iniconfig", "packaging", "pygments")
TESTS = ("tests/soak/test_injection.py",)
RUN = (
    f"cd {TARGET} && exec env PYTHONPATH=tools:. PYTHONDONTWRITEBYTECODE=1 python3 -m pytest -q"
    ' -p tests.soak.plugin -p no:cacheprovider --results results.json "$@"'
)
WHERE = "with the newest ansible-core"


def lab(*words: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the lab; what it prints is kept."""
    argv = [sys.executable, str(LAB), *words]
    return subprocess.run(argv, capture_output=True, text=True, check=False)


def copy() -> None:
    """Put tests, package and tools on the host. Raises ``RuntimeError``."""
    lab("ssh", "h1", "rm", "-rf", TARGET)
    places = {place: [str(ROOT / part) for part in parts] for place, parts in PARTS.items()}
    places["tools"] = tools()
    for place, sources in places.items():
        done = lab("copy", *sources, f"h1:{TARGET}/{place}")
        if done.returncode:
            raise RuntimeError(f"the tests cannot be copied: {done.stderr.strip()}")


def tools() -> List[str]:
    """Return where pytest's packages stand here."""
    specs = [importlib.util.find_spec(name) for name in TOOLS]
    places = [Path(str(spec.origin)) for spec in specs if spec is not None]
    return [str(place.parent if place.name == "__init__.py" else place) for place in places]


def main() -> int:
    """Run the tests there; return pytest's status."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("--full", action="store_true")
    options = parser.parse_args()
    copy()
    status = subprocess.run(
        [sys.executable, str(LAB), "ssh", "h1", "sh", "-c", RUN, "sh"]
        + ["--full"] * options.full
        + list(TESTS),
        check=False,
    ).returncode
    seen = json.loads(lab("ssh", "h1", "cat", f"{TARGET}/results.json").stdout or "{}")
    found = json.loads(options.results.read_text()) if options.results.exists() else {}
    found.update({f"{name}, {WHERE}": row for name, row in seen.items()})
    options.results.write_text(json.dumps(found, indent=1, sort_keys=True) + os.linesep)
    lab("ssh", "h1", "rm", "-rf", TARGET)
    return status


if __name__ == "__main__":
    sys.exit(main())
