"""Say whether a host has this orchestrator backend as it was installed, so its manager can run it.

`orch-ansible mgr install` leaves a manifest in each of its two directories, which names every file
with its digest, or where a link leads; and which interpreter needs what to run playbooks.
"""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any, Dict, Iterable, List, Mapping, Optional

from ..system.command import find_program, run
from ..system.reading import clean, read_bytes

CONTENT = "share/ceph-orch-ansible"
MODULE = "share/ceph/mgr/ansible"
_MANIFEST = "installed.json"
# What ceph-mgr loads, where somebody has installed it without a manifest.
_NEEDED = {
    CONTENT: ("adapter/mgr/module.py", "ansible.cfg", "playbooks"),
    MODULE: ("__init__.py", "module.py"),
}
# An interpreter says which of the modules it cannot find; it imports none of them.
_ASK = """\
import importlib.util, sys
print(*[name for name in sys.argv[1:] if importlib.util.find_spec(name) is None])
"""
_ASK_TIMEOUT = 10.0
# A job needs a few hundred kB; with less than this the next ones do not fit.
_ROOM = 16 << 20
_FILE_LIMIT = 1 << 24
_MOST = 20000


def read_backend(usr: str) -> Optional[Dict[str, str]]:
    """Return the version of the installed backend and what it ``lacks``, or None without any.

    ``python`` is the interpreter that it was installed for, ``job_lacks`` what the host lacks to
    run a manager's jobs: modules of that interpreter, ssh, room in the state directory. ``usr`` is
    the directory /usr. Only a host that has a part of it spends time on this.
    """
    places = {name: os.path.join(usr, name) for name in (CONTENT, MODULE)}
    if not any(os.path.lexists(path) for path in places.values()):
        return None
    version = ""
    wrong = []
    python, state = "", ""
    needs: Dict[str, Any] = {}
    for name, path in places.items():
        manifest = _manifest(path)
        version = version or clean(manifest.get("version") or "", 64)
        wrong += _wrong(path, manifest, _NEEDED[name])
        python = python or clean(manifest.get("python") or "")
        state = state or clean(manifest.get("state_directory") or "")
        needs = needs or manifest.get("needs") or {}
    more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
    return {
        "version": version,
        "lacks": clean(wrong[0] + more) if wrong else "",
        "python": python,
        "job_lacks": _job_lacks(python, needs, _below(usr, state)) if python else "",
    }


def _below(usr: str, path: str) -> str:
    """Return a path of the host that has this directory /usr."""
    return os.path.join(os.path.dirname(usr), path.lstrip("/")) if path else ""


def _job_lacks(python: str, needs: Any, state: str) -> str:
    """Return what jobs need that is not there: modules and programs with their packages, and room.

    The state directory need not be there yet.
    """
    known = needs if isinstance(needs, dict) else {}
    packages = {str(name): clean(package) for name, package in known.items()}
    answer = run([python, "-I", "-c", _ASK, *sorted(packages)], _ASK_TIMEOUT)
    if answer.problem:
        return clean(answer.problem)
    missing = [f"{name} (package {packages.get(name, name)})" for name in answer.out.split()]
    if not find_program("ssh"):
        missing.append("ssh (package openssh-client)")
    lacks = [f"{python} lacks {', '.join(missing)}"] if missing else []
    if os.path.isdir(state):
        place = os.statvfs(state)
        if place.f_flag & os.ST_RDONLY:
            lacks.append(f"{state} is read-only")
        elif place.f_bavail * place.f_frsize < _ROOM:
            lacks.append(f"{state} has less than {_ROOM >> 20} MiB free")
    return clean("; ".join(lacks))


def _manifest(path: str) -> Dict[str, Any]:
    try:
        data = json.loads(read_bytes(os.path.join(path, _MANIFEST), _FILE_LIMIT).decode("utf-8"))
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def _wrong(path: str, manifest: Mapping[str, Any], needed: Iterable[str]) -> List[str]:
    """Return a text for each file that is not there, or not as it was installed."""
    if not os.path.isdir(path):
        return [f"{path} is not there"]
    files = manifest.get("files")
    marks = dict(list(files.items())[:_MOST]) if isinstance(files, dict) else {}
    names = sorted({*needed, *marks})
    found = ((name, os.path.join(path, name)) for name in names)
    return [
        f"{each} is not there" if not os.path.lexists(each) else f"{each} has been changed"
        for name, each in found
        if not os.path.lexists(each) or (name in marks and _mark(each) != marks[name])
    ]


def _mark(path: str) -> str:
    """Return what a manifest says of a file that is like this one."""
    if os.path.islink(path):
        return f"-> {os.readlink(path)}"
    return hashlib.sha256(read_bytes(path, _FILE_LIMIT)).hexdigest()
