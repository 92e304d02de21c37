"""``create_osds``: make OSDs of planned disks."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from adapter.operations._registry import Variables, operation

# Preparing a large disk with encryption takes a minute, and a host may have many.
TIMEOUT = 1800.0


@operation(phases=("osd_create",), changes=True, timeout=TIMEOUT)
def create_osds(
    groups: Mapping[str, Sequence[Mapping[str, Any]]], cluster: str, conf: str = ""
) -> Variables:
    """Make OSDs of disks.

    ``groups`` are the disks by host, see the role ``osd_create``; ``cluster`` is the fsid,
    ``conf`` the ceph.conf for a host that has none.
    """
    return {
        "osd_create_groups": {host: list(rows) for host, rows in groups.items()},
        "osd_create_fsid": cluster,
        "osd_create_conf": conf,
    }
