"""Where the module is installed on a manager's host, and what goes there.

::

    /usr/share/ceph-orch-ansible/     the package and the Ansible content
    /usr/share/ceph/mgr/ansible/      two files: what ceph-mgr finds, and imports from there
    /usr/local/bin/orch-ansible       a link to the command in the first
    /var/lib/ceph/orch-ansible/       jobs, ssh files, reports; belongs to the user ceph
"""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Dict, Optional, Tuple

from adapter import __version__
from adapter.cli.content import PARTS, collection_links
from adapter.cli.interpreter import check_name, own_environment, run
from adapter.cli.needs import NEEDED, ONLY_COMMAND
from adapter.cli.tree import Item, Items, Tree, read_tree
from adapter.content import PACKAGE, content_root
from adapter.errors import NotReady
from adapter.installed import PYTHON, STATE

CONTENT = "/usr/share/ceph-orch-ansible"
MODULE = "/usr/share/ceph/mgr/ansible"
COMMAND = "/usr/local/bin/orch-ansible"
USER = "ceph"

INIT_TEXT = '''\
"""The orchestrator backend `ansible`, put here by `orch-ansible mgr install` or a package."""

from .module import Module
'''
MODULE_TEXT = '''\
"""What ceph-mgr loads: it finds the package and imports one class, nothing else."""

import importlib.util
import sys

PACKAGE = "{content}/adapter"


def load():
    """Let `adapter` be the package above, whatever of that name is on Python's path."""
    found = sys.modules.get("adapter")
    if found is None:
        spec = importlib.util.spec_from_file_location(
            "adapter", PACKAGE + "/__init__.py", submodule_search_locations=[PACKAGE]
        )
        found = sys.modules["adapter"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(found)
    elif PACKAGE not in getattr(found, "__path__", ()):
        raise ImportError("another Python package adapter is loaded: %s" % found)


load()

from adapter.mgr.module import Module
'''

COMMAND_FILE = "bin/orch-ansible"
COMMAND_TEXT = '''\
#!{python} -IB
"""The command orch-ansible, put here by `orch-ansible mgr install` or a package."""

import sys

sys.path.insert(0, "{content}")

from adapter.cli import main

main()
'''


@dataclass(frozen=True)
class Place:
    """Where to install. ``root`` other than / is a tree that becomes a host's later.

    What a running host has (Python, ceph-mgr) is then not looked at, and byte code is left to
    the host. ``state`` and ``python`` that are empty are found by ``settled``.
    """

    root: Path = Path("/")
    state: str = STATE
    python: str = PYTHON

    @property
    def live(self) -> bool:
        """Tell whether this is the running host."""
        return self.root == Path("/")

    @property
    def files_owner(self) -> int:
        """Return the uid that owns all installed files; the state directory belongs to ceph."""
        return 0 if self.live else os.geteuid()

    def below(self, path: str) -> Path:
        """Return an absolute path below the root."""
        return self.root / path.lstrip("/")

    @property
    def content(self) -> Tree:
        """Return the tree of package and content."""
        return Tree(self.below(CONTENT), self.files_owner)

    @property
    def module(self) -> Tree:
        """Return the directory that ceph-mgr scans."""
        return Tree(self.below(MODULE), self.files_owner)

    @property
    def command(self) -> Path:
        """Return the link under which shells find the command."""
        return self.below(COMMAND)

    @property
    def state_directory(self) -> Path:
        """Return the state directory."""
        return self.below(self.state)

    @property
    def owner(self) -> Optional[Tuple[int, int]]:
        """Return uid and gid of the user ceph, None if a tree that is not live has none.

        Raises ``NotReady`` where a running host has none.
        """
        if self.live:
            try:
                entry = pwd.getpwnam(USER)
            except KeyError:
                raise NotReady(
                    f"There is no user {USER} on this host.", "Install the package ceph-common."
                ) from None
            return entry.pw_uid, entry.pw_gid
        try:
            lines = self.below("/etc/passwd").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return None
        rows = [line.split(":") for line in lines if line.startswith(f"{USER}:")]
        return (int(rows[0][2]), int(rows[0][3])) if rows else None


def settled(place: Place) -> Place:
    """Return a place with what nobody named: as it is installed there, else as usual.

    A command of a virtual environment installs for that one: it has what playbooks need.
    """
    known = place.content.manifest() or {}
    here = own_environment() if place.live else ""
    found = replace(
        place,
        state=place.state or str(known.get("state_directory") or STATE),
        python=place.python or here or str(known.get("python") or PYTHON),
    )
    check_name(found.python)
    return found


def content_items(python: str = PYTHON) -> Items:
    """Return what goes to the content directory, from where this command itself lies."""
    source = content_root()
    items = read_tree(PACKAGE, PACKAGE.name)
    for name in PARTS:
        path = source / name
        if path.exists():
            items.update(read_tree(path, name))
    items.update({name: Item(link=target) for name, target in collection_links().items()})
    text = COMMAND_TEXT.format(python=python, content=CONTENT)
    items[COMMAND_FILE] = Item(text.encode(), executable=True)
    return items


def module_items(content: str = CONTENT) -> Items:
    """Return the two files of the mgr module's directory."""
    text = MODULE_TEXT.format(content=content)
    return {"__init__.py": Item(INIT_TEXT.encode()), "module.py": Item(text.encode())}


def facts(place: Place) -> Dict[str, Any]:
    """Return what the manifest keeps beside the files."""
    tag = ""
    if place.live:
        tag = run([PYTHON, "-I", "-c", "import sys; print(sys.implementation.cache_tag)"], 30.0)
    return {
        "version": __version__,
        "state_directory": place.state,
        "bytecode": tag.strip(),
        # What runs the playbooks: hosts are asked whether a manager still has it.
        "python": place.python,
        "needs": {name: package for name, _, _, package in NEEDED if name not in ONLY_COMMAND},
    }
