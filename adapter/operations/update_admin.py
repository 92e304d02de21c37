"""``update_admin``: let the administrator's keyring follow the label ``_admin``."""

from __future__ import annotations

from typing import Mapping

from adapter.operations._registry import Variables, operation


@operation(phases=("cluster_access", "host_report"), changes=True, timeout=120.0)
def update_admin(
    cluster: str, admin: Mapping[str, str], conf: str = "", keyring_file: str = ""
) -> Variables:
    """Put the administrator's keyring and ceph.conf onto hosts, or take them away.

    ``admin`` is present or absent by host; ``keyring_file`` is a file of the job's secrets with
    what `ceph auth get client.admin` prints, ``conf`` the ceph.conf for a host that has none.
    ``cluster`` is the fsid. What this backend did not write stays.
    """
    return {
        "cluster_access_fsid": cluster,
        "cluster_access_conf": conf,
        "cluster_access_admin": dict(admin),
        "cluster_access_keyring_file": keyring_file,
    }
