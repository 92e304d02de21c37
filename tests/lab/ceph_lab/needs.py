"""Install what the lab needs on the machine itself."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from ceph_lab.errors import CommandError, LabError
from ceph_lab.locks import held
from ceph_lab.report import step
from ceph_lab.run import run

# Package and one file or command that shows it is there.
TOOLS = {
    "debootstrap": "debootstrap",
    "systemd-container": "systemd-nspawn",
    "udev": "udevadm",
    "iproute2": "ip",
    "openssh-client": "ssh",
    "apt-utils": "apt-ftparchive",
    "mount": "losetup",
    "util-linux": "unshare",
}
SBIN = "/usr/local/sbin:/usr/sbin:/sbin"


def require_root() -> None:
    """Raise LabError unless the caller is root."""
    if os.geteuid() != 0:
        raise LabError("the lab mounts, makes bridges and starts hosts: run it as root")


def complete_path() -> None:
    """Make administrators' commands found, whatever PATH the caller came with."""
    os.environ["PATH"] = os.environ.get("PATH", "/usr/bin:/bin") + ":" + SBIN


def ensure_tools() -> None:
    """Install the packages that are missing, with one apt-get update if needed.

    Raises CommandError with apt's words when a package cannot be had.
    """
    with held("apt"):
        missing = missing_packages()
        if not missing:
            return
        with step("installing on this machine: " + " ".join(missing)):
            env = {"DEBIAN_FRONTEND": "noninteractive"}
            install = ["apt-get", "install", "-y", "--no-install-recommends", *missing]
            try:
                run(install, env=env)
            except CommandError:
                # No package lists yet, or older ones than the mirror's.
                run(["apt-get", "update"], env=env)
                run(install, env=env)


def missing_packages() -> list[str]:
    """Return the packages whose command is not on this machine."""
    return [package for package, tool in TOOLS.items() if not shutil.which(tool)]


def debootstrap_script(release: str) -> Path:
    """Return debootstrap's script for a release; one it does not know gets sid's."""
    scripts = Path("/usr/share/debootstrap/scripts")
    own = scripts / release
    return own if own.exists() else scripts / "sid"
