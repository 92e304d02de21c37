"""``apply_rbd_mirror``: deploy mirrors of block images."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from adapter.operations._deploy import TIMEOUT, deploy_variables
from adapter.operations._registry import Variables, operation


@operation(
    phases=("ceph_packages", "cluster_access", "ceph_rbd_mirror", "host_report"),
    changes=True,
    timeout=TIMEOUT,
)
def apply_rbd_mirror(
    daemons: Mapping[str, Sequence[Mapping[str, Any]]], cluster: str, conf: str = ""
) -> Variables:
    """Deploy mirrors of block images.

    ``daemons`` are by host, see the role ``ceph_rbd_mirror``; ``cluster`` is the fsid, ``conf`` the
    ceph.conf for a host that has none.
    """
    return deploy_variables("ceph_rbd_mirror", daemons, cluster, conf)
