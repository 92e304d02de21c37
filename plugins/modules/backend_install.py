#!/usr/bin/python
# Copyright: (c) The ceph-orch-ansible developers
# SPDX-License-Identifier: Apache-2.0

"""Install this orchestrator backend on a manager's host."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: backend_install
short_description: Install this orchestrator backend on a manager's host
description:
  - Sends the tree that the playbook belongs to and runs C(orch-ansible mgr install) from it, so
    that the host's manager can take over. An installed collection is not the whole tree; from
    there the tree of the Python package ceph-orch-ansible is sent, where that is installed for the
    Python that runs Ansible.
  - Nothing is sent where the host has the same tree already.
  - A host that lacks what the backend needs is refused with the words of that command.
  - With O(package) the package of this project is installed from a file instead.
notes:
  - A manager that runs is not restarted. It goes on with what it has loaded.
extends_documentation_fragment:
  - ceph_orch.ansible.attributes
attributes:
  diff_mode:
    details: Returns what the installation changes.
  action:
    description: Has a part that runs on the controller, which sends the tree.
    support: full
options:
  state_dir:
    description:
      - Where jobs, ssh files and reports of the manager go. Empty is where they go already, or
        C(/var/lib/ceph/orch-ansible).
    type: str
    default: ''
  python:
    description:
      - The interpreter that has ansible-core and ansible-runner, and runs the installation. Empty
        is the one that the backend is installed for already; else that of a virtual environment
        that root has at the same path as the one that runs Ansible on the controller; else
        C(/usr/bin/python3).
    type: str
    default: ''
  controller:
    description:
      - The interpreter that runs Ansible on the controller; filled in by the part on the
        controller.
    type: str
    default: ''
  package:
    description:
      - The file of the package on the controller, as C(make deb) or C(make rpm) made it, under the
        name that it has. It is installed where the host has another version or none; what it needs
        comes from the host's own sources.
    type: path
    default: ''
  digest:
    description:
      - What the tree is; filled in by the part on the controller.
    type: str
    default: ''
  archive:
    description:
      - Where the tree or the package is on the host; filled in by the part on the controller.
    type: str
    default: ''
author:
  - The ceph-orch-ansible developers (@ceph-orch-ansible)
"""

EXAMPLES = r"""
- name: Let the host's manager take over
  ceph_orch.ansible.backend_install:

- name: Let the host's manager take over, with the Debian package
  ceph_orch.ansible.backend_install:
    package: dist/ceph-mgr-ansible_0.1.0-1_all.deb
"""

RETURN = r"""
ceph_orch_result:
  description: What became of the backend.
  returned: always
  type: dict
  contains:
    backend:
      description:
        - C(state) (present, installed or would be installed) and C(changes), a line each.
      type: dict
      sample:
        state: installed
        changes: ['make /usr/share/ceph-orch-ansible (224 files)']
"""

import contextlib
import os
import tempfile
from typing import ContextManager, Iterator, List, NoReturn, Optional

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.host.backend_package import BackendPackage
from ..module_utils.host.backend_tree import CONTENT, digest_of, interpreter_of, unpack
from ..module_utils.system.command import last_line, run
from ..module_utils.system.host_lock import HostIsBusy, HostLock
from ..module_utils.system.mounts import remove_tree
from ..module_utils.system.package_manager import PackagesRefused
from ..module_utils.system.reading import Roots, clean

TIMEOUT = 400.0
# What the command says besides what it changes.
REMARKS = ("Nothing changed", "Nothing to change", "Next: ", "Set it in Ceph: ")


class InstallFailed(Exception):
    """Say why the backend cannot be installed."""


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "state_dir": {"type": "str", "default": ""},
            "python": {"type": "str", "default": ""},
            "controller": {"type": "str", "default": ""},
            "package": {"type": "path", "default": ""},
            "digest": {"type": "str", "default": ""},
            "archive": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    archive = module.params["archive"]
    if module.params["package"]:
        by_package(module, archive)
    if not archive and digest_of(CONTENT) != module.params["digest"]:
        # The part on the controller sends the tree, unless this is check mode.
        publish(module, ["make or change " + CONTENT], wants_archive=True)
    try:
        with nobody_else(module), tree(archive) as root:
            changes = install(module, root)
    except (InstallFailed, HostIsBusy) as error:
        module.fail_json(msg=str(error), ceph_orch_result={"backend": {"state": "failed"}})
    except OSError as error:
        module.fail_json(msg=f"{error.filename}: {error.strerror}.")
    publish(module, changes)


def by_package(module: AnsibleModule, path: str) -> NoReturn:
    """Install the package where the host has another version of it, or none."""
    try:
        package = BackendPackage(Roots(), os.path.basename(module.params["package"]))
        change = package.change
        if change and path and not module.check_mode:
            package.install(path, TIMEOUT)
    except (PackagesRefused, HostIsBusy, OSError) as error:
        module.fail_json(msg=str(error), ceph_orch_result={"backend": {"state": "failed"}})
    publish(module, [change] if change else [], wants_archive=bool(change and not path))


def publish(module: AnsibleModule, changes: List[str], **more: bool) -> NoReturn:
    """End with the changes as the result."""
    done = "would be installed" if module.check_mode else "installed"
    module.exit_json(
        changed=bool(changes),
        diff={"before": "", "after": "".join(f"{line}\n" for line in changes)},
        ceph_orch_result={"backend": {"state": done if changes else "present", "changes": changes}},
        **more,
    )


def nobody_else(module: AnsibleModule) -> ContextManager[Optional[HostLock]]:
    """Return the lock on the installation; nothing is locked in check mode."""
    return contextlib.nullcontext() if module.check_mode else HostLock(TIMEOUT, part="backends")


@contextlib.contextmanager
def tree(archive: str) -> Iterator[str]:
    """Give the directory of the tree to install from: the one that was sent, or the installed."""
    if not archive:
        yield CONTENT
        return
    directory = tempfile.mkdtemp(prefix="ceph-orch-backend-")
    try:
        unpack(archive, directory)
        yield directory
    finally:
        with contextlib.suppress(OSError):
            remove_tree(directory)


def install(module: AnsibleModule, root: str) -> List[str]:
    """Run the installation from a tree; return a line for each change."""
    named = module.params["python"]
    python = named or interpreter_of(CONTENT, module.params["controller"])
    argv = [python, "-B", "-m", "adapter.cli", "mgr", "install"]
    if module.params["state_dir"]:
        argv += ["--state-dir", module.params["state_dir"]]
    if named:
        argv += ["--python", named]
    if module.check_mode:
        argv.append("--check")
    answer = run(argv, TIMEOUT, {"PYTHONPATH": root})
    if answer.problem:
        reason = clean(last_line(answer.err), 400) or answer.problem
        raise InstallFailed(f"The backend cannot be installed: {reason}")
    lines = [clean(line) for line in answer.out.splitlines() if line.strip()]
    return [line for line in lines if not line.startswith(REMARKS)]


if __name__ == "__main__":
    main()
