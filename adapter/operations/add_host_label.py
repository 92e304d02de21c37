"""``add_host_label``: the host's own record follows its labels."""

from __future__ import annotations

from typing import Dict

from adapter.operations._record import record_variables
from adapter.operations._registry import Variables, operation


@operation(phases=("host_record",), changes=True, timeout=120.0)
def add_host_label(record: Dict[str, object]) -> Variables:
    """Put a label on a host.

    ``record`` has all labels as they are afterwards.
    """
    return record_variables(record)
