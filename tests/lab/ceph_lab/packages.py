"""Name the packages of each image; what changes an image changes its key."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Literal

ImageKind = Literal["bare", "full"]
KINDS: tuple[ImageKind, ...] = ("bare", "full")

# Raise it when the way an image is made changes, so that the old one is not used.
FORMAT = 1

# The files that an image gets; they are part of its key.
IMAGE_FILES = Path(__file__).with_name("image_files.py")

# What a fresh server has: a booting system that answers on ssh, and no Python.
BARE = (
    "systemd",
    "systemd-sysv",
    "dbus",
    "openssh-server",
    "iproute2",
    "udev",
    "ca-certificates",
    # debootstrap adds it by itself only where it knows the suite's name.
    "usr-is-merged",
)

CEPH = (
    "ceph-mon",
    "ceph-mgr",
    "ceph-mgr-modules-core",
    "ceph-mgr-dashboard",
    "ceph-osd",
    "ceph-mds",
    "radosgw",
    "ceph-common",
    "ceph-volume",
    "rbd-mirror",
    "cephfs-mirror",
)

# What a host needs that runs the backend's jobs, and what Ceph's tools call.
MANAGER = (
    "python3",
    "python3-yaml",
    "python3-click",
    "ansible-core",
    "python3-ansible-runner",
    "sudo",
    "openssh-client",
    "lvm2",
    "smartmontools",
    "parted",
    "gdisk",
    "util-linux",
    "curl",
    "procps",
)

FULL = CEPH + MANAGER

# Not in an image, only in the hosts' package repository: what roles install.
REPOSITORY_ONLY = (
    "aardvark-dns",
    "busybox-static",
    "ceph-fuse",
    "ceph-grafana-dashboards",
    "ceph-immutable-object-cache",
    "ceph-prometheus-alerts",
    "chrony",
    "crun",
    "ctdb",
    "haproxy",
    "keepalived",
    "libcephfs-daemon",
    "libcephfs-proxy2",
    "libnfs-utils",
    "netavark",
    "nfs-ganesha",
    "nfs-ganesha-ceph",
    "nfs-ganesha-rados-grace",
    "nfs-ganesha-rgw",
    "nvme-cli",
    "podman",
    "prometheus",
    "prometheus-alertmanager",
    "prometheus-node-exporter",
    "s3cmd",
    "samba",
    "samba-vfs-ceph",
    "samba-vfs-modules",
    "smbclient",
)

# Without one of these the lab is of no use; others may be missing in a release.
INDISPENSABLE = frozenset(
    {
        *("systemd", "systemd-sysv", "dbus", "openssh-server", "iproute2", "udev"),
        *("python3", "ceph-mon", "ceph-mgr", "ceph-osd", "ceph-common"),
    }
)

# Where to look when an index names a file that the pool no longer has.
FALLBACK = {"forky": "sid"}


def suites(release: str) -> list[str]:
    """Return the suites to try for a release, in order."""
    return [release, FALLBACK[release]] if release in FALLBACK else [release]


def wanted(kind: ImageKind) -> tuple[str, ...]:
    """Return the packages that an image names itself, dependencies not included."""
    return BARE if kind == "bare" else BARE + FULL


def repository_key(release: str) -> str:
    """Return the key of a package repository: its release and a hash of its lists."""
    return f"{release}-{_digest(release, BARE, FULL, REPOSITORY_ONLY)}"


def image_key(release: str, kind: ImageKind) -> str:
    """Return the key of an image: its release, its kind, a hash of lists and files."""
    files = IMAGE_FILES.read_text(encoding="utf-8")
    return f"{release}-{kind}-{_digest(repository_key(release), wanted(kind), files)}"


def _digest(*parts: object) -> str:
    text = json.dumps([FORMAT, *parts])
    return hashlib.sha256(text.encode()).hexdigest()[:10]
