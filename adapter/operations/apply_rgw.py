"""``apply_rgw``: bring object gateways to run on hosts."""

from __future__ import annotations

from adapter.operations._daemons import APPLY_TIMEOUT, Daemons, apply_phases, apply_variables
from adapter.operations._registry import Variables, operation


@operation(phases=apply_phases("rgw"), changes=True, timeout=APPLY_TIMEOUT)
def apply_rgw(daemons: Daemons, cluster: str, conf: str = "") -> Variables:
    """Run object gateways.

    ``daemons`` are by host; each has id, keyring_file, and port, which must be free.
    ``cluster`` is the fsid, ``conf`` the ceph.conf for a host that has none.
    """
    return apply_variables("rgw", daemons, cluster, conf)
