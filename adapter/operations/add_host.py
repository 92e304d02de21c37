"""``add_host``: make a machine ready for what follows, and read what it has."""

from __future__ import annotations

from typing import Dict

from adapter.operations._record import record_variables
from adapter.operations._registry import Variables, operation

# Installing Python on a machine that has none can take minutes on a slow mirror.
TIMEOUT = 900.0


@operation(phases=("host_prepare", "host_record", "host_report"), changes=True, timeout=TIMEOUT)
def add_host(record: Dict[str, object]) -> Variables:
    """Bring a host under management.

    ``record`` has hostname, addr, labels and cluster (the fsid).
    """
    return record_variables(record)
