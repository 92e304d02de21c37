"""Know the user that Ceph's daemons run as."""

from __future__ import annotations

import os
import pwd
from typing import Tuple

from ..system.reading import Roots


class NoCephUser(Exception):
    """Say that Ceph is not installed."""


def ceph_owner(roots: Roots) -> Tuple[int, int]:
    """Return the user's and the group's number of Ceph's files; raises ``NoCephUser``."""
    if not roots.real:
        return os.geteuid(), os.getegid()
    try:
        user = pwd.getpwnam("ceph")
    except KeyError:
        raise NoCephUser(
            "The host has no user ceph: Ceph is not installed. Install the package ceph-common."
        ) from None
    return user.pw_uid, user.pw_gid
