"""ansible-core and ansible-runner inside a package: an environment of Python that needs no pip.

Both are pure Python. What they need besides, Debian 12 has; so two wheels are unpacked beside a
``pyvenv.cfg``, and Python takes the directory for a virtual environment that also sees Debian's
packages. Wheels are held against the hashes in ``bundled.txt``.
"""

from __future__ import annotations

import configparser
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import List

from packages.stage import ROOT, write

HERE = Path(__file__).parent
WHEELS = ROOT / ".cache" / "wheels"
LIST = HERE / "bundled.txt"
# Releases of Python that the bundled ansible-core runs on.
PYTHONS = ("3.11", "3.12", "3.13")
SCRIPT = """\
#!{python} -IB
import sys

from {module} import {function}

sys.exit({function}())
"""


def bundle_of(package: str) -> str:
    """Return the directory of a package's environment."""
    return f"/usr/lib/{package}"


def bundled_python(package: str) -> str:
    """Return the interpreter of a package's environment."""
    return f"{bundle_of(package)}/bin/python3"


def add_bundle(root: Path, package: str) -> str:
    """Make the environment below ``root``; return the directory that is to be compiled."""
    base = root / bundle_of(package).lstrip("/")
    settings = "home = /usr/bin\ninclude-system-site-packages = true\n"
    write(base / "pyvenv.cfg", settings.encode())
    packages = base / "lib/python3/site-packages"
    for wheel in wheels():
        _unpack(wheel, packages)
        _programs(wheel, base / "bin", bundled_python(package))
    for release in PYTHONS:
        (base / f"lib/python{release}").symlink_to("python3")
    (base / "bin/python3").symlink_to("/usr/bin/python3")
    return f"{bundle_of(package)}/lib/python3/site-packages"


def wheels() -> List[Path]:
    """Return the wheels, which pip gets and checks where they are not here yet."""
    argv = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check"]
    argv += ["--no-deps", "--only-binary", ":all:", "--python-version", PYTHONS[0]]
    argv += ["--require-hashes", "-r", str(LIST), "-d", str(WHEELS), "--find-links", str(WHEELS)]
    WHEELS.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = (done.stderr.strip() or "no reason given").splitlines()[-1]
        sys.exit(f"The wheels of {LIST.name} cannot be had: {reason}")
    names = [line.split("==")[0] for line in LIST.read_text().splitlines() if "==" in line]
    versions = [
        line.split("==")[1].split()[0] for line in LIST.read_text().splitlines() if "==" in line
    ]
    found = []
    for name, version in zip(names, versions):
        (path,) = WHEELS.glob(f"{name.replace('-', '_')}-{version}-*.whl")
        found.append(path)
    return found


def _unpack(wheel: Path, packages: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for name in sorted(archive.namelist()):
            if not name.endswith("/") and ".data/" not in name:
                write(packages / name, archive.read(name))


def _programs(wheel: Path, directory: Path, python: str) -> None:
    """Make the programs that a wheel names, as pip would."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [each for each in archive.namelist() if each.endswith("/entry_points.txt")]
        table = configparser.ConfigParser()
        table.optionxform = str  # type: ignore[assignment,method-assign]
        table.read_string(archive.read(name).decode())
    for program, where in table["console_scripts"].items():
        module, function = where.strip().split(":")
        text = SCRIPT.format(python=python, module=module, function=function)
        write(directory / program, text.encode(), executable=True)
