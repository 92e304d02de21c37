"""``daemon_action``: start, stop or restart one daemon."""

from __future__ import annotations

from typing import Mapping, Sequence

from adapter.operations._action import TIMEOUT, action_variables
from adapter.operations._registry import Variables, operation


@operation(phases=("daemon_action",), changes=True, timeout=TIMEOUT)
def daemon_action(action: str, units: Mapping[str, Sequence[str]]) -> Variables:
    """Act on a daemon.

    ``action`` is start, stop or restart; ``units`` are systemd units by host.
    """
    return action_variables(action, units)
