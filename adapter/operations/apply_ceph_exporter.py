"""``apply_ceph_exporter``: deploy exporters of the daemons' counters."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from adapter.operations._deploy import TIMEOUT, deploy_variables
from adapter.operations._registry import Variables, operation


@operation(
    phases=("ceph_packages", "cluster_access", "ceph_exporter", "host_report"),
    changes=True,
    timeout=TIMEOUT,
)
def apply_ceph_exporter(
    daemons: Mapping[str, Sequence[Mapping[str, Any]]], cluster: str, conf: str = ""
) -> Variables:
    """Deploy exporters of the daemons' counters.

    ``daemons`` are by host, see the role ``ceph_exporter``; ``cluster`` is the fsid, ``conf`` the
    ceph.conf for a host that has none.
    """
    return deploy_variables("ceph_exporter", daemons, cluster, conf)
