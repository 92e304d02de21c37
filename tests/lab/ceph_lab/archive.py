"""Download packages once and offer them to hosts as a repository of their own."""

from __future__ import annotations

import gzip
import json
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from ceph_lab import packages, settings
from ceph_lab.errors import CommandError, LabError
from ceph_lab.files import published
from ceph_lab.private_apt import PrivateApt
from ceph_lab.report import say, step
from ceph_lab.run import run

# The name of the distribution inside the repository, whatever suite filled it.
SUITE = "lab"
ABOUT = "about.json"


def ensure_repository(release: str, mirror: str) -> Path:
    """Return the package repository of a release, made first if it is not cached.

    The caller holds the image lock. Raises LabError when no mirror is known, or no suite of the
    release has a complete set of packages.
    """
    target = repository_path(release)
    if not target.is_dir():
        if not mirror:
            raise LabError(
                f"no Debian mirror is known for the packages of {release}: /etc/apt names none; "
                "name one with --mirror or LAB_MIRROR"
            )
        with step(f"packages of {release} from {mirror}"):
            _make_repository(target, release, mirror)
    return target


def repository_path(release: str) -> Path:
    """Return the directory where a release's package repository is or will be."""
    return settings.cache_directory() / "repositories" / packages.repository_key(release)


def suite_used(repository: Path) -> str:
    """Return the suite from which a repository's packages came."""
    about = json.loads((repository / ABOUT).read_text(encoding="utf-8"))
    return str(about["suite"])


def _make_repository(target: Path, release: str, mirror: str) -> None:
    failures = []
    for suite in packages.suites(release):
        try:
            files = _download(suite, mirror)
        except CommandError as error:
            failures.append(f"{suite}: {error}")
            say(f"suite {suite} cannot be used: {error}")
            continue
        say(f"{len(files)} packages from suite {suite}")
        with published(target) as directory:
            fill(directory, files)
            about = {"release": release, "suite": suite, "mirror": mirror}
            (directory / ABOUT).write_text(json.dumps(about) + "\n", encoding="utf-8")
        return
    raise LabError(
        f"no complete set of packages for {release}: {'; '.join(failures)}; "
        "is the mirror reachable? name another with --mirror or LAB_MIRROR"
    )


def _download(suite: str, mirror: str) -> list[Path]:
    apt = PrivateApt(suite, mirror)
    apt.update()
    names = _available(apt, packages.FULL + packages.BARE)
    files = set(apt.download([*apt.base_packages(), *names]))
    files.update(_download_more(apt, _available(apt, packages.REPOSITORY_ONLY)))
    return sorted(files)


def _download_more(apt: PrivateApt, names: list[str]) -> set[Path]:
    """Download what no image needs, leaving out packages that cannot be had."""
    try:
        return set(apt.download(names))
    except CommandError:
        files: set[Path] = set()
    for name in names:
        try:
            files.update(apt.download([name]))
        except CommandError as error:
            say(f"left out of the hosts' repository: {name}: {error}")
    return files


def _available(apt: PrivateApt, names: Iterable[str]) -> list[str]:
    """Leave out what the suite does not have; raise LabError if the lab needs it."""
    known = apt.known_packages()
    missing = [name for name in names if name not in known]
    needed = [name for name in missing if name in packages.INDISPENSABLE]
    if needed:
        raise LabError(f"suite {apt.suite} of {apt.mirror} has no package {', '.join(needed)}")
    if missing:
        say(f"suite {apt.suite} does not have, left out: {', '.join(missing)}")
    return [name for name in names if name in known]


def fill(directory: Path, files: Iterable[Path]) -> None:
    """Make an apt repository of package files, by hard links where possible."""
    pool = directory / "pool"
    pool.mkdir()
    for file in files:
        _link(file, pool / _plain_name(file.name))
    index = f"dists/{SUITE}/main/binary-{architecture()}"
    (directory / index).mkdir(parents=True)
    # Paths in the index are relative to the repository, so it is made from there.
    text = run(["sh", "-c", 'cd "$0" && exec apt-ftparchive packages pool', str(directory)])
    (directory / index / "Packages").write_text(text, encoding="utf-8")
    (directory / index / "Packages.gz").write_bytes(gzip.compress(text.encode(), 1))
    options = {
        "Suite": SUITE,
        "Codename": SUITE,
        "Components": "main",
        "Architectures": architecture(),
    }
    flags = [f"-oAPT::FTPArchive::Release::{key}={value}" for key, value in options.items()]
    dist = directory / "dists" / SUITE
    release = run(["apt-ftparchive", *flags, "release", str(dist)])
    (dist / "Release").write_text(release, encoding="utf-8")


def _plain_name(name: str) -> str:
    """Return a package's file name without its epoch, as Debian's pool has it."""
    package, version, rest = name.split("_", 2)
    return "_".join([package, version.split("%3a", 1)[-1], rest])


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def architecture() -> str:
    """Return the machine's Debian architecture."""
    return run(["dpkg", "--print-architecture"]).strip()
