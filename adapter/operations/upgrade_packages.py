"""``upgrade_packages``: Ceph's packages of hosts, then what is installed and runs there."""

from __future__ import annotations

from adapter.operations._registry import Variables, operation
from adapter.operations._report import report_variables

# Packages are fetched from slow mirrors, and their scripts run one after the other.
TIMEOUT = 1800.0


@operation(phases=("host_upgrade", "host_report"), changes=True, timeout=TIMEOUT)
def upgrade_packages(version: str, step: str = "install") -> Variables:
    """Upgrade Ceph's packages.

    ``version`` is one of Ceph or of its packages; ``step`` is prepare, install or put_back. No
    daemon is restarted.
    """
    return {
        "host_upgrade_version": version,
        "host_upgrade_step": step,
        **report_variables(("daemons", "packages")),
    }
