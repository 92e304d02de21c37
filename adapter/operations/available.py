"""``available``: whether hosts can be used by Ansible."""

from __future__ import annotations

from adapter.operations._registry import Variables, operation
from adapter.operations._report import report_variables


@operation(phases=("host_report",), changes=False, timeout=60.0)
def available() -> Variables:
    """Check that hosts answer."""
    return report_variables(())
