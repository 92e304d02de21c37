"""The variables of the role ``host_record``, which several operations share."""

from __future__ import annotations

from typing import Dict

from adapter.operations._registry import Variables


def record_variables(record: Dict[str, object]) -> Variables:
    """Return the variables that make the host's own record say ``record``.

    What the record calls ``cluster`` is its fsid.
    """
    names = {key: "fsid" if key == "cluster" else key for key in record}
    return {f"host_record_{names[key]}": value for key, value in record.items()}
