"""``get_inventory``: the host report, as the serve loop takes it."""

from __future__ import annotations

from typing import Sequence

from adapter.operations._registry import Variables, operation
from adapter.operations._report import TIMEOUT, report_variables


@operation(phases=("host_report",), changes=False, timeout=TIMEOUT)
def get_inventory(gather: Sequence[str] = ("facts", "devices", "daemons", "packages")) -> Variables:
    """Read facts, devices, daemons and packages of hosts.

    All by default: they cost one module call together.
    """
    return report_variables(gather)
