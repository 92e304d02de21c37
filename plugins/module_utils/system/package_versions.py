"""Say which of Ceph's packages a host has, and which versions of them its repositories offer."""

from __future__ import annotations

import os
from typing import Any, Dict, List, Mapping, Optional, Union

from . import apt_versions, dnf_versions
from .distribution import DEBIAN, REDHAT, family_of
from .json_cache import JsonCache
from .reading import Roots, clean

_FAMILIES = {DEBIAN: apt_versions, REDHAT: dnf_versions}
_MOST_VERSIONS = 20


def read_package_versions(roots: Roots, kept: JsonCache) -> Dict[str, Any]:
    """Return the packages of Ceph on a host, and what its repositories have of them.

    ``installed`` has the version of each package, ``offered`` the versions that a repository has,
    the newest first. ``held`` are packages that the host's administrator keeps as they are,
    ``unfinished`` those that the package manager has left halfway, with their state, Ceph's or not.
    ``lists_read`` is when the repositories' lists were read (epoch seconds). ``problem`` says why
    something is not known. The lists are those that the host has: nothing is fetched.

    ``kept`` remembers the answer for as long as packages, lists and sources are unchanged.
    """
    family = family_of(roots)
    manager = _FAMILIES.get(family)
    if manager is None:
        return _answer(problem="packages of this distribution (/etc/os-release) are not known")
    mark = [family, *(_mark(path) for path in manager.deciding(roots))]
    known = kept.load(mark)
    if isinstance(known, dict):
        return dict(known)
    found = _read(manager, roots)
    if not found["problem"]:
        kept.save(mark, found)
    return found


def _read(manager: Any, roots: Roots) -> Dict[str, Any]:
    installed = manager.read_installed()
    if installed.problem:
        return _answer(problem=installed.problem)
    offered: Mapping[str, List[str]] = {}
    problem = ""
    if installed.versions:
        offered, problem = manager.read_offered(sorted(installed.versions))
    return _answer(
        installed.versions,
        {name: list(found)[:_MOST_VERSIONS] for name, found in offered.items()},
        manager.read_held(roots, installed),
        installed.unfinished,
        manager.lists_read(roots),
        problem,
    )


def _answer(
    installed: Optional[Mapping[str, str]] = None,
    offered: Optional[Mapping[str, List[str]]] = None,
    held: Optional[List[str]] = None,
    unfinished: Optional[Mapping[str, str]] = None,
    lists_read: Optional[int] = None,
    problem: str = "",
) -> Dict[str, Any]:
    return {
        "installed": {clean(name): clean(each) for name, each in (installed or {}).items()},
        "offered": {
            clean(name): [clean(each) for each in found] for name, found in (offered or {}).items()
        },
        "held": [clean(name) for name in held or []],
        "unfinished": {clean(name): clean(each) for name, each in (unfinished or {}).items()},
        "lists_read": lists_read,
        "problem": clean(problem, 500),
    }


def _mark(path: str) -> List[Union[str, int]]:
    """Return what changes when a file or directory does."""
    try:
        state = os.stat(path)
    except OSError:
        return [path]
    return [path, state.st_ino, state.st_size, state.st_mtime_ns]
