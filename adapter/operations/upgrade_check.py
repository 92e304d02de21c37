"""``upgrade_check``: the lists of packages are read anew, then packages and daemons."""

from __future__ import annotations

from adapter.operations._registry import Variables, operation
from adapter.operations._report import report_variables

# Fetching lists takes minutes from a slow mirror; the report comes after it.
TIMEOUT = 420.0


@operation(phases=("package_lists", "host_report"), changes=False, timeout=TIMEOUT)
def upgrade_check() -> Variables:
    """Read anew which versions of Ceph hosts are offered."""
    return report_variables(("daemons", "packages"))
