"""``update_host_addr``: see that the same machine answers at another address."""

from __future__ import annotations

from typing import Dict

from adapter.operations._record import record_variables
from adapter.operations._registry import Variables, operation


@operation(phases=("host_report", "host_record"), changes=True, timeout=120.0)
def update_host_addr(record: Dict[str, object], machine_id: str = "") -> Variables:
    """Give a host another address.

    ``machine_id`` is that of the machine it must be; empty where none is known.
    """
    return {**record_variables(record), "host_report_expect_machine_id": machine_id}
