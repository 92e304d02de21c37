"""The collector of crashes: each host has one at most."""

from __future__ import annotations

import os
import socket
from typing import List, Optional

from ...cluster.ceph_user import NoCephUser, ceph_owner
from ...system.atomic_write import make_directory
from ...system.command import find_program, last_line, run
from ...system.reading import Roots, clean
from ...systemd.drop_in import UnitSettings
from ..shapes import DaemonShape, WantedShape, WatchedShape
from .base import Kind
from .extra import Extra

# Reported crashes are moved there by Ceph's user; Debian's package leaves it to root.
_POSTED = "lib/ceph/crash/posted"
_PROGRAM = "/usr/bin/ceph-crash"
_CONNECT_SECONDS = 10
_REASON = "ceph-crash tries the name of its key that the host's full name gives."


class Collector(Kind):
    """A collector of crashes."""

    name = "crash"
    unit = "ceph-crash.service"
    entity = "client.crash.{id}"
    program = "ceph-crash"
    keyring = "etc/ceph/ceph.client.crash.{id}.keyring"

    def works(self, watched: WatchedShape, proc: str) -> Optional[bool]:
        """Tell whether the monitors take its key: it needs the key itself only after a crash."""
        del proc
        watched.hopeless = _reason_against_key(watched.daemon)
        return not watched.hopeless

    def make_extra(self, roots: Roots, conf: str = "", touch: bool = True) -> Extra:
        """Return what lets it report what it finds."""
        del conf, touch
        return CrashFiles(roots)


class CrashFiles(Extra):
    """The directory of reported crashes, and the name of the key where the host's is another."""

    def __init__(self, roots: Roots, hostname: str = "") -> None:
        self._roots = roots
        self._hostname = hostname or socket.gethostname()
        self._posted = os.path.join(roots.var, _POSTED)
        self._settings = UnitSettings(roots, Collector.unit)

    def needs_setup(self, wanted: WantedShape) -> bool:
        """Tell whether the collector would not report what it finds."""
        try:
            owner = ceph_owner(self._roots)
            state = os.stat(self._posted)
        except (NoCephUser, OSError):
            return True
        return (state.st_uid, state.st_gid) != owner or not self._settings.is_so(
            self._command(wanted), _REASON
        )

    def setup(self, wanted: WantedShape) -> None:
        """Give the directory to Ceph's user, and name the key."""
        owner = ceph_owner(self._roots)
        make_directory(self._posted, 0o755, owner)
        os.chown(self._posted, *owner)
        self._settings.write(self._command(wanted), _REASON)

    def cleanup(self, daemon: DaemonShape) -> None:
        """Take the name of the key away."""
        del daemon
        self._settings.remove()

    def _command(self, wanted: WantedShape) -> List[str]:
        if wanted.daemon.daemon_id == self._hostname:
            return []
        return [_PROGRAM, "--name", wanted.daemon.entity]


def _reason_against_key(daemon: DaemonShape) -> str:
    """Ask the monitors something with the daemon's key: the collector itself needs it too late."""
    argv = [find_program("ceph") or "ceph", "--connect-timeout", str(_CONNECT_SECONDS)]
    argv += ["--name", daemon.entity, "--keyring", daemon.keyring_path, "mon", "versions"]
    answer = run(argv, 2.0 * _CONNECT_SECONDS)
    if not answer.problem:
        return ""
    reason = clean(last_line(answer.err), 300) or answer.problem
    return f"{daemon.unit}: it runs, but cannot report anything: {reason.rstrip('.')}."


KIND = Collector()
