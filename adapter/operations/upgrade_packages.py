"""``upgrade_packages``: Ceph's packages of hosts, then what is installed and runs there."""

from __future__ import annotations

from typing import Mapping, Optional, Sequence

from adapter.operations._registry import Variables, operation
from adapter.operations._report import report_variables

# Packages are fetched from slow mirrors, and their scripts run one after the other.
TIMEOUT = 1800.0


@operation(phases=("host_upgrade", "host_report"), changes=True, timeout=TIMEOUT)
def upgrade_packages(
    version: str, step: str = "install", units: Optional[Mapping[str, Sequence[str]]] = None
) -> Variables:
    """Upgrade Ceph's packages.

    ``version`` is one of Ceph or of its packages; ``step`` is prepare, install or put_back.
    ``units`` are restarted with the packages, by host; no other daemon is.
    """
    return {
        "host_upgrade_version": version,
        "host_upgrade_step": step,
        "host_upgrade_units": {host: list(names) for host, names in (units or {}).items()},
        **report_variables(("daemons", "packages")),
    }
