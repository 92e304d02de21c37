"""Run ``compare_with_ceph.py`` with the Python and the Ceph of a lab's host.

As a program, for a lab of an older release (``make contract-18``): prints what was compared, and
ends with 1 if there is a difference that ``accepted_differences.yml`` does not explain.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict

ROOT = Path(__file__).resolve().parents[2]
LAB = ROOT / "tests" / "lab" / "lab"
PARTS = (
    "adapter",
    "tests/unit/interface/corpus",
    "tests/contract/both_sides.py",
    "tests/contract/compare_choices.py",
    "tests/contract/compare_with_ceph.py",
    "tests/contract/accepted_differences.yml",
)
TARGET = "/root/compare-with-ceph"
COMPARE = (
    f"cd {TARGET} && exec env PYTHONPATH=. PYTHONDONTWRITEBYTECODE=1 python3 compare_with_ceph.py"
    ' --corpus corpus --accepted accepted_differences.yml "$@"'
)


def _lab(lab: str, *words: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, str(LAB), "--name", lab, *words]
    return subprocess.run(argv, capture_output=True, text=True, check=False)


def compare(lab: str, *options: str) -> Dict[str, Any]:
    """Return the report of a comparison on the first host of a lab.

    Raises ``RuntimeError`` where there is none.
    """
    for words in (
        ["ssh", "h1", "rm", "-rf", TARGET],
        ["copy", *(str(ROOT / part) for part in PARTS), f"h1:{TARGET}"],
    ):
        done = _lab(lab, *words)
        if done.returncode:
            raise RuntimeError(f"lab {lab}, {words[0]}: {done.stderr.strip()}")
    done = _lab(lab, "ssh", "h1", "sh", "-c", COMPARE, "sh", *options)
    # 1 is: there are differences.
    if done.returncode not in (0, 1) or not done.stdout.startswith("{"):
        raise RuntimeError(f"lab {lab}: no comparison: {done.stderr.strip()[-2000:]}")
    report: Dict[str, Any] = json.loads(done.stdout)
    return report


def main() -> int:
    """Compare on the lab named by LAB, and print what differs."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--release", help="fail if the lab's Ceph is another, such as 18.2")
    options = parser.parse_args()
    report = compare(os.environ.get("LAB") or "demo")
    accepted = sum(report["accepted"].values())
    print(
        f"Ceph {report['ceph']}, Python {report['python']}: {report['cases']} documents,"
        f" {len(report['differences'])} differences, {accepted} that are accepted"
    )
    for difference in report["differences"]:
        print(json.dumps(difference, ensure_ascii=False))
    for reason in report["stale"]:
        print(f"nothing needs this entry of accepted_differences.yml any more: {reason}")
    if options.release not in (None, report["ceph"]):
        print(f"this is not Ceph {options.release}")
        return 1
    return 1 if report["differences"] or report["stale"] else 0


if __name__ == "__main__":
    sys.exit(main())
