"""``zap_device``: erase a device."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from adapter.operations._registry import Variables, operation


@operation(phases=("device_zap", "host_report"), changes=True, timeout=900.0)
def zap_device(devices: Mapping[str, Sequence[Mapping[str, Any]]], cluster: str) -> Variables:
    """Erase devices.

    ``devices`` are by host; each has path, size and device_id. ``cluster`` is the fsid.
    """
    return {
        "device_zap_devices": {host: list(rows) for host, rows in devices.items()},
        "device_zap_cluster": cluster,
    }
