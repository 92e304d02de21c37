"""Build the collection's archive, install it where nothing else is, and run what is in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List

from tests.integration.content.runs import BIN, ROOT

# Read when Python starts: takes away where this project's package would be found.
_WITHOUT_PACKAGE = """\
import os, sys
sys.path[:] = [path for path in sys.path if not os.path.isdir(os.path.join(path, "adapter"))]
"""


class Installed:
    """An installed collection, and an empty directory to use it from."""

    def __init__(self, top: Path) -> None:
        self.empty = top / "empty"
        self.empty.mkdir()
        self._top = top
        (top / "ansible.cfg").touch()
        self._collections = top / "collections"
        galaxy = [str(BIN / "ansible-galaxy"), "collection"]
        self._call([*galaxy, "build", "--output-path", str(top)], ROOT, check=True)
        (self.archive,) = top.glob("ceph_orch-ansible-*.tar.gz")
        install = [*galaxy, "install", "--offline", "-p", str(self._collections)]
        self._call([*install, str(self.archive)], self.empty, check=True)
        self.path = self._collections / "ansible_collections/ceph_orch/ansible"
        (top / "without").mkdir()
        (top / "without/sitecustomize.py").write_text(_WITHOUT_PACKAGE)

    def play(
        self, *arguments: str, package: bool = True, **variables: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run playbooks on this machine from the empty directory."""
        values = {"ansible_python_interpreter": sys.executable, **variables}
        argv = [str(BIN / "ansible-playbook"), "-i", "h1,", "-c", "local", "-e", json.dumps(values)]
        without = {} if package else {"PYTHONPATH": str(self._top / "without")}
        return self._call([*argv, *arguments], self.empty, **without)

    def _call(
        self, argv: List[str], directory: Path, check: bool = False, **more: str
    ) -> subprocess.CompletedProcess[str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE")}
        environment: Dict[str, str] = {
            **kept,
            "HOME": str(self._top / "home"),
            "ANSIBLE_CONFIG": str(self._top / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(self._collections),
            "ANSIBLE_REMOTE_TEMP": str(self._top / "tmp"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_PIPELINING": "1",
            "PYTHONWARNINGS": "ignore",
            **more,
        }
        return subprocess.run(
            argv,
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=check,
        )
