"""``upgrade_ls``: which versions of Ceph's packages hosts are offered, by the lists they have."""

from __future__ import annotations

from adapter.operations._registry import Variables, operation
from adapter.operations._report import TIMEOUT, report_variables


@operation(phases=("host_report",), changes=False, timeout=TIMEOUT)
def upgrade_ls() -> Variables:
    """Read which versions of Ceph hosts are offered."""
    return report_variables(("daemons", "packages"))
