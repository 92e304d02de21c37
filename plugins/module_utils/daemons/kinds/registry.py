"""The kinds of daemons: the one list of them.

Ansible sends a host the files that it finds in import statements, so each is named here.
"""

from __future__ import annotations

from typing import Dict

from ...system.reading import Roots
from . import (
    alertmanager,
    ceph_exporter,
    cephfs_mirror,
    container,
    crash,
    grafana,
    haproxy,
    keepalived,
    mds,
    mgr,
    mon,
    nfs,
    node_exporter,
    osd,
    prometheus,
    rbd_mirror,
    rgw,
    smb,
)
from .base import Kind
from .extra import Extra

_FILES = (
    *(mon, osd, mgr, mds, rgw, rbd_mirror, cephfs_mirror, crash, ceph_exporter),
    *(node_exporter, prometheus, alertmanager, grafana, haproxy, keepalived, container, smb, nfs),
)

# All that a host may run, by name; and those that ceph_daemon makes and removes.
ALL: Dict[str, Kind] = {module.KIND.name: module.KIND for module in _FILES}
KINDS = {name: kind for name, kind in ALL.items() if kind.is_deployed}


def extras_of(roots: Roots, conf: str = "", touch: bool = True) -> Dict[str, Extra]:
    """Return the further needs by kind of daemon, each an ``Extra``.

    ``conf`` is the text of the cluster's minimal configuration, where one was given. With ``touch``
    false they only look.
    """
    return {name: kind.make_extra(roots, conf, touch) for name, kind in KINDS.items()}
