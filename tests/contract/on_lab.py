"""Run ``compare_with_ceph.py`` and ``conversions.py`` with the Python and the Ceph of a lab's host.

As a program, for a lab of an older release (``make contract-18``): prints what was compared, and
ends with 1 if there is a difference that ``accepted_differences.yml`` does not explain, or
something that Ceph's classes do not take.
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
    "tests/fixtures/ceph_classes",
    "tests/unit/interface/corpus",
    "tests/contract/both_sides.py",
    "tests/contract/compare_choices.py",
    "tests/contract/compare_with_ceph.py",
    "tests/contract/conversions.py",
    "tests/contract/stand_ins.py",
    "tests/contract/accepted_differences.yml",
)
TARGET = "/root/compare-with-ceph"
RUN = f"cd {TARGET} && exec env PYTHONPATH=. PYTHONDONTWRITEBYTECODE=1 python3 "
COMPARE = RUN + 'compare_with_ceph.py --corpus corpus --accepted accepted_differences.yml "$@"'
CONVERT = RUN + 'conversions.py --corpus corpus --recorded ceph_classes "$@"'


def _lab(lab: str, *words: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, str(LAB), "--name", lab, *words]
    return subprocess.run(argv, capture_output=True, text=True, check=False)


def compare(lab: str, *options: str) -> Dict[str, Any]:
    """Return the report of a comparison on the first host of a lab.

    Raises ``RuntimeError`` where there is none.
    """
    return _report(lab, COMPARE, *options)


def conversions(lab: str) -> Dict[str, Any]:
    """Return what came of handing all to the classes of Ceph there; raises as ``compare``."""
    return _report(lab, CONVERT)


def _report(lab: str, command: str, *options: str) -> Dict[str, Any]:
    for words in (
        ["ssh", "h1", "rm", "-rf", TARGET],
        ["copy", *(str(ROOT / part) for part in PARTS), f"h1:{TARGET}"],
    ):
        done = _lab(lab, *words)
        if done.returncode:
            raise RuntimeError(f"lab {lab}, {words[0]}: {done.stderr.strip()}")
    done = _lab(lab, "ssh", "h1", "sh", "-c", command, "sh", *options)
    # 1 is: there are differences.
    if done.returncode not in (0, 1) or not done.stdout.startswith("{"):
        raise RuntimeError(f"lab {lab}: no report: {done.stderr.strip()[-2000:]}")
    report: Dict[str, Any] = json.loads(done.stdout)
    return report


def _converted(lab: str, release: str) -> bool:
    """Print what came of the conversions; tell whether all went well on that release."""
    report = conversions(lab)
    print(
        f"Ceph {report['recorded']}, Python {report['python']}: {report['converted']} things for"
        f" {report['types']} service types converted"
    )
    for name, text in {**report["refused"], **report["problems"]}.items():
        print(f"{name}: {text}")
    if not report["recorded"].startswith(release):
        print(f"tests/fixtures/ceph_classes has no record of these classes as Ceph {release}")
        return False
    return not report["refused"] and not report["problems"]


def main() -> int:
    """Compare on the lab named by LAB, and print what differs."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--release", help="fail if the lab's Ceph is another, such as 18.2")
    parser.add_argument(
        "--conversions", action="store_true", help="only what the module hands to Ceph's classes"
    )
    options = parser.parse_args()
    lab = os.environ.get("LAB") or "demo"
    well = _converted(lab, options.release or "")
    if options.conversions:
        return 0 if well else 1
    report = compare(lab)
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
    return 1 if report["differences"] or report["stale"] or not well else 0


if __name__ == "__main__":
    sys.exit(main())
