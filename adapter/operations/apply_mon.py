"""``apply_mon``: bring monitors to run on hosts."""

from __future__ import annotations

from adapter.operations._daemons import APPLY_TIMEOUT, Daemons, apply_phases, apply_variables
from adapter.operations._registry import Variables, operation


@operation(phases=apply_phases("mon"), changes=True, timeout=APPLY_TIMEOUT)
def apply_mon(daemons: Daemons, cluster: str, conf: str = "") -> Variables:
    """Run monitors.

    ``daemons`` are by host; each has id, keyring_file (the key of mon.) and addr. ``cluster``
    is the fsid, ``conf`` the ceph.conf for a host that has none.
    """
    return apply_variables("mon", daemons, cluster, conf)
