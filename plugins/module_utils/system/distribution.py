"""Know the family of a host's distribution, and which package has a program that is missing."""

from __future__ import annotations

import os
from typing import Dict, Mapping, Union

from .reading import Roots, read_assignments

DEBIAN, REDHAT = "Debian", "RedHat"
_FAMILIES = {"debian": DEBIAN, "ubuntu": DEBIAN, "rhel": REDHAT, "fedora": REDHAT}
# One name is that of both families. Debian's file lists and Ceph's own ceph.spec.in
# (https://github.com/ceph/ceph/blob/main/ceph.spec.in) say it.
_PACKAGES: Mapping[str, Union[str, Mapping[str, str]]] = {
    "blkid": "util-linux",
    "ceph": "ceph-common",
    "ceph-authtool": "ceph-common",
    "ceph-mon": "ceph-mon",
    "ceph-osd": "ceph-osd",
    "ceph-volume": "ceph-volume",
    "ganesha-rados-grace": "nfs-ganesha-rados-grace",
    "ganesha.nfsd": "nfs-ganesha",
    "haproxy": "haproxy",
    "journalctl": "systemd",
    "libcephfsd": "libcephfs-daemon",
    "ledctl": "ledmon",
    "monmaptool": "ceph-base",
    "openssl": "openssl",
    "podman": "podman",
    "pvs": "lvm2",
    "smbcontrol": {DEBIAN: "samba-common-bin", REDHAT: "samba-common-tools"},
    "smbd": "samba",
    "ssh": {DEBIAN: "openssh-client", REDHAT: "openssh-clients"},
    "sudo": "sudo",
    "systemctl": "systemd",
    "systemd-run": "systemd",
    "visudo": "sudo",
}


def family_of(roots: Roots) -> str:
    """Return ``Debian`` or ``RedHat``, or an empty text for another distribution."""
    release = read_assignments(os.path.join(roots.etc, "os-release"))
    names = [release.get("ID", ""), *release.get("ID_LIKE", "").split()]
    return next((_FAMILIES[name] for name in names if name in _FAMILIES), "")


def package_of(program: str, family: str) -> str:
    """Return the package that has a program, or an empty text where that is not known.

    In Debian 12 the package ceph-osd has ceph-volume; later releases have a package for it.
    """
    package = _PACKAGES.get(program, "")
    return package if isinstance(package, str) else package.get(family, "")


def not_installed(program: str) -> str:
    """Say that this host lacks a program, and which package has it."""
    package = package_of(program, family_of(Roots()))
    return f"{program} is not installed" + (f" (package {package})" if package else "")


def all_packages() -> Dict[str, Dict[str, str]]:
    """Return the package of each program by family."""
    return {
        program: {family: package_of(program, family) for family in (DEBIAN, REDHAT)}
        for program in _PACKAGES
    }
