"""Take the key that OSDs were made with from a host that is released, where we put it there."""

from __future__ import annotations

import os
from typing import Dict, Optional

from ..cluster.conf import cluster_fsid
from ..cluster.keyring_file import without_section
from ..cluster.osd_map import KEYRING, KEYRING_MARK
from ..system.atomic_write import read_whole
from ..system.reading import Roots, list_dir, read_lines

ENTITY = "client.bootstrap-osd"
_OSDS = "lib/ceph/osd"


def to_remove(roots: Roots, fsid: str) -> Dict[str, Optional[str]]:
    """Return the keyring, with what stays in it (None: nothing), where it is ours and goes.

    As long as the host has an OSD it stays: an administrator may start or remove that by hand.
    """
    path = os.path.join(roots.var, os.path.relpath(KEYRING, "/var"))
    if cluster_fsid(roots) not in ("", fsid) or not os.path.lexists(path):
        return {}
    lines = read_lines(path)
    ours = bool(lines) and lines[0].strip() == KEYRING_MARK
    if not ours or list_dir(os.path.join(roots.var, _OSDS)):
        return {}
    return {path: without_section(read_whole(path), ENTITY)}
