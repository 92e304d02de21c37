"""``rescan_host``: the host's storage adapters look for new disks."""

from __future__ import annotations

from adapter.operations._registry import Variables, operation
from adapter.operations._report import TIMEOUT, report_variables


@operation(phases=("host_rescan", "host_report"), changes=True, timeout=TIMEOUT)
def rescan_host() -> Variables:
    """Look for new disks on hosts."""
    return report_variables(("devices",))
