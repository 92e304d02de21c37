"""Build the RPM: ``python3 -m packages.rpm [--to DIR] [--release N] [--python PATH]``.

rpmbuild makes it of files that are laid out here, as for the Debian package. It was installed on no
EL host: what is in it is checked, and nothing more.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from packages.stage import ROOT, VERSION, epoch, set_times, stage

SPEC = Path(__file__).parent / "rpm" / "ceph-mgr-ansible.spec"
NAME = "ceph-mgr-ansible"
# EL has no ansible-runner: an environment of the administrator's has it.
PYTHON = "/opt/ceph-orch-ansible/bin/python3"


def build(target: Path, release: str = "1", python: str = PYTHON) -> Path:
    """Build the package into a directory; return its file."""
    target.mkdir(parents=True, exist_ok=True)
    result = target / f"{NAME}-{VERSION}-{release}.noarch.rpm"
    when = epoch()
    with tempfile.TemporaryDirectory(prefix="rpm-") as scratch:
        top = Path(scratch)
        (top / "staged").mkdir(mode=0o755)
        stage(top / "staged", package=NAME, manager="dnf", python=python)
        set_times(top / "staged", when)
        values = {
            "_topdir": str(top / "build"),
            "_rpmdir": str(top),
            "staged": str(top / "staged"),
            "project_version": VERSION,
            "project_release": release,
            "interpreter": python,
            "interpreter_home": str(Path(python).parents[1]),
        }
        argv = ["rpmbuild", "-bb", "--quiet"]
        for name, value in values.items():
            argv += ["--define", f"{name} {value}"]
        environment = {**os.environ, "SOURCE_DATE_EPOCH": str(when)}
        done = subprocess.run(
            [*argv, str(SPEC)], env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            sys.exit(f"rpmbuild failed: {done.stderr.strip()}")
        shutil.copyfile(top / "noarch" / result.name, result)
    return result


def main() -> None:
    """Build the package, and say where it is."""
    parser = argparse.ArgumentParser(prog="python3 -m packages.rpm")
    parser.add_argument("--to", type=Path, default=ROOT / "dist", help="where the file goes")
    parser.add_argument("--release", default="1", help="the release of this version")
    parser.add_argument("--python", default=PYTHON, help="the interpreter on managers' hosts")
    given = parser.parse_args()
    if not shutil.which("rpmbuild"):
        sys.exit("There is no rpmbuild here: install it (Debian: apt install rpm).")
    sys.stdout.write(f"{build(given.to, given.release, given.python)}\n")


if __name__ == "__main__":
    main()
