"""Lay out the files of a package below a directory: what `orch-ansible mgr install` would make.

The manifests name the package, so that `mgr install` and `mgr uninstall` leave its files alone.
"""

from __future__ import annotations

import gzip
import os
import re
import subprocess
from pathlib import Path
from typing import Dict

from adapter import __version__
from adapter.cli.app import root as command_line
from adapter.cli.completion import completion_script
from adapter.cli.packaged import facts_of_package
from adapter.cli.place import COMMAND_FILE, CONTENT, Place, content_items, facts, module_items
from adapter.cli.tree import OPEN_EXECUTABLE, OPEN_FILE
from adapter.engine.files import OPEN_DIR, make_dirs
from tests.tools.man_pages import pages

ROOT = Path(__file__).resolve().parents[1]
COMMAND = "usr/bin/orch-ansible"
DOCUMENTS = ("README.md", "docs")
# Where shells look; for zsh it depends on the distribution.
COMPLETIONS = {
    "bash": "usr/share/bash-completion/completions/orch-ansible",
    "fish": "usr/share/fish/vendor_completions.d/orch-ansible.fish",
}
ZSH = {"apt": "usr/share/zsh/vendor-completions", "dnf": "usr/share/zsh/site-functions"}
DESCRIPTION = """\
The orchestrator backend for Ceph clusters that run from distribution packages:
ceph orch, the dashboard's pages of hosts, disks and services, and the manager
modules that build on them, answered by Ansible playbooks over ssh."""
SUMMARY = "Ceph orchestrator backend that works with Ansible"


def stage(root: Path, *, package: str, manager: str, python: str) -> None:
    """Make the files of a package below ``root``, for an interpreter of the hosts."""
    place = Place(root=root, python=python)
    manifest = facts_of_package(facts(place), package, manager)
    place.content.put(content_items(python), manifest)
    place.module.put(module_items(), manifest)
    command = root / COMMAND
    make_dirs(command.parent)
    command.symlink_to(os.path.relpath(f"{CONTENT}/{COMMAND_FILE}", f"/{Path(COMMAND).parent}"))
    for name in DOCUMENTS:
        _copy(ROOT / name, root / "usr/share/doc" / package / name)
    for name, text in pages().items():
        write(root / "usr/share/man/man1" / f"{name}.gz", gzip.compress(text.encode(), 9, mtime=0))

    for shell, path in {**COMPLETIONS, "zsh": f"{ZSH[manager]}/_orch-ansible"}.items():
        write(root / path, f"{completion_script(command_line, shell)}\n".encode())


def _copy(source: Path, target: Path) -> None:
    """Copy a document, or a directory of them, with the modes that everybody may read."""
    if source.is_dir():
        for each in sorted(source.iterdir()):
            _copy(each, target / each.name)
        return
    write(target, source.read_bytes())


def write(path: Path, data: bytes, *, executable: bool = False) -> None:
    """Write a file with its directories; no umask decides their modes."""
    make_dirs(path.parent, OPEN_DIR)
    path.write_bytes(data)
    path.chmod(OPEN_EXECUTABLE if executable else OPEN_FILE)


def filled(template: str, values: Dict[str, str]) -> str:
    """Return a template with its ``@NAME@`` replaced; raises ``KeyError`` for an unknown one."""
    return re.sub(r"@([A-Z_]+)@", lambda match: values[match.group(1)], template)


def epoch() -> int:
    """Return the time that all files get: SOURCE_DATE_EPOCH, else that of the last commit."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given:
        return int(given)
    argv = ["git", "-C", str(ROOT), "log", "-1", "--format=%ct"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode == 0 and done.stdout.strip():
        return int(done.stdout)
    return int((ROOT / "CHANGELOG.md").stat().st_mtime)


def set_times(root: Path, when: int) -> None:
    """Give everything below a directory the same time."""
    for path in (root, *root.rglob("*")):
        os.utime(path, (when, when), follow_symlinks=False)


VERSION = __version__
