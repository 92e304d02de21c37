# Copyright: (c) The ceph-orch-ansible developers
# SPDX-License-Identifier: Apache-2.0

"""Send the tree that this playbook belongs to, where a host has another one or none.

A playbook of an installed collection sends that of the Python package: it belongs to none.
"""

from __future__ import annotations

import hashlib
import io
import os
import sys
import tarfile
import tempfile
from typing import Any, Dict, List

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ..plugin_utils.artifacts import with_artifacts
from ..plugin_utils.backend_source import PACKAGE, backend_source

# What an installed tree is made of; the package may lie elsewhere, where pip has put it.
PARTS = ("ansible.cfg", "galaxy.yml", "inventory", "meta", "playbooks", "plugins", "roles")
_LEFT_OUT = (".pyc", ".swp")


class ActionModule(ActionBase):
    """Ask the module whether the host has the tree; send it when it has not."""

    TRANSFERS_FILES = True

    def run(self, tmp: Any = None, task_vars: Any = None) -> Dict[str, Any]:
        """Run the module once or twice."""
        super().run(tmp, task_vars)
        package = self._task.args.get("package")
        if package:
            return self._by_package(str(package), task_vars)
        files = _files()
        known = {"digest": _digest(files), "controller": sys.executable, "archive": ""}
        arguments = {**self._task.args, **known}
        result = self._ask(arguments, task_vars)
        if not result.pop("wants_archive", False) or self._task.check_mode:
            return result
        arguments["archive"] = self._send(files)
        return self._ask(arguments, task_vars)

    def _by_package(self, package: str, task_vars: Any) -> Dict[str, Any]:
        """Send the package's file where the host has another version."""
        path = os.path.abspath(os.path.expanduser(package))
        if not os.path.isfile(path):
            raise AnsibleActionFail(f"There is no package {path} on the controller.")
        arguments = {**self._task.args, "package": os.path.basename(path), "archive": ""}
        result = self._ask(arguments, task_vars)
        if not result.pop("wants_archive", False) or self._task.check_mode:
            return result
        remote = self._remote(os.path.basename(path))
        self._transfer_file(path, remote)
        self._fixup_perms2((self._connection._shell.tmpdir, remote))
        return self._ask({**arguments, "archive": remote}, task_vars)

    def _remote(self, name: str) -> str:
        """Return a name in the task's directory on the host, which is made."""
        if not self._connection._shell.tmpdir:
            self._make_tmp_path()
        return str(self._connection._shell.join_path(self._connection._shell.tmpdir, name))

    def _ask(self, arguments: Dict[str, Any], task_vars: Any) -> Dict[str, Any]:
        result = self._execute_module(
            module_name="ceph_orch.ansible.backend_install",
            module_args=arguments,
            task_vars=task_vars,
        )
        return with_artifacts(result, task_vars)

    def _send(self, files: Dict[str, bytes]) -> str:
        """Put the tree as one file into the task's directory on the host."""
        remote = self._remote("tree.tar.gz")
        with tempfile.NamedTemporaryFile(suffix=".tar.gz") as local:
            local.write(_packed(files))
            local.flush()
            self._transfer_file(local.name, remote)
        self._fixup_perms2((self._connection._shell.tmpdir, remote))
        return remote


def _files() -> Dict[str, bytes]:
    """Return the contents of all files by their names in the tree."""
    content, package = backend_source()
    if not content:
        raise AnsibleActionFail(
            f"This collection was installed without the package {PACKAGE}, which managers' hosts "
            "need: install the Python package ceph-orch-ansible for the Python that runs Ansible."
        )
    places = {name: os.path.join(content, name) for name in PARTS}
    places[PACKAGE] = package
    found: Dict[str, bytes] = {}
    for name, path in sorted(places.items()):
        for inner in _walk(path):
            with open(os.path.join(path, inner) if inner else path, "rb") as stream:
                found[f"{name}/{inner}" if inner else name] = stream.read()
    return found


def _walk(path: str) -> List[str]:
    """Return the names of the files below a directory, an empty one for a file itself."""
    if not os.path.isdir(path):
        return [""] if os.path.exists(path) else []
    names = []
    for top, folders, files in os.walk(path):
        folders[:] = sorted(name for name in folders if _belongs(name))
        below = os.path.relpath(top, path)
        prefix = "" if below == "." else below + "/"
        names += [prefix + name for name in sorted(files) if _belongs(name)]
    return names


def _belongs(name: str) -> bool:
    return not name.startswith(".") and name != "__pycache__" and not name.endswith(_LEFT_OUT)


def _digest(files: Dict[str, bytes]) -> str:
    """Return a text that is another one when any file is; the module computes the same."""
    total = hashlib.sha256()
    for name, content in sorted(files.items()):
        total.update(f"{name}\0{hashlib.sha256(content).hexdigest()}\n".encode())
    return total.hexdigest()


def _packed(files: Dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=3) as archive:
        for name, content in sorted(files.items()):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            member.mode = 0o644
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()
