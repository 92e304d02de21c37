"""``get_facts``: what Ansible's fact collectors and the kernel know of a host."""

from __future__ import annotations

from adapter.operations._registry import Variables, operation
from adapter.operations._report import TIMEOUT, report_variables


@operation(phases=("host_report",), changes=False, timeout=TIMEOUT)
def get_facts() -> Variables:
    """Read the facts of hosts."""
    return report_variables(("facts",))
