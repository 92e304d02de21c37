"""``enter_host_maintenance``: stop all of Ceph's daemons on a host for a while."""

from __future__ import annotations

from typing import Any, Mapping, Optional, Sequence

from adapter.operations._registry import Variables, operation


@operation(phases=("host_maintenance",), changes=True, timeout=900.0)
def enter_host_maintenance(
    part: str = "all", units: Optional[Mapping[str, Sequence[Mapping[str, Any]]]] = None
) -> Variables:
    """Stop all daemons of hosts, and keep them stopped.

    ``part`` is all, or services (OSDs, managers and monitors go on), or data (monitors go on).
    ``units`` are what was changed before, by host, for one that has lost its own record since.
    """
    return {
        "host_maintenance_step": "enter",
        "host_maintenance_part": part,
        "host_maintenance_units": {host: list(rows) for host, rows in (units or {}).items()},
    }
