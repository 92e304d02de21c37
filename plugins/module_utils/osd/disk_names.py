"""What a disk is called in words, and whether it is one that somebody named."""

from __future__ import annotations

from typing import Any, Mapping, Optional

from ..disks.planned import Disk
from ..disks.udev import device_id
from ..system.reading import clean


def name_of(disk: Disk) -> str:
    """Return vendor, model and serial of a disk with its path, or the path alone."""
    name = device_id(disk.block.udev, disk.block.sys_dir)
    return f"{clean(name)} at {disk.path}" if name else disk.path


def is_disk(disk: Disk, device: Mapping[str, Any]) -> bool:
    """Tell whether a disk is the one that is named: by its device id where it has one."""
    name: Optional[str] = device.get("device_id")
    if name:
        return device_id(disk.block.udev, disk.block.sys_dir) == name
    path: str = device["path"]
    return disk.block.path == path


def is_copy(disk: Disk, wanted: Mapping[str, Any]) -> bool:
    """Tell whether a disk is none of those that the OSD was on, by vendor, model and serial."""
    known = {device.get("device_id") or "" for device in wanted.get("disks") or ()}
    name = device_id(disk.block.udev, disk.block.sys_dir)
    return bool(known) and "" not in known and bool(name) and name not in known
