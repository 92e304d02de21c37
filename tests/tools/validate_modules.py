"""Run ansible-test's validate-modules on the collection, without what else ansible-test wants.

``ansible-test sanity`` makes an environment of its own for each test, and fetches pip for it from a
place that a machine without internet does not reach. The program that does the work is called here
as ansible-test calls it, and what tests/sanity says is overlooked.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Dict, Iterator, List, Set

import ansible.release
import ansible_test
import yaml

ROOT = Path(__file__).resolve().parents[2]
COLLECTION = ROOT / "collections/ansible_collections/ceph_orch/ansible"
TEST = "validate-modules"
PROGRAM = "_util/controller/sanity/validate-modules/validate.py"
KINDS = {
    "module": "modules",
    "callback": "callback",
    "filter": "filter",
    "inventory": "inventory",
    "lookup": "lookup",
}


def main() -> int:
    """Print what is wrong; return the status for the shell."""
    core = ".".join(ansible.release.__version__.split(".")[:2])
    found = [finding for kind, folder in KINDS.items() for finding in findings(kind, folder)]
    ignored = overlooked(ROOT / "tests/sanity" / f"ignore-{core}.txt")
    wrong = [text for key, text in found if key not in ignored]
    wrong += [f"{key}: overlooked without need" for key in sorted(ignored - dict(found).keys())]
    print("\n".join(wrong) or f"{TEST}: nothing, but for {len(ignored)} findings with a reason")
    return 1 if wrong else 0


def findings(kind: str, folder: str) -> Iterator[tuple[str, str]]:
    """Give a key, as tests/sanity has it, and a line for each finding about plugins of a kind."""
    files = sorted((COLLECTION / "plugins" / folder).glob("*.py"))
    for path, report in run(kind, [str(file.relative_to(COLLECTION)) for file in files]).items():
        for error in report["errors"]:
            key = f"{path} {TEST}:{error['code']}"
            yield key, f"{path}:{error.get('line') or 1}: {error['code']}: {error['msg']}"


def run(kind: str, files: List[str]) -> Dict[str, Dict[str, List[Dict[str, str]]]]:
    """Return what the program says about files; exits with its words if it cannot do its work."""
    program = Path(ansible_test.__file__).parent / PROGRAM
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))
    argv = [sys.executable, "-B", str(program), "--format", "json", "--arg-spec"]
    argv += ["--collection", "ansible_collections/ceph_orch/ansible"]
    argv += ["--collection-version", galaxy["version"], "--plugin-type", kind, *files]
    done = subprocess.run(
        argv,
        cwd=COLLECTION,
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.stderr or done.returncode not in (0, 3):
        sys.exit(done.stderr or done.stdout)
    return json.loads(done.stdout)


def overlooked(path: Path) -> Set[str]:
    """Return the keys of a file in tests/sanity; exits if one has no reason."""
    keys = set()
    for line in path.read_text(encoding="utf-8").splitlines():
        key, _, reason = line.partition(" # ")
        if not reason.strip():
            sys.exit(f"{path}: no reason for {key}")
        if f" {TEST}:" in key:
            keys.add(key)
    return keys


if __name__ == "__main__":
    sys.exit(main())
