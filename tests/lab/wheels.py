"""An interpreter with a newer Ansible for hosts whose release has an old one, without a route out.

The wheels are downloaded once, for the Python of the release, and kept in the lab's cache. A host
gets them as a directory and makes a virtual environment of them, as docs/versions.md tells.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Optional

# Debian's release: the Python that it has. What is not here has an Ansible that is new enough.
PYTHON_OF = {"bookworm": "3.11"}
WANTED = ("pip", "ansible-core~=2.19.0", "ansible-runner~=2.4.0", "click~=8.1", "pyyaml~=6.0")
PLATFORMS = ("manylinux2014_x86_64", "manylinux_2_17_x86_64", "manylinux_2_28_x86_64")
ENVIRONMENT = "/opt/orch-ansible"
INTERPRETER = f"{ENVIRONMENT}/bin/python"
ON_HOST = "/root/orch-wheels"
# Debian's venv has no pip without another package; a wheel of pip runs as it is.
MAKE = f"""
set_of_wheels=$1; shift
test ! -e {ENVIRONMENT}/$set_of_wheels || exit 0
rm -rf {ENVIRONMENT}
python3 -m venv --without-pip {ENVIRONMENT}
pip=$(ls {ON_HOST}/pip-*.whl)
{INTERPRETER} "$pip/pip" install --quiet --no-index --find-links {ON_HOST} "$@"
touch {ENVIRONMENT}/$set_of_wheels
"""


def wheels(release: str, cache: Optional[Path] = None) -> Optional[Path]:
    """Return the directory of wheels for a release, downloaded if it is not there.

    None where the release needs none. Raises ``RuntimeError`` with pip's last words.
    """
    version = PYTHON_OF.get(release)
    if version is None:
        return None
    cache = cache or Path(os.environ.get("LAB_CACHE") or "/var/cache/ceph-orch-lab")
    key = hashlib.sha256(json.dumps([version, WANTED, PLATFORMS]).encode()).hexdigest()[:10]
    target = cache / "wheels" / f"{release}-{key}"
    if not target.is_dir():
        _download(version, target)
    return target


def _download(version: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f"{target.name}.{os.getpid()}")
    argv = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    argv += ["--only-binary=:all:", "--implementation", "cp", "--python-version", version]
    for platform in PLATFORMS:
        argv += ["--platform", platform]
    done = subprocess.run(
        [*argv, "--dest", str(unfinished), *WANTED], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"no wheels for Python {version}: {done.stderr.strip()[-1000:]}")
    unfinished.rename(target)
