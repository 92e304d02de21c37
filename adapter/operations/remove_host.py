"""``remove_host``: take away what the orchestrator left on a host; nothing of Ceph's."""

from __future__ import annotations

from adapter.operations._registry import Variables, operation


@operation(phases=("host_record",), changes=True, timeout=120.0)
def remove_host() -> Variables:
    """Release a host from management."""
    return {}
