# Copyright: (c) The ceph-orch-ansible developers
# SPDX-License-Identifier: Apache-2.0

"""Make the invoker: one file with our modules, what they share, and Ansible's module_utils.

``python invoker.py FILE`` writes it, for whoever wants to read it before it is installed.
"""

from __future__ import annotations

import importlib.util
import io
import json
import os
import sys
import zipfile
from typing import Any, Dict, Iterator, List, Tuple

import yaml

# Where it is on hosts.
INVOKER = "/usr/local/libexec/ceph-orch-invoker"
PYTHON = "/usr/bin/python3"
HERE = os.path.realpath(os.path.join(os.path.realpath(__file__), "../../.."))
# What the package of our plugins is called in the file.
_OURS = "ceph_orch"
# Nothing of these is for a host that is worked on through the invoker.
_LEFT_OUT = ("backend_install.py", "daemon_upgrade.py", "invoker_install.py")
_MAIN = '''\
"""The invoker; docs/invoker.md says what it is."""

from __future__ import annotations

import sys

from ceph_orch.module_utils.invoker.entry import main

ABOUT = {about}
main(sys.path[0], ABOUT)
'''
_EPOCH = (1980, 1, 1, 0, 0, 0)


def version_of(here: str = HERE) -> str:
    """Return the version of the tree or collection that this file belongs to."""
    try:
        with open(os.path.join(here, "galaxy.yml"), encoding="utf-8") as stream:
            return str(yaml.safe_load(stream)["version"])
    except FileNotFoundError:
        # An installed collection has this in its place.
        with open(os.path.join(here, "MANIFEST.json"), encoding="utf-8") as stream:
            return str(json.load(stream)["collection_info"]["version"])


def build(python: str = PYTHON, here: str = HERE) -> bytes:
    """Return the file, the same for the same sources; ``python`` is what runs it on hosts.

    Isolated and without ``site``: it imports nothing but itself and the standard library.
    """
    core, ansible_version = _ansible()
    about = {"version": version_of(here), "ansible_core": ansible_version}
    files: Dict[str, bytes] = {
        "__main__.py": _MAIN.format(about=json.dumps(about)).encode(),
        "ansible/__init__.py": f"__version__ = {ansible_version!r}\n".encode(),
    }
    for name, content in _sources(os.path.join(core, "module_utils")):
        files[f"ansible/module_utils/{name}"] = content
    for part in ("module_utils", "modules"):
        for name, content in _sources(os.path.join(here, "plugins", part)):
            files[f"{_OURS}/{part}/{name}"] = content
    for name in [name for name in files if name.rpartition("/")[2] in _LEFT_OUT]:
        del files[name]
    for package in _packages(files):
        files.setdefault(f"{package}/__init__.py", b"")
    return f"#!{python} -IS\n".encode() + _zipped(files)


def _ansible() -> Tuple[str, str]:
    """Return the directory and the version of the Ansible that is installed for this Python."""
    spec = importlib.util.find_spec("ansible.release")
    if spec is None or not spec.origin:
        raise ImportError(f"there is no ansible-core for {sys.executable}")
    return os.path.dirname(spec.origin), str(importlib.import_module("ansible.release").__version__)


def _sources(top: str) -> Iterator[Tuple[str, bytes]]:
    """Yield the names and contents of Python's files below a directory."""
    for folder, folders, names in os.walk(top):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        for name in sorted(names):
            if name.endswith(".py"):
                path = os.path.join(folder, name)
                with open(path, "rb") as stream:
                    yield os.path.relpath(path, top), stream.read()


def _packages(files: Dict[str, Any]) -> List[str]:
    found = set()
    for name in files:
        parts = name.split("/")[:-1]
        found.update("/".join(parts[:end]) for end in range(1, len(parts) + 1))
    return sorted(found)


def _zipped(files: Dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    # Not compressed: how that comes out differs between machines, and who reads it can search it.
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in sorted(files.items()):
            member = zipfile.ZipInfo(name, _EPOCH)
            member.external_attr = 0o600 << 16
            archive.writestr(member, content)
    return buffer.getvalue()


if __name__ == "__main__":
    with open(sys.argv[1], "xb", opener=lambda path, flags: os.open(path, flags, 0o600)) as _stream:
        _stream.write(build(*sys.argv[2:3]))
