"""``enter_host_maintenance``: stop all of Ceph's daemons on a host for a while."""

from __future__ import annotations

from adapter.operations._registry import Variables, operation


@operation(phases=("host_maintenance",), changes=True, timeout=900.0)
def enter_host_maintenance(part: str = "all") -> Variables:
    """Stop all daemons of hosts, and keep them stopped.

    ``part`` is all, or services (OSDs, managers and monitors go on), or data (monitors go on).
    """
    return {"host_maintenance_step": "enter", "host_maintenance_part": part}
