"""``add_daemon``: bring single daemons to run on hosts."""

from __future__ import annotations

from adapter.operations._daemons import APPLY_TIMEOUT, ROLE, Daemons, apply_variables
from adapter.operations._registry import Variables, operation


@operation(phases=(ROLE,), changes=True, timeout=APPLY_TIMEOUT)
def add_daemon(kind: str, daemons: Daemons, cluster: str, conf: str = "") -> Variables:
    """Run a daemon.

    ``kind`` is the daemons' type, the rest is as for the operation ``apply_...`` of that kind.
    """
    return {f"{ROLE}_kind": kind, **apply_variables(daemons, cluster, conf)}
