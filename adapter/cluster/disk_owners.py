"""Whose disk is this? The one answer for all that plan, wipe or replace disks.

A disk belongs to an OSD of the cluster when its own label says so (on the disk, a partition or a
volume; by uuid), or when the OSD said so of itself when it started last, with the host and the disk
that it named. It does so for as long as the map has the OSD, whether it is up or down.
"""

from __future__ import annotations

from typing import Any, Collection, Dict, Iterable, List, Mapping, Optional, Set

from adapter.cluster.osd_map import OsdMap, OsdMetadata

Row = Mapping[str, Any]


class DiskOwners:
    """The OSDs of the map by what is known of their disks; made once for many questions.

    ``metadata`` is what the OSDs said of themselves, with hosts named as their records are.
    ``managed`` are the names of the hosts: an OSD that named another one may be on any of them, for
    hosts are renamed and disks move.
    """

    def __init__(
        self,
        osd_map: OsdMap,
        metadata: Iterable[OsdMetadata] = (),
        cluster: str = "",
        managed: Optional[Collection[str]] = None,
    ) -> None:
        self._osd_map = osd_map
        self._cluster = cluster
        self._by_uuid = {
            osd.uuid: osd.osd_id for osd in osd_map.osds.values() if osd.uuid and not osd.destroyed
        }
        self._on_host: Dict[str, List[OsdMetadata]] = {}
        for said in metadata:
            osd = osd_map.osds.get(said.osd_id)
            if osd is not None and not osd.destroyed:
                self._on_host.setdefault(said.hostname, []).append(said)
        self._of_others = [
            said
            for host, there in self._on_host.items()
            if managed is not None and host not in managed
            for said in there
        ]

    def of(self, row: Row, host: str) -> List[int]:
        """Return the OSDs, of the map and not destroyed, that a disk of a host belongs to."""
        found = {self._by_uuid[each] for each in self._labels(row) if each in self._by_uuid}
        names = names_of(row)
        for said in self._on_host.get(host, ()):
            named = names & {*said.devices, *said.db_devices, *said.wal_devices}
            if self._osd_map.osds[said.osd_id].up:
                mine = bool(named) and _is_same_disk(row, said, named)
            else:
                mine = not row.get("osds") and _was_on(row, said, named)
            if mine:
                found.add(said.osd_id)
        if not row.get("osds"):
            found |= {said.osd_id for said in self._of_others if _has_serial(row, said)}
        return sorted(found)

    def _labels(self, row: Row) -> List[str]:
        known = ("", self._cluster) if self._cluster else None
        return [
            str(each["osd_uuid"])
            for each in row.get("osds") or ()
            if known is None or each["cluster"] in known
        ]

    def left_by(self, osd_id: int, row: Row) -> str:
        """Return the uuid in the label that a destroyed OSD left on a disk, or nothing.

        The map has forgotten it; the label of its data has its id, and a uuid that nobody has.
        """
        for each in row.get("osds") or ():
            mine = each.get("osd_id") == osd_id and each["cluster"] == self._cluster
            if mine and each["kind"] == "block" and each["osd_uuid"] not in self._by_uuid:
                return str(each["osd_uuid"])
        return ""

    def left_behind(self, row: Row) -> List[str]:
        """Return the OSDs, by name, that left data on a disk and that the map does not have.

        They were destroyed or purged; a DB or WAL device says no id.
        """
        return sorted(
            "an OSD" if each["osd_id"] is None else f"osd.{each['osd_id']}"
            for each in row.get("osds") or ()
            if each["cluster"] in ("", self._cluster) and each["osd_uuid"] not in self._by_uuid
        )

    def stranger(self, row: Row) -> str:
        """Return whose OSD is on a disk with a label that is none of the map's."""
        clusters = {str(each["cluster"]) for each in row.get("osds") or () if each["cluster"]}
        others = sorted(clusters - {self._cluster})
        if others and self._cluster:
            return f"an OSD of the cluster {others[0]}"
        return "an OSD that is not in this cluster"


def names_of(row: Row) -> Set[str]:
    """Return what the kernel calls a disk; one of several paths has them all."""
    nodes = row["sys_api"].get("device_nodes") if isinstance(row.get("sys_api"), dict) else None
    named = {str(each) for each in nodes} if isinstance(nodes, list) else set()
    return {str(row["path"]).rpartition("/")[2], *named}


def _is_same_disk(row: Row, said: OsdMetadata, named: Set[str]) -> bool:
    """Tell whether what the OSD called its disk is still this one: names move, serials do not."""
    ids = _ids(said, named)
    return not ids or not row.get("device_id") or row["device_id"] in ids


def _was_on(row: Row, said: OsdMetadata, named: Set[str]) -> bool:
    """Tell whether an OSD that is down was on a disk without a label.

    One with the serial of its disk is that disk, whatever it is called by now, and whatever has
    become of its first bytes. By name alone a blank disk in its place is another one.
    """
    if _has_serial(row, said):
        return True
    return bool(named) and _is_same_disk(row, said, named) and not row.get("available")


def _has_serial(row: Row, said: OsdMetadata) -> bool:
    """Tell whether a disk has vendor, model and serial of one that an OSD named."""
    return bool(row.get("device_id")) and row["device_id"] in {value for _, value in said.names}


def _ids(said: OsdMetadata, named: Set[str]) -> Set[str]:
    """Return what an OSD called its disks of these names, by vendor, model and serial."""
    return {value for name, value in said.names if name in named}
