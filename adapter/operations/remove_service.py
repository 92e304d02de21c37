"""``remove_service``: take the daemons of a service from hosts."""

from __future__ import annotations

from adapter.operations._daemons import REMOVE_TIMEOUT, Daemons, remove_variables
from adapter.operations._registry import Variables, operation


@operation(phases=("daemon_remove",), changes=True, timeout=REMOVE_TIMEOUT)
def remove_service(daemons: Daemons, cluster: str, purge: bool = False) -> Variables:
    """Take the daemons of a service from hosts.

    ``daemons`` are by host; each has daemon_type and daemon_id. ``cluster`` is the fsid, ``purge``
    deletes monitors' stores, which are kept on their hosts otherwise.
    """
    return remove_variables(daemons, cluster, purge)
