"""``remove_daemons``: remove daemons from their hosts."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from adapter.operations._registry import Variables, operation


@operation(phases=("ceph_daemon_remove", "host_report"), changes=True, timeout=300.0)
def remove_daemons(daemons: Mapping[str, Sequence[Mapping[str, Any]]], cluster: str) -> Variables:
    """Remove daemons from hosts.

    ``daemons`` are by host, each with daemon_type and daemon_id; ``cluster`` is the fsid.
    """
    return {
        "ceph_daemon_remove_daemons": {host: list(rows) for host, rows in daemons.items()},
        "ceph_daemon_remove_cluster": cluster,
    }
