"""``update_conf``: bring hosts' ceph.conf up to date, where it is ours."""

from __future__ import annotations

from adapter.operations._registry import Variables, operation


@operation(phases=("cluster_access", "host_report"), changes=True, timeout=120.0)
def update_conf(cluster: str, conf: str) -> Variables:
    """Name the monitors in hosts' ceph.conf.

    ``cluster`` is the fsid, ``conf`` the text. A file that this backend did not write stays.
    """
    return {"cluster_access_fsid": cluster, "cluster_access_conf": conf}
