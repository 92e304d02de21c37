"""``upgrade_start``: a whole upgrade by hand, packages and daemons; no manager runs it."""

from __future__ import annotations

from adapter.operations._registry import Variables, operation

TIMEOUT = 1800.0


@operation(phases=("host_upgrade", "daemon_upgrade"), changes=True, timeout=TIMEOUT)
def upgrade_start(version: str) -> Variables:
    """Upgrade packages and daemons, one host at a time.

    ``version`` is one of Ceph or of its packages.
    """
    return {"host_upgrade_version": version}
