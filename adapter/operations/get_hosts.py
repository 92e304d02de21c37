"""``get_hosts``: answered from memory; the playbook shows what the inventory source holds."""

from __future__ import annotations

from adapter.operations._registry import Variables, operation


@operation(phases=("publish_result",), changes=False, timeout=120.0)
def get_hosts() -> Variables:
    """List the hosts under management."""
    return {}
