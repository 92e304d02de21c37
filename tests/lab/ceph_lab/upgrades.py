"""Offer later versions of Ceph to hosts, also ones that cannot be installed."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ceph_lab import access, archive, repack, settings
from ceph_lab.errors import LabError
from ceph_lab.files import published, remove_tree
from ceph_lab.locks import held
from ceph_lab.model import Host, Lab
from ceph_lab.repack import Version
from ceph_lab.report import say, step

# Where a host finds the repositories of this module; it is told of them by `lab offer` alone.
PLACE = "/var/lib/lab-upgrades"
SOURCES = "/etc/apt/sources.list.d/lab-upgrade.list"
NONE = "none"
RELEASE = re.compile("[a-z]+")
# Nothing on standard input removes the file.
WRITE = 'cat > "$0.new"; if [ -s "$0.new" ]; then mv "$0.new" "$0"; else rm -f "$0" "$0.new"; fi'


@dataclass(frozen=True)
class Offer:
    """A version of Ceph: with packages whose installation fails, and without some packages.

    `version` may be the name of a Debian release instead: all that its repository has.
    """

    version: str
    broken: Sequence[str] = ()
    without: Sequence[str] = ()


def directory() -> Path:
    """Return the directory of these repositories on the machine; every host has it."""
    return settings.cache_directory() / "upgrades"


def offer(lab: Lab, offers: Sequence[Offer], hosts: Sequence[Host]) -> None:
    """Let hosts have these versions, and no other of this module; without any none.

    The hosts' package lists are not read anew. Raises LabError.
    """
    lines = ""
    for each in offers:
        path = ensure(Path(lab.repository), each)
        lines += f"deb [trusted=yes] file:{PLACE}/{path.name} {archive.SUITE} main\n"
    for host in hosts:
        access.remote(lab, host, ["sh", "-euc", WRITE, SOURCES], stdin=lines)
        offered = ", ".join(each.version for each in offers) or "no later version"
        say(f"{host.name} is offered {offered}")


def ensure(repository: Path, wanted: Offer) -> Path:
    """Return the repository of an offer, made first if it is not cached.

    `repository` has the packages that a version is made of. Raises LabError.
    """
    if RELEASE.fullmatch(wanted.version):
        with held("images"):
            repository = archive.ensure_repository(wanted.version, settings.default_mirror())
        whole = directory() / f"{repository.name}-whole"
    else:
        whole = directory() / f"{repository.name}-{_digest()}-{wanted.version}"
    words = [f"-broken-{name}" for name in wanted.broken]
    words += [f"-without-{name}" for name in wanted.without]
    target = whole.with_name(whole.name + "".join(words))
    with held("upgrades"):
        if not whole.is_dir() and RELEASE.fullmatch(wanted.version):
            with published(whole) as building:
                archive.fill(building, sorted((repository / "pool").iterdir()))
        elif not whole.is_dir():
            with step(f"packages of {wanted.version}, made of those of {repository.name}"):
                _make(repository, whole, wanted.version)
        if not target.is_dir():
            _vary(whole, target, wanted)
    return target


def _make(repository: Path, target: Path, version: str) -> None:
    pool = repository / "pool"
    old = _version_in(pool)
    new = Version(version, f"{version}+ds-1lab1")
    if not re.fullmatch(r"\d+\.\d+\.\d+", version) or len(version) != len(old.ceph):
        raise LabError(
            f"version {version!r} cannot be made: the packages are of {old.ceph}, and the text of "
            "another version must be as long as that"
        )
    if version == old.ceph:
        raise LabError(f"version {version} is the one that the hosts have; name another")
    sources = sorted(pool.glob(f"*_{old.package}_*.deb"))
    with published(target) as building:
        made = building / "made"
        made.mkdir()

        def make(source: Path) -> Path:
            file = made / source.name.replace(f"_{old.package}_", f"_{new.package}_")
            repack.repack(source, file, old, new)
            return file

        with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as workers:
            files = list(workers.map(make, sources))
        archive.fill(building, files)
        remove_tree(made)


def _vary(whole: Path, target: Path, wanted: Offer) -> None:
    """Make a repository that lacks packages, or has some that fail."""
    files = {file.name.split("_", 1)[0]: file for file in sorted((whole / "pool").iterdir())}
    unknown = sorted({*wanted.broken, *wanted.without} - files.keys())
    if unknown:
        raise LabError(f"Ceph has no package {', '.join(unknown)}; it has {', '.join(files)}")
    with published(target) as building:
        made = building / "made"
        made.mkdir()
        for name in wanted.broken:
            repack.break_package(files[name], made / files[name].name)
            files[name] = made / files[name].name
        archive.fill(building, [file for name, file in files.items() if name not in wanted.without])
        remove_tree(made)


def _version_in(pool: Path) -> Version:
    """Return the version of Ceph that a pool of packages has."""
    for file in pool.glob("ceph-common_*.deb"):
        package = file.name.split("_")[1]
        found = re.match(r"\d+\.\d+\.\d+", package)
        if found:
            return Version(found.group(), package)
    raise LabError(f"{pool} has no package ceph-common")


def _digest() -> str:
    """Return a text that changes with the way in which packages are made."""
    return hashlib.sha256(Path(repack.__file__).read_bytes()).hexdigest()[:6]
