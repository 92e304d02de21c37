"""``apply_ceph_exporter``: bring the exporter of Ceph's counters to run on hosts."""

from __future__ import annotations

from adapter.operations._daemons import APPLY_TIMEOUT, Daemons, apply_phases, apply_variables
from adapter.operations._registry import Variables, operation


@operation(phases=apply_phases("ceph-exporter"), changes=True, timeout=APPLY_TIMEOUT)
def apply_ceph_exporter(daemons: Daemons, cluster: str, conf: str = "") -> Variables:
    """Run the exporter of Ceph's counters.

    ``daemons`` are by host; each has id and keyring_file. ``cluster`` is the fsid, ``conf`` the
    ceph.conf for a host that has none.
    """
    return apply_variables("ceph-exporter", daemons, cluster, conf)
