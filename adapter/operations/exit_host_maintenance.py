"""``exit_host_maintenance``: put the daemons of a host back as they were."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from adapter.operations._registry import Variables, operation


@operation(phases=("host_maintenance",), changes=True, timeout=900.0)
def exit_host_maintenance(
    units: Mapping[str, Sequence[Mapping[str, Any]]], force: bool = False
) -> Variables:
    """Start the daemons of hosts again.

    ``units`` are what entering has changed, by host, for one that has lost its own record. With
    ``force`` it ends although daemons do not start.
    """
    return {
        "host_maintenance_step": "exit",
        "host_maintenance_units": {host: list(rows) for host, rows in units.items()},
        "host_maintenance_force": force,
    }
