"""Provide what the crash collector needs besides its key."""

from __future__ import annotations

import os
import socket

from ...cluster.ceph_user import NoCephUser, ceph_owner
from ...system.atomic_write import make_directory
from ...systemd.drop_in import UnitSettings
from .extra import Extra

# Reported crashes are moved there by Ceph's user; Debian's package leaves it to root.
_POSTED = "lib/ceph/crash/posted"
_PROGRAM = "/usr/bin/ceph-crash"
_REASON = "ceph-crash tries the name of its key that the host's full name gives."


class CrashFiles(Extra):
    """The directory of reported crashes, and the name of the key where the host's is another."""

    def __init__(self, roots, hostname=""):
        self._roots = roots
        self._hostname = hostname or socket.gethostname()
        self._posted = os.path.join(roots.var, _POSTED)
        self._settings = UnitSettings(roots, "ceph-crash.service")

    def lacks(self, wanted):
        """Tell whether the collector would not report what it finds."""
        try:
            owner = ceph_owner(self._roots)
            state = os.stat(self._posted)
        except (NoCephUser, OSError):
            return True
        return (state.st_uid, state.st_gid) != owner or not self._settings.is_so(
            self._command(wanted), _REASON
        )

    def provide(self, wanted):
        """Give the directory to Ceph's user, and name the key."""
        owner = ceph_owner(self._roots)
        make_directory(self._posted, 0o755, owner)
        os.chown(self._posted, *owner)
        self._settings.write(self._command(wanted), _REASON)

    def forget(self, daemon):
        """Take the name of the key away."""
        del daemon
        self._settings.remove()

    def _command(self, wanted):
        if wanted.daemon.daemon_id == self._hostname:
            return []
        return [_PROGRAM, "--name", wanted.daemon.entity]
