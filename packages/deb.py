"""Build the Debian packages: ``python3 -m packages.deb [--bundled] [--to DIR] [--revision N]``.

``ceph-mgr-ansible`` takes ansible-core and ansible-runner from Debian (13 and newer);
``ceph-mgr-ansible-bundled`` has them inside, for Debian 12, whose own are too old. dpkg-deb is all
that this needs; for the second one also pip, which gets two wheels, whose hashes are known here.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import format_datetime
from pathlib import Path
from typing import Dict, List, Tuple

from adapter.installed import PYTHON
from packages.bundle import add_bundle, bundled_python
from packages.stage import (
    DESCRIPTION,
    ROOT,
    SUMMARY,
    VERSION,
    epoch,
    filled,
    set_times,
    stage,
    write,
)

HERE = Path(__file__).parent / "deb"
NAME = "ceph-mgr-ansible"
MAINTAINER = "The ceph-orch-ansible developers <ceph-orch-ansible@example.org>"
SCRIPTS = ("preinst", "postinst", "prerm", "postrm")
COMMON = ("ceph-mgr", "ceph-mgr-modules-core", "openssh-client", "python3-yaml")
COMMON += ("python3-click (>= 8.1)",)


@dataclass(frozen=True)
class Variant:
    """One of the packages: its name, the interpreter, and what it needs of Debian."""

    name: str
    python: str
    depends: Tuple[str, ...]
    more: str
    relations: Tuple[str, ...] = ()

    @property
    def is_bundled(self) -> bool:
        """Tell whether ansible-core and ansible-runner are inside."""
        return self.python != PYTHON


PLAIN = Variant(
    NAME,
    PYTHON,
    (*COMMON, "python3:any", "ansible-core (>= 2.17)", "python3-ansible-runner (>= 2.4)"),
    "This package takes ansible-core and ansible-runner from Debian.",
)
BUNDLED = Variant(
    f"{NAME}-bundled",
    bundled_python(f"{NAME}-bundled"),
    (
        *COMMON,
        *("python3:any (>= 3.11)", "python3:any (<< 3.14)", "python3-jinja2 (>= 3.1)"),
        *("python3-cryptography", "python3-packaging", "python3-resolvelib (>= 0.8)"),
        *("python3-pexpect", "python3-daemon"),
    ),
    "This package has ansible-core and ansible-runner inside, for releases whose own are too old.",
    (f"Provides: {NAME} (= @VERSION@)", f"Conflicts: {NAME}", f"Replaces: {NAME}"),
)


def build(variant: Variant, target: Path, revision: str = "1") -> Path:
    """Build a package into a directory; return its file."""
    version = f"{VERSION}-{revision}"
    when = epoch()
    target.mkdir(parents=True, exist_ok=True)
    result = target / f"{variant.name}_{version}_all.deb"
    with tempfile.TemporaryDirectory(prefix="deb-") as scratch:
        root = Path(scratch) / "root"
        root.mkdir(mode=0o755)
        root.chmod(0o755)
        stage(root, package=variant.name, manager="apt", python=variant.python)
        values = {
            "NAME": variant.name,
            "VERSION": version,
            "MAINTAINER": MAINTAINER,
            "DATE": format_datetime(datetime.fromtimestamp(when, timezone.utc)),
        }
        _documents(root, variant, values)
        places = ["/usr/share/ceph-orch-ansible", "/usr/share/ceph/mgr/ansible"]
        if variant.is_bundled:
            places.append(add_bundle(root, variant.name))
        values["PLACES"] = " ".join(places)
        _control(root, variant, values)
        set_times(root, when)
        argv = ["dpkg-deb", "--root-owner-group", "-Zxz", "--build", str(root), str(result)]
        environment = {**os.environ, "SOURCE_DATE_EPOCH": str(when)}
        subprocess.run(argv, check=True, env=environment, stdout=subprocess.DEVNULL)
    return result


def _documents(root: Path, variant: Variant, values: Dict[str, str]) -> None:
    """Write what Debian wants beside a package's own documents."""
    directory = root / "usr/share/doc" / variant.name
    entry = filled((HERE / "changelog").read_text(encoding="utf-8"), values)
    changes = (ROOT / "CHANGELOG.md").read_bytes()
    for name, data in (("changelog.Debian.gz", entry.encode()), ("changelog.gz", changes)):
        write(directory / name, gzip.compress(data, 9, mtime=0))
    overrides = filled((HERE / "lintian-overrides").read_text(encoding="utf-8"), values)
    write(root / "usr/share/lintian/overrides" / variant.name, overrides.encode())
    text = (HERE / "copyright").read_text(encoding="utf-8")
    if variant.is_bundled:
        text += (HERE / "copyright.bundled").read_text(encoding="utf-8")
    write(directory / "copyright", text.encode())


def _control(root: Path, variant: Variant, values: Dict[str, str]) -> None:
    """Write the package's control files."""
    control = root / "DEBIAN"
    files = sorted(path for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    size = sum(-(-path.stat().st_size // 1024) for path in files)
    lines: List[str] = [
        f"Package: {variant.name}",
        f"Version: {values['VERSION']}",
        "Architecture: all",
        f"Maintainer: {MAINTAINER}",
        f"Installed-Size: {size}",
        f"Depends: {', '.join(variant.depends)}",
        "Recommends: ceph-common",
        *(filled(line, values) for line in variant.relations),
        "Section: admin",
        "Priority: optional",
        f"Description: {SUMMARY}",
        *(f" {line}" for line in (*DESCRIPTION.splitlines(), ".", variant.more)),
    ]
    write(control / "control", "".join(f"{line}\n" for line in lines).encode())
    sums = "".join(
        f"{hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()}  "
        f"{path.relative_to(root)}\n"
        for path in files
    )
    write(control / "md5sums", sums.encode())
    for name in SCRIPTS:
        text = filled((HERE / name).read_text(encoding="utf-8"), values)
        write(control / name, text.encode(), executable=True)


def main() -> None:
    """Build the package, and say where it is."""
    parser = argparse.ArgumentParser(prog="python3 -m packages.deb")
    parser.add_argument("--bundled", action="store_true", help="the one for Debian 12")
    parser.add_argument("--to", type=Path, default=ROOT / "dist", help="where the file goes")
    parser.add_argument("--revision", default="1", help="Debian's revision of this version")
    given = parser.parse_args()
    if not shutil.which("dpkg-deb"):
        sys.exit("There is no dpkg-deb here: install the package dpkg.")
    sys.stdout.write(f"{build(BUNDLED if given.bundled else PLAIN, given.to, given.revision)}\n")


if __name__ == "__main__":
    main()
