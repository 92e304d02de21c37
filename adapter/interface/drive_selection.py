"""Matching the devices of one host with a drive group."""

from __future__ import annotations

from typing import Iterable, List, Optional, Union

from .device_selection import DeviceSelection
from .drive_groups import DriveGroupSpec
from .inventory import Device, Devices
from .matchers import Matcher


class DriveSelection:
    """The devices of one host that a drive group uses, for each purpose.

    ``disks`` are the host's devices. Of these are left out: devices that wait for their
    replacement, devices that are in use except by Ceph's LVM, and devices with volumes of another
    drive group. Devices that this drive group uses already stay chosen, beyond any limit.
    ``existing_daemons`` is how many OSDs the drive group has on the host; a ``limit`` counts
    them. A device serves one purpose: data first, then WAL, DB, journal. Paths are taken as
    given.
    """

    def __init__(
        self,
        spec: DriveGroupSpec,
        disks: Union[Devices, List[Device]],
        existing_daemons: Optional[int] = None,
    ) -> None:
        self.spec = spec
        self.disks = list(disks)
        self.existing_daemons = existing_daemons or 0
        self._data = self.assign_devices("data_devices", spec.data_devices)
        self._wal = self.assign_devices("wal_devices", spec.wal_devices)
        self._db = self.assign_devices("db_devices", spec.db_devices)
        self._journal = self.assign_devices("journal_devices", spec.journal_devices)

    def data_devices(self) -> List[Device]:
        """Give the devices for data."""
        return self._data

    def wal_devices(self) -> List[Device]:
        """Give the devices for write-ahead logs."""
        return self._wal

    def db_devices(self) -> List[Device]:
        """Give the devices for metadata."""
        return self._db

    def journal_devices(self) -> List[Device]:
        """Give the devices for journals."""
        return self._journal

    def assign_devices(
        self, device_type: str, device_filter: Optional[DeviceSelection]
    ) -> List[Device]:
        """Choose the devices for one purpose; they are not chosen for another afterwards."""
        if device_filter is None:
            return []
        if device_filter.paths:
            chosen = list(device_filter.paths)
        else:
            chosen = sorted(self._filtered(device_filter), key=lambda device: device.path)
        taken = {device.path for device in chosen}
        self.disks = [disk for disk in self.disks if disk.path not in taken]
        return chosen

    def _filtered(self, device_filter: DeviceSelection) -> Iterable[Device]:
        matchers = device_filter.matchers()
        new = self.existing_daemons
        for disk in self.disks:
            if not self._usable(disk) or not self._matches(disk, matchers):
                continue
            if self._is_ours(disk):
                yield disk
            elif not device_filter.limit or new < device_filter.limit:
                new += 1
                yield disk

    def _matches(self, disk: Device, matchers: List[Matcher]) -> bool:
        """Say whether the device fits; without filters every device does."""
        results = (matcher.compare(disk) for matcher in matchers)
        if self.spec.filter_logic == "OR" and matchers:
            return any(results)
        return all(results)

    def _usable(self, disk: Device) -> bool:
        if disk.being_replaced or not (disk.available or disk.ceph_device_lvm):
            return False
        return all(owner == self.spec.service_id for owner in _owners(disk))

    def _is_ours(self, disk: Device) -> bool:
        return not disk.available and bool(_owners(disk))

    def __repr__(self) -> str:
        parts = []
        for name in ("data", "wal", "db", "journal"):
            devices = getattr(self, f"_{name}")
            if devices:
                parts.append(f"{name}={[device.path for device in devices]!r}")
        return f"DriveSelection({', '.join(parts)})"


def _owners(disk: Device) -> List[object]:
    """Name the drive groups whose volumes are on a device that Ceph uses."""
    if disk.available:
        return []
    return [lv["osdspec_affinity"] for lv in disk.lvs or [] if "osdspec_affinity" in lv]
