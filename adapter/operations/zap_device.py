"""``zap_device``: erase a device."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Mapping, Sequence

from adapter.operations._registry import Variables, operation


@operation(phases=("device_zap", "host_report"), changes=True, timeout=900.0)
def zap_device(
    devices: Mapping[str, Sequence[Mapping[str, Any]]],
    cluster: str,
    allowed: Mapping[str, Sequence[str]] = MappingProxyType({}),
    allowed_until: float = 0.0,
) -> Variables:
    """Erase devices.

    ``devices`` are by host; each has path, size and device_id. ``cluster`` is the fsid, ``allowed``
    has by host the uuids of OSDs of the cluster whose disks may be wiped all the same,
    ``allowed_until`` is when that ends, in seconds since the epoch; 0 is never.
    """
    return {
        "device_zap_devices": {host: list(rows) for host, rows in devices.items()},
        "device_zap_fsid": cluster,
        "device_zap_allowed": {host: list(uuids) for host, uuids in allowed.items()},
        "device_zap_allowed_until": allowed_until,
    }
