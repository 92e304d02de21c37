"""Where the files of NFS gateways are on a host, and what they are to be asked."""

from __future__ import annotations

import os
import time

from ...system.reading import Roots

# Below /etc; each daemon has a directory there, named by its id.
FOLDER = "ceph-orch-ansible/nfs"
# What says whose the directory is.
MARK = "ours"
# systemd makes it when the unit starts.
STARTED = "ceph-orch-nfs-{id}"
# One that starts while another gateway of its service is gone waits for a grace period of 90 s.
PATIENCE = 120.0
VERSION = 4


def is_young(roots: Roots, daemon_id: str) -> bool:
    """Tell whether a gateway was started so lately that it may still wait for the others."""
    try:
        run = os.path.dirname(roots.ceph_run)
        began = os.stat(os.path.join(run, STARTED.format(id=daemon_id))).st_ctime
    except OSError:
        return False
    return 0 <= time.time() - began < PATIENCE
