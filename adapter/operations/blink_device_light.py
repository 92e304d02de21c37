"""``blink_device_light``: switch ident or fault lights, and read them back."""

from __future__ import annotations

from typing import Dict, List, Optional, Sequence

from adapter.operations._registry import Variables, operation


@operation(phases=("device_light",), changes=True, timeout=60.0)
def blink_device_light(
    kind: str,
    on: bool,
    locations: List[Dict[str, str]],
    sysfs_root: str = "",
    command: Optional[Sequence[str]] = None,
) -> Variables:
    """Switch the lights of devices.

    ``kind`` is ident or fault; each location has host, dev and path. ``sysfs_root`` and
    ``command`` (an argv list) are the site's own ways; see the role ``device_light``.
    """
    variables: Variables = {
        "device_light_kind": kind,
        "device_light_on": on,
        "device_light_locations": locations,
    }
    if sysfs_root:
        variables["device_light_sysfs_root"] = sysfs_root
    if command:
        variables["device_light_command"] = list(command)
    return variables
