"""Read packages, and what repositories have of them, from dpkg and apt.

Sources: dpkg-query(1), apt-cache(8), apt_preferences(5) of Debian 12 to 14.
"""

from __future__ import annotations

import os
import re
from typing import Dict, List, Optional, Sequence, Tuple

from .command import last_line, run
from .installed_packages import Installed, newest
from .reading import Roots, list_dir

_TIMEOUT = 60.0
_SOURCE = "ceph"
_FORMAT = "${db:Status-Abbrev}\\t${Package}\\t${Version}\\t${source:Package}\\n"
# What dpkg has only begun, by the second letter of a package's status.
_HALFWAY = {"H": "half-installed", "U": "unpacked, not configured", "F": "half-configured"}
_DPKG_STATUS = "/var/lib/dpkg/status"
_VERSION = re.compile(r"^ (?:\*\*\*|   ) (\S+)(?: (-?\d+))?")
_ORIGIN = re.compile(r"^ {6,}(-?\d+) (\S+)")


def deciding(roots: Roots) -> List[str]:
    """Return the files and directories that decide what is installed and what is offered."""
    etc, lists = os.path.join(roots.etc, "apt"), os.path.join(roots.var, "lib/apt/lists")
    folders = ("sources.list.d", "preferences.d")
    files = [os.path.join(etc, folder, name) for folder in folders for name in _files(etc, folder)]
    names = ["sources.list", "preferences", *folders]
    status = os.path.join(roots.var, "lib/dpkg/status")
    return [status, lists, *(os.path.join(etc, name) for name in names), *files]


def _files(top: str, folder: str) -> List[str]:
    return list_dir(os.path.join(top, folder))


def read_installed() -> Installed:
    """Return the packages of Ceph that dpkg has."""
    answer = run(["dpkg-query", "-W", "-f", _FORMAT], _TIMEOUT)
    if answer.problem:
        return Installed(problem=f"{answer.problem}: {last_line(answer.err)}")
    return parse_installed(answer.out)


def parse_installed(text: str) -> Installed:
    """Read what ``dpkg-query`` prints: a line for each package with tabs between its fields."""
    found = Installed()
    for line in text.splitlines():
        fields = line.split("\t")
        if len(fields) != 4 or len(fields[0]) < 2 or fields[0][1] in "nc":
            continue
        status, name, version, source = fields
        if source == _SOURCE:
            found.versions[name] = version
            if status[0] == "h":
                found.held.append(name)
        if status[1] in _HALFWAY:
            found.unfinished[name] = _HALFWAY[status[1]]
        elif status[2:3] == "R":
            found.unfinished[name] = "to be installed again"
    return found


def read_held(roots: Roots, installed: Installed) -> List[str]:
    """Return the packages of Ceph that are on hold."""
    del roots
    return sorted(installed.held)


def read_offered(names: Sequence[str]) -> Tuple[Dict[str, List[str]], str]:
    """Return the versions of packages that repositories have, and why they are not known."""
    answer = run(["apt-cache", "policy", "--", *names], _TIMEOUT)
    if answer.problem:
        return {}, f"{answer.problem}: {last_line(answer.err)}"
    return parse_policy(answer.out), ""


def parse_policy(text: str) -> Dict[str, List[str]]:
    """Read what ``apt-cache policy`` prints; versions that a negative pin forbids are left out."""
    found: Dict[str, List[str]] = {}
    name = version = ""
    for line in text.splitlines():
        if line and not line.startswith(" "):
            name, version = line.rstrip(":"), ""
            found[name] = []
            continue
        entry, origin = _VERSION.match(line), _ORIGIN.match(line)
        if entry:
            version = entry.group(1) if int(entry.group(2) or 0) >= 0 else ""
        elif origin and version and origin.group(2) != _DPKG_STATUS:
            known = found.setdefault(name, [])
            known += [version] if version not in known else []
    return found


def lists_read(roots: Roots) -> Optional[int]:
    """Return when the lists were read last; None where they never were."""
    top = os.path.join(roots.var, "lib/apt/lists")
    if not any("_Packages" in name for name in list_dir(top)):
        return None
    return newest([top, os.path.join(top, "partial")])
