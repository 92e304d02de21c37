"""The variables of the role ``daemon_action``, which two operations share."""

from __future__ import annotations

from typing import Mapping, Sequence

from adapter.operations._registry import Variables

TIMEOUT = 420.0


def action_variables(action: str, units: Mapping[str, Sequence[str]]) -> Variables:
    """Return the variables that act on systemd units, by host."""
    return {
        "daemon_action_action": action,
        "daemon_action_units": {host: list(names) for host, names in units.items()},
    }
