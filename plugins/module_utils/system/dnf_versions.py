"""Read packages, and what repositories have of them, from rpm and dnf.

Sources: rpm(8), dnf(8), dnf-versionlock(8) of dnf 4; ``repoquery`` is the same in dnf 5.
"""

from __future__ import annotations

import os
import re
from fnmatch import fnmatchcase
from functools import cmp_to_key
from itertools import zip_longest
from typing import Dict, List, Optional, Sequence, Tuple

from .command import last_line, run
from .installed_packages import Installed, newest
from .reading import Roots, list_dir, read_lines

_TIMEOUT = 60.0
_SOURCE = re.compile(r"ceph-\d")
_FORMAT = "%{NAME}\\t%{EPOCH}\\t%{VERSION}-%{RELEASE}\\t%{SOURCERPM}\\n"
_OFFERED = "%{name} %{epoch} %{version}-%{release}\\n"
_DATABASES = ("var/lib/rpm", "usr/lib/sysimage/rpm")
_CACHES = ("cache/dnf", "cache/libdnf5")
_LOCKS = "dnf/plugins/versionlock.list"
_PARTS = re.compile(r"[0-9]+|[A-Za-z]+|~|\^")


def deciding(roots: Roots) -> List[str]:
    """Return the files and directories that decide what is installed and what is offered."""
    root = os.path.dirname(roots.usr)
    databases = [os.path.join(root, each) for each in _DATABASES]
    repositories = os.path.join(roots.etc, "yum.repos.d")
    return [
        *(
            os.path.join(each, name)
            for each in databases
            for name in list_dir(each)
            if _counts(name)
        ),
        os.path.join(roots.etc, "dnf/dnf.conf"),
        os.path.join(roots.etc, _LOCKS),
        repositories,
        *(os.path.join(repositories, name) for name in list_dir(repositories)),
        *_repomds(roots),
    ]


def _counts(name: str) -> bool:
    """Tell whether a file of rpm's database changes with it; who only reads touches the others."""
    return not name.startswith(".") and not name.endswith("-shm")


def _repomds(roots: Roots) -> List[str]:
    tops = [os.path.join(roots.var, each) for each in _CACHES]
    folders = [os.path.join(top, name) for top in tops for name in list_dir(top)]
    return [os.path.join(each, "repodata/repomd.xml") for each in folders if os.path.isdir(each)]


def read_installed() -> Installed:
    """Return the packages of Ceph that rpm has."""
    answer = run(["rpm", "-qa", "--qf", _FORMAT], _TIMEOUT)
    if answer.problem:
        return Installed(problem=f"{answer.problem}: {last_line(answer.err)}")
    return parse_installed(answer.out)


def parse_installed(text: str) -> Installed:
    """Read what ``rpm -qa`` prints: a line for each package with tabs between its fields.

    A package with two versions is what a transaction that was cut leaves.
    """
    found: Dict[str, List[str]] = {}
    for line in text.splitlines():
        fields = line.split("\t")
        if len(fields) == 4 and _SOURCE.match(fields[3]):
            found.setdefault(fields[0], []).append(_version(fields[1], fields[2]))
    installed = Installed()
    for name, versions in found.items():
        versions.sort(key=cmp_to_key(compare), reverse=True)
        installed.versions[name] = versions[0]
        if len(versions) > 1:
            installed.unfinished[name] = f"installed as {' and as '.join(versions)}"
    return installed


def read_held(roots: Roots, installed: Installed) -> List[str]:
    """Return the packages of Ceph that dnf's plugin versionlock keeps as they are."""
    lines = read_lines(os.path.join(roots.etc, _LOCKS))
    return locked(lines, installed.versions)


def locked(lines: Sequence[str], versions: Dict[str, str]) -> List[str]:
    """Return the packages that lines of ``versionlock.list`` name: ``name-epoch:version.*``.

    One that begins with ``!`` forbids a version, and keeps nothing.
    """
    patterns = [line.strip() for line in lines]
    patterns = [each for each in patterns if each and each[0] not in "#!"]
    return sorted(
        name
        for name, version in versions.items()
        if any(fnmatchcase(f"{name}-{_with_epoch(version)}.any", _open(each)) for each in patterns)
    )


def _open(pattern: str) -> str:
    """Return a pattern that holds for each architecture."""
    return pattern if pattern.endswith("*") else pattern + "*"


def _with_epoch(version: str) -> str:
    return version if ":" in version else f"0:{version}"


def read_offered(names: Sequence[str]) -> Tuple[Dict[str, List[str]], str]:
    """Return the versions of packages that repositories have, and why they are not known."""
    argv = ["dnf", "-q", "-C", "repoquery", "--showduplicates", "--qf", _OFFERED, *names]
    answer = run(argv, _TIMEOUT)
    if answer.problem:
        return {}, f"{answer.problem}: {last_line(answer.err)}"
    return parse_offered(answer.out), ""


def parse_offered(text: str) -> Dict[str, List[str]]:
    """Read what ``dnf repoquery`` prints: name, epoch and version of each package it knows."""
    found: Dict[str, List[str]] = {}
    for line in text.splitlines():
        fields = line.split()
        if len(fields) == 3:
            version = _version(fields[1], fields[2])
            known = found.setdefault(fields[0], [])
            if version not in known:
                known.append(version)
    for versions in found.values():
        versions.sort(key=cmp_to_key(compare), reverse=True)
    return found


def lists_read(roots: Roots) -> Optional[int]:
    """Return when the repositories' metadata were read last; None where they never were."""
    return newest(_repomds(roots))


def _version(epoch: str, version: str) -> str:
    return version if epoch in ("(none)", "0", "") else f"{epoch}:{version}"


def compare(one: str, other: str) -> int:
    """Return less than, equal to or more than zero as rpm orders two versions."""
    for left, right in zip(_parted(one), _parted(other)):
        order = _ordered(_PARTS.findall(left), _PARTS.findall(right))
        if order:
            return order
    return 0


def _parted(version: str) -> Tuple[str, str, str]:
    """Return epoch, version and release."""
    epoch, _, rest = version.rpartition(":")
    number, _, release = rest.partition("-")
    return epoch or "0", number, release


def _ordered(one: Sequence[str], other: Sequence[str]) -> int:
    for left, right in zip_longest(one, other, fillvalue=""):
        if left != right:
            return 1 if _rank(left) > _rank(right) else -1
    return 0


def _rank(part: str) -> Tuple[int, int, str]:
    """Return where a part of a version stands: ``~`` before its end, ``^`` right behind it."""
    order = {"~": 0, "": 1, "^": 2}
    if part in order:
        return order[part], 0, ""
    return (4, int(part), "") if part.isdigit() else (3, 0, part)
