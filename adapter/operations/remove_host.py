"""``remove_host``: take away what the orchestrator left on a host; nothing of Ceph's."""

from __future__ import annotations

from adapter.operations._registry import Variables, operation


@operation(phases=("tuned_profiles", "host_record"), changes=True, timeout=120.0)
def remove_host(cluster: str = "") -> Variables:
    """Release a host from management.

    ``cluster`` is the fsid that its record must name: another cluster's record stays.
    """
    return {"host_record_fsid": cluster}
