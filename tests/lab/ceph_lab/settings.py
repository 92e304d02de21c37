"""Find the lab's directories and its Debian mirror."""

from __future__ import annotations

import os
import re
from pathlib import Path

DEFAULT_NAME = "demo"
DEFAULT_RELEASE = "forky"

# What belongs to the machine and not to one lab: locks, and who uses udevd.
RUN_DIRECTORY = Path("/run/ceph-orch-lab")


def cache_directory() -> Path:
    """Return the directory of images and downloaded packages (env LAB_CACHE)."""
    return Path(os.environ.get("LAB_CACHE") or "/var/cache/ceph-orch-lab")


def state_directory() -> Path:
    """Return the directory that has one subdirectory per lab (env LAB_STATE)."""
    return Path(os.environ.get("LAB_STATE") or "/var/lib/ceph-orch-lab")


def default_name() -> str:
    """Return the lab's name that holds when none is given (env LAB)."""
    return os.environ.get("LAB") or DEFAULT_NAME


def default_mirror() -> str:
    """Return the Debian mirror: env LAB_MIRROR, else the machine's own, else nothing."""
    return os.environ.get("LAB_MIRROR") or machine_mirror(Path("/etc/apt"))


def machine_mirror(apt: Path) -> str:
    """Return the first Debian archive named in the machine's apt sources, or nothing.

    `apt` is the directory that holds sources.list and sources.list.d.
    """
    files = [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*"))]
    for path in files:
        if path.suffix not in (".list", ".sources") or not path.is_file():
            continue
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            found = re.match(r"\s*(?:deb\s+(?:\[[^]]*\]\s*)?|URIs:\s*)(\S+)", line)
            if found and found.group(1).rstrip("/").endswith("/debian"):
                return found.group(1).rstrip("/")
    return ""
