"""Put the store of a monitor aside: nobody deletes one that somebody may want back."""

from __future__ import annotations

import os
import time

from .ceph_user import ceph_owner
from .mounts import reason_of_mounts
from .service_kinds import DaemonRefused
from .whole_file import make_directory

_REMOVED = "lib/ceph/removed"


def put_aside(roots, daemon):
    """Move a monitor's store; return where it is now. Raises ``DaemonRefused``."""
    reason = reason_of_mounts(daemon.data_path, roots.proc)
    if reason:
        raise DaemonRefused(f"{daemon.name}: its store is not moved: {reason}")
    top = os.path.join(roots.var, _REMOVED)
    make_directory(top, 0o700, ceph_owner(roots))
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    kept = os.path.join(top, f"mon-{daemon.daemon_id}-{stamp}")
    try:
        os.rename(daemon.data_path, kept)
    except OSError as error:
        raise DaemonRefused(
            f"{daemon.name}: the store {daemon.data_path} cannot be moved to {kept} "
            f"({error.strerror}). Move it by hand, or remove the daemon with purge."
        ) from None
    return kept
