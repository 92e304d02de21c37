"""Make packages of another version of Ceph out of packages that are there.

Every daemon, three libraries and the program `ceph` hold the version as a text. One of the same
length is put in its place, so that real programs with real maintainer scripts say that they are of
another version.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ceph_lab.run import run

CONTROL = "DEBIAN"
# A daemon compares the text in a plugin with a number that the compiler has put into its code: an
# OSD refuses plugins that have been changed.
PLUGINS = re.compile(r"/ceph/(erasure-code|extblkdev|compressor|crypto|denc)/|/rados-classes/")
ELF = b"\x7fELF"
FAILING = '#!/bin/sh\necho "this package of the lab is made to fail" >&2\nexit 1\n'


@dataclass(frozen=True)
class Version:
    """A version of Ceph (20.2.4), and the version of its packages (20.2.4+ds-2)."""

    ceph: str
    package: str


def repack(source: Path, target: Path, old: Version, new: Version) -> None:
    """Write a package of version `new`, made of one of version `old`, to a file.

    What it needs of other packages of Ceph has the new version as well. Raises LabError.
    """
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        root = _unpack(source, Path(scratch))
        control = root / CONTROL / "control"
        text = control.read_text(encoding="utf-8")
        control.write_text(text.replace(old.package, new.package), encoding="utf-8")
        changed = [path for path in sorted(root.rglob("*")) if _change(path, old.ceph, new.ceph)]
        _sum_again(root, changed)
        _pack(root, target)


def break_package(source: Path, target: Path) -> None:
    """Write a package whose post-install script fails, made of one whose does not, to a file."""
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        root = _unpack(source, Path(scratch))
        script = root / CONTROL / "postinst"
        script.write_text(FAILING, encoding="utf-8")
        script.chmod(0o755)
        _pack(root, target)


def _unpack(source: Path, scratch: Path) -> Path:
    root = scratch / "package"
    run(["dpkg-deb", "--raw-extract", str(source), str(root)])
    return root


def _pack(root: Path, target: Path) -> None:
    quick = ["-Zzstd", "-z1"]
    run(["dpkg-deb", "--root-owner-group", *quick, "--build", str(root), str(target)])


def _change(path: Path, old: str, new: str) -> bool:
    """Put the new version into a file in place; tell whether the old one was in it."""
    if path.is_symlink() or not path.is_file() or PLUGINS.search(str(path)):
        return False
    before = path.read_bytes()
    then, now = re.escape(old.encode()), new.encode()
    if before.startswith(ELF):
        after = re.sub(rb"(?<=\0)" + then + rb"(?=\0)", now, before)
    else:
        after = re.sub(rb'(?<=CEPH_GIT_NICE_VER = ")' + then + rb'(?=")', now, before)
    if after == before:
        return False
    path.write_bytes(after)
    return True


def _sum_again(root: Path, changed: list[Path]) -> None:
    """Correct the checksums of changed files, by which dpkg knows what it has installed."""
    sums = root / CONTROL / "md5sums"
    if not changed or not sums.exists():
        return
    by_name = {str(path.relative_to(root)): path for path in changed}
    lines = []
    for line in sums.read_text(encoding="utf-8").splitlines():
        name = line.partition("  ")[2]
        path = by_name.get(name)
        digest = hashlib.md5(path.read_bytes()).hexdigest() if path else line.partition("  ")[0]
        lines.append(f"{digest}  {name}\n")
    sums.write_text("".join(lines), encoding="utf-8")
