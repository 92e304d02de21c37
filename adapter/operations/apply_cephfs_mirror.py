"""``apply_cephfs_mirror``: bring CephFS mirror daemons to run on hosts."""

from __future__ import annotations

from adapter.operations._daemons import APPLY_TIMEOUT, Daemons, apply_phases, apply_variables
from adapter.operations._registry import Variables, operation


@operation(phases=apply_phases("cephfs-mirror"), changes=True, timeout=APPLY_TIMEOUT)
def apply_cephfs_mirror(daemons: Daemons, cluster: str, conf: str = "") -> Variables:
    """Run CephFS mirror daemons.

    ``daemons`` are by host; each has id and keyring_file. ``cluster`` is the fsid, ``conf`` the
    ceph.conf for a host that has none.
    """
    return apply_variables("cephfs-mirror", daemons, cluster, conf)
