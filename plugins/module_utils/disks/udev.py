"""Read udev's database, and name a disk from it as Ceph does."""

from __future__ import annotations

import os
import re
from typing import Dict, List, Mapping

from ..system.reading import TEXT_LIMIT, Roots, clean, read_lines, read_text

_ESCAPE = re.compile(r"\\x([0-9a-fA-F]{2})")


def read_udev(roots: Roots, number: str) -> Dict[str, str]:
    """Return what udev knows of the block device with this number (``8:16``), by property."""
    properties = {}
    for line in read_lines(os.path.join(roots.udev, "b" + number)):
        if line.startswith("E:"):
            key, separator, value = line[2:].partition("=")
            if separator:
                properties[clean(key)] = clean(value)
    return properties


def device_id(properties: Mapping[str, str], sys_dir: str) -> str:
    """Return the name that Ceph gives to a disk: vendor, model and serial number.

    It must be the one that the daemon on the disk reports, or ``ceph device light`` finds nothing;
    so the order of preference is Ceph's. sysfs is asked where udev holds nothing.
    """
    model = properties.get("ID_MODEL", "")
    if model.startswith("LVM PV "):
        model = _ESCAPE.sub(" ", properties.get("ID_MODEL_ENC", "")).strip()
    if "ID_VENDOR" in properties and "ID_SCSI_SERIAL" in properties:
        parts = [properties["ID_VENDOR"], model, properties["ID_SCSI_SERIAL"]]
    elif "ID_SERIAL_SHORT" in properties:
        parts = [model, properties["ID_SERIAL_SHORT"]]
    elif "ID_SERIAL" in properties:
        serial = properties["ID_SERIAL"]
        # These NVMe disks leave their maker's name out of the serial.
        parts = ["Micron_" + serial if serial.startswith("MTFD") else serial]
    elif properties:
        parts = []
    else:
        parts = _sysfs_parts(sys_dir)
    return re.sub(r"[\s_]+", "_", "_".join(parts))[:TEXT_LIMIT]


def _sysfs_parts(sys_dir: str) -> List[str]:
    device = os.path.join(sys_dir, "device")
    serial = read_text(os.path.join(device, "serial")) or read_text(os.path.join(sys_dir, "serial"))
    if not serial:
        return []
    names = [read_text(os.path.join(device, name)) for name in ("vendor", "model")]
    return [name for name in names if name and not name.startswith("0x")] + [serial]
