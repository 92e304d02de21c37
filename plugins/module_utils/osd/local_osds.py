"""Which OSDs stand on disks of this host, by BlueStore's labels and LVM's tags."""

from __future__ import annotations

import os
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ..disks.lvm import LvmUnreadable, read_volumes
from ..disks.planned import Disk
from ..systemd.units import has_failed, is_alive, show_units
from .directories import OsdDirectory


class LocalOsds:
    """The OSDs that were found, and whether they run.

    ``directories`` are the data directories by id, ``volumes`` what LVM says by physical volume;
    ``unread`` is the error where it says nothing although a disk is LVM's.
    """

    def __init__(
        self,
        directories: Dict[int, OsdDirectory],
        volumes: Dict[str, Dict[str, Any]],
        units: Dict[int, Dict[str, str]],
        unread: Optional[LvmUnreadable] = None,
    ) -> None:
        self.unread = unread
        self.directories = directories
        self.volumes = volumes
        self._units = units

    @classmethod
    def read(cls, directories: Dict[int, OsdDirectory], disks: Sequence[Disk]) -> LocalOsds:
        """Look for the OSDs on these disks, and for the daemons of all OSDs found."""
        volumes: Dict[str, Dict[str, Any]] = {}
        unread: Optional[LvmUnreadable] = None
        if any(disk.has_lvm for disk in disks):
            try:
                volumes = read_volumes()
            except LvmUnreadable as error:
                unread = error
        ids = set(directories)
        ids.update(disk.label["osd_id"] for disk in disks if disk.label)
        for entry in volumes.values():
            ids.update(int(volume["osd_id"]) for volume in ceph_volumes(entry))
        ids.discard(-1)
        names = {osd_id: osd_unit(osd_id) for osd_id in sorted(ids)}
        states = show_units(list(names.values()))
        units = {key: states[name] for key, name in names.items()}
        return cls(directories, volumes, units, unread)

    def check_lvm(self) -> None:
        """Raise ``LvmUnreadable`` where an OSD may be on volumes that LVM did not tell."""
        if self.unread is not None:
            raise self.unread

    def runs(self, osd_id: int, osd_uuid: str) -> bool:
        """Tell whether this very OSD's daemon runs."""
        directory = self.directories.get(osd_id)
        mine = directory is not None and directory.osd_uuid == osd_uuid
        return mine and is_alive(self._units.get(osd_id, {}))

    def stays_up(self, osd_id: int, osd_uuid: str) -> bool:
        """Tell whether this very OSD's daemon runs, and systemd is not about to try it again."""
        return self.runs(osd_id, osd_uuid) and not has_failed(self.unit(osd_id))

    def other_that_runs(self, osd_id: int, osd_uuid: str) -> str:
        """Return the uuid of another OSD that runs here with the same id, or an empty text."""
        directory = self.directories.get(osd_id)
        if directory is None or directory.osd_uuid == osd_uuid:
            return ""
        return directory.osd_uuid if is_alive(self._units.get(osd_id, {})) else ""

    def runs_elsewhere(self, disk: Disk) -> Optional[int]:
        """Return the id of an OSD whose label a disk has, and which runs from others here.

        A disk with something on top of it, such as device mapper, may be what it runs from.
        """
        if not disk.label or disk.block.holders:
            return None
        node = os.path.realpath(disk.block.node)
        for osd_id, directory in self.directories.items():
            mine = directory.osd_uuid and directory.osd_uuid == disk.label["osd_uuid"]
            elsewhere = directory.devices and node not in directory.devices
            if mine and elsewhere and is_alive(self.unit(osd_id)):
                return osd_id
        return None

    def unit(self, osd_id: int) -> Dict[str, str]:
        """Return what systemd says of an OSD's daemon."""
        return self._units.get(osd_id, {})

    def running_on(self, disk: Disk) -> Optional[int]:
        """Return the id of the OSD that runs on a disk, or None."""
        node = os.path.realpath(disk.block.node)
        for osd_id, directory in self.directories.items():
            if node in directory.devices and is_alive(self.unit(osd_id)):
                return osd_id
        if disk.label and self.runs(disk.label["osd_id"], disk.label["osd_uuid"]):
            return int(disk.label["osd_id"])
        for volume in ceph_volumes(self.volumes.get(disk.block.path)):
            if self.runs(int(volume["osd_id"]), volume["osd_fsid"]):
                return int(volume["osd_id"])
        return None


def osd_unit(osd_id: int) -> str:
    """Return the name of the unit of an OSD's daemon."""
    return f"ceph-osd@{osd_id}.service"


def ceph_volumes(entry: Optional[Mapping[str, Any]]) -> List[Dict[str, str]]:
    """Return the logical volumes of OSDs among those on a physical volume."""
    volumes = entry["volumes"].values() if entry else ()
    return [volume for volume in volumes if str(volume.get("osd_id", "")).isdigit()]


def other_volumes(entry: Mapping[str, Any]) -> List[str]:
    """Return the names of the logical volumes that are no OSD's."""
    ours = ceph_volumes(entry)
    return [volume["name"] for volume in entry["volumes"].values() if volume not in ours]


def lvm_osds(volumes: Mapping[str, Mapping[str, Any]]) -> Dict[Tuple[int, str], Dict[str, str]]:
    """Return the OSDs on logical volumes by id and uuid, each with its disks by kind."""
    osds: Dict[Tuple[int, str], Dict[str, str]] = {}
    for path, entry in volumes.items():
        for volume in ceph_volumes(entry):
            key = (int(volume["osd_id"]), volume["osd_fsid"])
            osd = osds.setdefault(key, {"cluster": volume["cluster_fsid"]})
            osd.setdefault(volume["type"], path)
    return osds
