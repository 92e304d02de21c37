"""The variables of the role ``host_report``, which every reading operation shares."""

from __future__ import annotations

from typing import Sequence

from adapter.operations._registry import Variables

# A report is one module call; ceph-volume may wait for slow disks.
TIMEOUT = 180.0


def report_variables(gather: Sequence[str]) -> Variables:
    """Return the variables for a report of the given parts."""
    return {"host_report_gather": list(gather)}
