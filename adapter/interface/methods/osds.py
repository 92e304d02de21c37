"""Devices and OSDs: inventory, creating, removing, replacing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, List, Optional

if TYPE_CHECKING:
    from ..drive_groups import DriveGroupSpec
    from ..inventory import InventoryFilter, InventoryHost
    from ..result import OrchResult


class OSDMethods:
    """Disks, and the OSDs on them."""

    def get_inventory(
        self, host_filter: Optional[InventoryFilter] = None, refresh: bool = False
    ) -> OrchResult[List[InventoryHost]]:
        """Report the devices of the hosts, as known; ``refresh`` asks for a new look."""
        raise NotImplementedError

    def zap_device(self, host: str, path: str) -> OrchResult[str]:
        """Erase a device (DESTROYS DATA)."""
        raise NotImplementedError

    def replace_device(
        self, hostname: str, device: str, clear: bool = False, yes_i_really_mean_it: bool = False
    ) -> OrchResult[str]:
        """Remove the OSDs of a device that will be replaced, keeping their ids (20.2).

        ``clear`` takes the mark off the device again; ``yes_i_really_mean_it`` is needed for a
        device that several OSDs share.
        """
        raise NotImplementedError

    def create_osds(
        self, drive_group: DriveGroupSpec, skip_validation: bool = False
    ) -> OrchResult[str]:
        """Create the OSDs of a drive group; ``skip_validation`` (20.2) of the device paths."""
        raise NotImplementedError

    def apply_drivegroups(self, specs: List[DriveGroupSpec]) -> OrchResult[List[str]]:
        """Keep drive groups: create their OSDs now and whenever a matching device appears."""
        raise NotImplementedError

    def preview_osdspecs(
        self,
        osdspec_name: Optional[str] = "osd",
        osdspecs: Optional[List[DriveGroupSpec]] = None,
    ) -> OrchResult[str]:
        """Say what OSDs would be created (no known caller; see ``plan``)."""
        raise NotImplementedError

    def remove_osds(
        self,
        osd_ids: List[str],
        replace: bool = False,
        replace_block: bool = False,
        replace_db: bool = False,
        replace_wal: bool = False,
        force: bool = False,
        zap: bool = False,
        no_destroy: bool = False,
    ) -> OrchResult[str]:
        """Drain and remove OSDs, in the background.

        ``osd_ids`` are ids as text. ``replace`` keeps the ids (the OSDs are marked destroyed),
        ``replace_block``, ``replace_db`` and ``replace_wal`` (20.2) say which device goes.
        ``force`` does not wait for the drain, ``zap`` erases the devices (DESTROYS DATA),
        ``no_destroy`` keeps their volume groups. In 18.2 ``force`` is the third parameter.
        """
        raise NotImplementedError

    def stop_remove_osds(self, osd_ids: List[str]) -> OrchResult[Any]:
        """Take OSDs out of the removal queue again."""
        raise NotImplementedError

    def remove_osds_status(self) -> OrchResult[Any]:
        """Report the removal queue, a row for each OSD (reference/ceph_contract.md 3.3)."""
        raise NotImplementedError

    def set_osd_spec(self, service_name: str, osd_ids: List[str]) -> OrchResult[str]:
        """Say that these OSDs belong to this OSD service (20.2)."""
        raise NotImplementedError
