"""``list_daemons``: the Ceph daemons that run from packages, as systemd knows them."""

from __future__ import annotations

from adapter.operations._registry import Variables, operation
from adapter.operations._report import TIMEOUT, report_variables


@operation(phases=("host_report",), changes=False, timeout=TIMEOUT)
def list_daemons() -> Variables:
    """List the Ceph daemons of hosts."""
    return report_variables(("daemons",))
