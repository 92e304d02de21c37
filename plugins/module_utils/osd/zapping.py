"""Wipe disks by name, when nobody needs what is on them."""

from __future__ import annotations

import os
import time
from typing import Any, Dict, Iterable, List, Mapping, Set, Tuple

from ..cluster.osd_map import NoAnswer, Question
from ..disks.planned import Disk, Refused, find_disk, reason_in_use
from ..disks.writers import OpenDisks
from ..system.host_lock import HostLock
from ..system.reading import clean
from ..systemd.units import has_failed
from .local_osds import ceph_volumes, other_volumes
from .removal import Host, RemovalRefused, Traces, take_down, zap_disk
from .startup import Startup


class Zapping:
    """The disks to wipe, all looked at; raises ``RemovalRefused``.

    ``clean`` are those on which nothing is, ``used`` the others. ``allowed`` are the uuids of OSDs
    whose disks may be wiped although the cluster has them, before ``until`` in seconds since the
    epoch (0 is always). ``question`` is what the monitors were
    asked (``osd_map.asked``).
    """

    def __init__(
        self,
        host: Host,
        devices: Iterable[Mapping[str, Any]],
        cluster: str,
        question: Question,
        allowed: Iterable[str] = (),
        until: float = 0.0,
    ) -> None:
        self.clean: List[Disk] = []
        self.used: List[Disk] = []
        self._host = host
        self._cluster = cluster
        self._allowed = set(allowed)
        self._until = until
        self._question = question
        self._open = OpenDisks(host.roots)
        problems = []
        for device in devices:
            try:
                disk = self._find(device)
                self._refuse_needed(disk)
            except Refused as refusal:
                problems.append(str(refusal))
                continue
            (self.clean if is_clean(disk) else self.used).append(disk)
        if problems:
            raise RemovalRefused(" ".join(["No disk was wiped on this host.", *problems]))

    def _find(self, device: Mapping[str, Any]) -> Disk:
        blocks = [disk.block for disk in self._host.disks]
        found = find_disk(self._host.roots, blocks, device)
        disk = next(each for each in self._host.disks if each.block is found.block)
        disk.path = found.path
        return disk

    def _pieces(self, disk: Disk) -> List[Disk]:
        """Return the disk and its partitions."""
        mine = [piece.path for piece in disk.block.pieces]
        return [piece for piece in self._host.pieces if piece.block.path in mine]

    def _refuse_needed(self, disk: Disk) -> None:
        here = self._host.here
        running = [here.running_on(piece) for piece in self._pieces(disk)]
        osd_id = next((each for each in running if each is not None), None)
        reason = reason_in_use(self._host.roots, disk)
        in_map = self._reason_in_map(disk)
        gone = osd_id is not None and not in_map and self._only_restarts(osd_id, disk)
        if osd_id is not None and not gone:
            reason = f"osd.{osd_id} runs on it. Stop and remove the OSD first"
        reason = self._reason_copy(disk) or reason or in_map or self._reason_unknown(disk)
        entry = here.volumes.get(disk.block.path)
        entries = [here.volumes.get(piece.block.path) for piece in self._pieces(disk)]
        others = [name for each in entries if each for name in other_volumes(each)]
        held = [name for piece in disk.block.pieces for name in piece.holders]
        if not reason and others:
            reason = f"it has LVM volumes that belong to no OSD ({', '.join(others)}). Remove them"
        if not reason and held and not ceph_volumes(entry):
            reason = f"it is used by {', '.join(held)}. Take that down first"
        if not reason and disk.held and not (held or gone) and disk.is_read:
            reason = f"a program uses it ({disk.held}). Stop that first"
        if not reason and not gone:
            reason = self._open.reason(disk, "Stop that first")
        if reason:
            raise Refused(f"{disk.path}: {reason}.")

    def _reason_copy(self, disk: Disk) -> str:
        """Return why a copy of what an OSD runs from is not wiped, or an empty text.

        To remove the OSD, as for its own disk, would drain one that is well.
        """
        copied = [self._host.here.runs_elsewhere(piece) for piece in self._pieces(disk)]
        osd_id = next((each for each in copied if each is not None), None)
        if osd_id is None:
            return ""
        return (
            f"it has a copy of osd.{osd_id}, which runs from other disks of this host. Take it "
            f"out, or, if osd.{osd_id} does not need it, wipe it by hand with `wipefs --all`"
        )

    def _only_restarts(self, osd_id: int, disk: Disk) -> bool:
        """Tell whether systemd tries in vain to start the very OSD that the disk carries.

        One that the cluster has no more cannot run: its unit goes with what it left.
        """
        here = self._host.here
        directory = here.directories.get(osd_id)
        uuids = {osd_uuid for _, osd_uuid in self._osds_of_cluster(disk)}
        mine = directory is not None and directory.osd_uuid in uuids
        return mine and has_failed(here.unit(osd_id))

    def _reason_unknown(self, disk: Disk) -> str:
        """Return why nobody can know whose the disk is, or an empty text."""
        here = self._host.here
        for piece in self._pieces(disk):
            name = "it" if piece.block is disk.block else f"its partition {piece.path}"
            if not piece.is_read:
                return (
                    f"what is on {name} cannot be read ({clean(piece.content['error'])}), so "
                    "whether it is needed is not known. Try again, or take the disk out"
                )
            if piece.has_lvm and here.unread is not None:
                return f"{name} belongs to LVM. {str(here.unread).rstrip('.')}"
            if piece.has_lvm and piece.block.path not in here.volumes:
                return (
                    f"{name} belongs to LVM, but LVM does not list it (`pvs`), so its owner is "
                    "not known. Have LVM list it (`lvmdevices --adddev`), or wipe it by hand with "
                    "`wipefs --all`"
                )
        return ""

    def _reason_in_map(self, disk: Disk) -> str:
        """Return why the cluster needs what is on a disk, or an empty text."""
        osds = sorted(self._osds_of_cluster(disk))
        if not osds:
            return ""
        try:
            known = self._question.answer()
        except NoAnswer as problem:
            names = ", ".join(f"osd.{osd_id}" for osd_id, _ in osds if osd_id >= 0) or "an OSD"
            return f"{names} is on it, and whether the cluster still has it is not known. {problem}"
        too_late = bool(self._until) and time.time() > self._until
        there = {osd_uuid for _, osd_uuid in osds} - (set() if too_late else self._allowed)
        needed = sorted(
            osd_id
            for osd_id, row in known.items()
            if row["uuid"] in there and "destroyed" not in row["states"]
        )
        if not needed:
            return ""
        names = ", ".join(f"osd.{osd_id}" for osd_id in needed)
        if too_late and there & self._allowed:
            return (
                f"{names} is on it, which is in the cluster's map, and the monitors called it safe "
                "to destroy too long ago. Ask for it again"
            )
        return (
            f"{names} is on it, which is in the cluster's map and not destroyed. Remove it with "
            f"`ceph orch osd rm {' '.join(map(str, needed))} --zap`, which drains it first"
        )

    def _osds_of_cluster(self, disk: Disk) -> Set[Tuple[int, str]]:
        """Return the OSDs of this cluster on a disk and its partitions: pairs of id and uuid.

        A label of a DB or WAL device says no id and no cluster.
        """
        found = {
            (piece.label["osd_id"], piece.label["osd_uuid"])
            for piece in self._pieces(disk)
            if piece.label and piece.label["cluster"] in ("", self._cluster)
        }
        for piece in self._pieces(disk):
            for volume in ceph_volumes(self._host.here.volumes.get(piece.block.path)):
                if volume["cluster_fsid"] in ("", self._cluster):
                    found.add((int(volume["osd_id"]), volume["osd_fsid"]))
        return {pair for pair in found or self._osds_set_up(disk) if pair[1]}

    def _osds_set_up(self, disk: Disk) -> Set[Tuple[int, str]]:
        """Return the OSDs of this cluster whose directories on this host lead to a disk.

        A label can be lost, and what is behind it still be wanted.
        """
        nodes = {os.path.realpath(piece.block.node) for piece in self._pieces(disk)}
        return {
            (osd_id, directory.osd_uuid)
            for osd_id, directory in self._host.here.directories.items()
            if directory.cluster in ("", self._cluster) and directory.devices & nodes
        }

    def wipe(self, disk: Disk, startup: Startup, lock: HostLock, timeout: float) -> None:
        """Wipe a disk, and what is left on the host of the dead OSD that was on it."""
        for osd in self._dead_osds(disk):
            take_down(Traces(osd, self._host), startup)
        zap_disk(self._host, disk, lock, timeout)

    def _dead_osds(self, disk: Disk) -> List[Dict[str, Any]]:
        """Return the OSDs of the cluster that the disk carries and whose directory is theirs."""
        found = [
            (piece.label["osd_id"], piece.label["osd_uuid"])
            for piece in self._pieces(disk)
            if piece.label and piece.label["cluster"] == self._cluster
        ]
        for volume in ceph_volumes(self._host.here.volumes.get(disk.block.path)):
            if volume["type"] == "block" and volume["cluster_fsid"] == self._cluster:
                found.append((int(volume["osd_id"]), volume["osd_fsid"]))
        directories = self._host.here.directories
        return [
            {"osd_id": osd_id, "osd_uuid": osd_uuid}
            for osd_id, osd_uuid in found
            if osd_id >= 0
            and (osd_id not in directories or directories[osd_id].osd_uuid in ("", osd_uuid))
        ]


def is_clean(disk: Disk) -> bool:
    """Tell whether nothing at all is on a disk, as far as wiping it would take something away.

    Data without a known signature, such as that of a database, is none the less there.
    """
    content = disk.content
    if "error" in content or disk.block.parts:
        return False
    found = ("type", "table", "bluestore", "replaced", "unknown")
    return not any(content.get(name) for name in found)
