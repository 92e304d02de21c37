"""Judge each OSD of a plan: is it to be made, to be started, or already there? Or refuse it."""

from __future__ import annotations

from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from ..disks.block import Block, allows_loop_devices, has_device_mapper, own_blocks
from ..disks.lvm import LvmUnreadable, read_volumes
from ..disks.planned import (
    Disk,
    Refused,
    find_again,
    find_disk,
    look_at,
    reason_held,
    reason_in_use,
    reason_not_empty,
)
from ..disks.report import loop_setting
from ..disks.writers import OpenDisks
from ..system.reading import Roots
from .directories import OsdDirectory
from .groups import method_of, problems_of
from .local_osds import LocalOsds, ceph_volumes, lvm_osds, other_volumes

CREATE, START, PRESENT = "create", "start", "present"
_OTHER = "Plan another disk"
_ZAP = "If nothing on it is needed, zap it first"


class PlanRefused(Exception):
    """Say everything that is wrong with a plan."""


class Slot:
    """One data disk of a plan with what belongs to it.

    ``osds`` are the OSDs that stand on it, pairs of id and uuid, each with its disks by kind as far
    as LVM tells them; it is empty where they are to be made.
    """

    def __init__(
        self, group: Mapping[str, Any], method: str, data: Disk, others: Dict[str, Disk]
    ) -> None:
        self.group = group
        self.method = method
        self.data = data
        self.others = others
        self.step = CREATE
        self.osds: Dict[Tuple[int, str], Dict[str, str]] = {}

    @property
    def disks(self) -> List[Disk]:
        """Return all disks of the slot."""
        return [self.data, *self.others.values()]

    def path_of(self, kind: str, osd: Tuple[Any, str]) -> str:
        """Return the path of an OSD's DB or WAL device, or an empty text."""
        if kind in self.others:
            return self.others[kind].path
        found: Dict[str, str] = self.osds.get(osd, {})
        return found.get(kind, "")


class Plan:
    """A host's part of a plan, looked at on the host.

    Raises ``PlanRefused``, and ``LvmUnreadable`` where LVM does not say whose its disks are.
    """

    def __init__(
        self,
        roots: Roots,
        blocks: Sequence[Block],
        directories: Dict[int, OsdDirectory],
        groups: Sequence[Mapping[str, Any]],
        cluster: str,
    ) -> None:
        self.slots: List[Slot] = []
        self._shared: Dict[int, List[Disk]] = {}
        self._roots = roots
        self._blocks = blocks
        self._cluster = cluster
        self._problems: List[str] = []
        self._open = OpenDisks(roots)
        device_mapper = has_device_mapper(roots)
        self._stop_at(problems_of(groups, device_mapper))
        for group in groups:
            self._find(group, method_of(group, device_mapper))
        self._stop_at(self._problems)
        shared = [disk for each in self._shared.values() for disk in each]
        disks = [disk for slot in self.slots for disk in slot.disks] + shared
        self._stop_at(_same_disk(disks))
        unplanned = self._unplanned(disks)
        look_at(disks + unplanned)
        self.here = LocalOsds.read(directories, disks + unplanned)
        # Not a refusal: an earlier run may have made OSDs on these volumes.
        self.here.check_lvm()
        for slot in self.slots:
            self._try(self._judge, slot)
        for disk in shared:
            self._try(self._check_shared, disk, self.here.volumes)
        for disk in unplanned:
            self._try(self._check_unplanned, disk)
        self._stop_at(self._problems)

    def shared_by(self, group: Mapping[str, Any]) -> List[Disk]:
        """Return the DB and WAL disks that ceph-volume divides among a group's OSDs."""
        return self._shared.get(id(group), [])

    def look_again(self, slots: Sequence[Slot]) -> Dict[Slot, str]:
        """Return why OSDs cannot be made any more, by slot: others' turns came before.

        A disk may be another one by now, or not be free any more.
        """
        problems: Dict[Slot, str] = {}
        self._find_again()
        for slot in slots:
            self._note(problems, slot, self._is_same)
        left = [slot for slot in slots if slot not in problems]
        look_at([disk for slot in left for disk in slot.disks])
        self._open = OpenDisks(self._roots)
        for slot in left:
            self._note(problems, slot, self._check_free)
        return problems

    def look_again_at_shared(self, group: Mapping[str, Any]) -> None:
        """Raise ``Refused`` where a DB or WAL disk of a group cannot be divided any more."""
        disks = self.shared_by(group)
        self._find_again()
        for disk in disks:
            self._is_same(disk)
        look_at(disks)
        self._open = OpenDisks(self._roots)
        try:
            volumes = read_volumes() if any(disk.has_lvm for disk in disks) else {}
        except LvmUnreadable as problem:
            raise Refused(str(problem)) from None
        for disk in disks:
            self._check_shared(disk, volumes)

    def _find_again(self) -> None:
        self._blocks = own_blocks(self._roots, allows_loop_devices(loop_setting(self._roots)))

    def _is_same(self, disk: Disk) -> None:
        find_again(self._roots, self._blocks, disk)

    def _note(self, problems: Dict[Slot, str], slot: Slot, check: Callable[[Disk], object]) -> None:
        try:
            for disk in slot.disks:
                check(disk)
        except Refused as refusal:
            problems[slot] = str(refusal)

    def _stop_at(self, problems: Sequence[str]) -> None:
        if problems:
            raise PlanRefused(" ".join(["No disk of this host was touched.", *problems]))

    def _try(self, function: Callable[..., Optional[Disk]], *arguments: object) -> Optional[Disk]:
        try:
            return function(*arguments)
        except Refused as refusal:
            self._problems.append(str(refusal))
            return None

    def _find(self, group: Mapping[str, Any], method: str) -> None:
        # Where one is refused nothing is made of the others.
        found: Dict[str, List[Any]] = {
            kind: [self._try(find_disk, self._roots, self._blocks, each) for each in group[kind]]
            for kind in ("data", "db", "wal")
        }
        if any(disk is None for disks in found.values() for disk in disks):
            return
        whole = ("db", "wal") if method == "raw" else ()
        for index, data in enumerate(found["data"]):
            others = {kind: found[kind][index] for kind in whole if found[kind]}
            self.slots.append(Slot(group, method, data, others))
        if not whole:
            self._shared[id(group)] = found["db"] + found["wal"]

    def _unplanned(self, disks: Iterable[Disk]) -> List[Disk]:
        """Return the host's other disks, where ceph-volume may do harm to them.

        When it fails it wipes what carries the id that it has got, also another cluster's disk.
        Without LVM it is given no disk but the planned ones; with LVM it needs too much for that.
        """
        if all(slot.method == "raw" for slot in self.slots):
            return []
        planned = [disk.block for disk in disks]
        return [Disk(block.path, block) for block in self._blocks if block not in planned]

    def _check_unplanned(self, disk: Disk) -> None:
        clusters = {
            volume["cluster_fsid"]
            for volume in ceph_volumes(self.here.volumes.get(disk.block.path))
        }
        if disk.label:
            clusters.add(disk.label["cluster"])
        others = sorted(clusters - {"", self._cluster})
        if others:
            raise Refused(
                f"{disk.path}: an OSD of the cluster {others[0]} is on it, and ceph-volume may "
                "wipe it if it fails to make OSDs with LVM. Take the disk out, zap it if nothing "
                "on it is needed, or use the method raw."
            )

    def _judge(self, slot: Slot) -> None:
        volumes = self.here.volumes.get(slot.data.block.path)
        if slot.data.label:
            self._judge_labelled(slot)
        elif volumes and ceph_volumes(volumes) and not other_volumes(volumes):
            self._judge_volumes(slot, volumes)
        else:
            for disk in slot.disks:
                self._check_free(disk)

    def _judge_labelled(self, slot: Slot) -> None:
        label = slot.data.label or {}
        reason = self._reason_of_label(label, "block")
        if reason:
            raise Refused(f"{slot.data.path}: {reason}.")
        slot.method = "raw"
        self._settle(slot, {(label["osd_id"], label["osd_uuid"]): {}})
        for kind, disk in slot.others.items():
            other = disk.label or {}
            if (other.get("osd_uuid"), other.get("kind")) != (label["osd_uuid"], kind):
                raise Refused(
                    f"{disk.path}: it is planned as {kind} device of {slot.data.path}, but "
                    f"osd.{label['osd_id']} was made there without it. {_OTHER}."
                )

    def _reason_of_label(self, label: Mapping[str, Any], kind: str) -> str:
        """Return why a BlueStore label on a disk means that it is not touched."""
        owner = _owner(label)
        if label["cluster"] not in ("", self._cluster):
            return f"it belongs to {owner} of the cluster {label['cluster']}. {_OTHER}"
        if label["place"]:
            return f"it has a copy of the label of {owner}, and the label itself is gone. {_ZAP}"
        if label["kind"] != kind:
            return f"it is the {label['kind'] or 'unreadable'} device of {owner}. {_OTHER}"
        if kind == "block" and (label["osd_id"] < 0 or not label["ready"]):
            return f"{owner} was begun on it and not finished. {_ZAP}"
        return ""

    def _judge_volumes(self, slot: Slot, volumes: Mapping[str, Any]) -> None:
        clusters = {volume["cluster_fsid"] for volume in ceph_volumes(volumes)}
        if clusters != {self._cluster}:
            names = ", ".join(sorted(clusters - {self._cluster}))
            raise Refused(f"{slot.data.path}: OSDs of the cluster {names} are on it. {_OTHER}.")
        osds = osds_on_volumes(self.here, slot.data.block.path)
        if not osds:
            raise Refused(f"{slot.data.path}: DB or WAL of other OSDs is on it. {_OTHER}.")
        slot.method = "lvm"
        self._settle(slot, osds)

    def _settle(self, slot: Slot, osds: Dict[Tuple[int, str], Dict[str, str]]) -> None:
        """Remember the OSDs that stand on the disk, and whether they are to be started."""
        slot.osds = osds
        slot.step = PRESENT
        for osd_id, osd_uuid in osds:
            if self.here.stays_up(osd_id, osd_uuid):
                continue
            other = self.here.other_that_runs(osd_id, osd_uuid)
            if other:
                raise Refused(
                    f"{slot.data.path}: it carries osd.{osd_id} with the uuid {osd_uuid}, but "
                    f"osd.{osd_id} with the uuid {other} runs on this host. {_ZAP}."
                )
            reason = reason_in_use(self._roots, slot.data)
            if not reason and not slot.data.has_lvm:
                # Perhaps the OSD runs in a container.
                reason = reason_held(slot.data)
            if reason:
                raise Refused(f"{slot.data.path}: {reason}.")
            slot.step = START

    def _check_free(self, disk: Disk) -> None:
        reason = reason_in_use(self._roots, disk)
        if not reason and disk.label:
            reason = self._reason_of_label(disk.label, "block") or (
                f"{_owner(disk.label)} is on it. {_OTHER}"
            )
        reason = reason or reason_not_empty(disk) or reason_held(disk)
        reason = reason or self._open.reason(disk, _OTHER)
        if reason:
            raise Refused(f"{disk.path}: {reason}.")

    def _check_shared(self, disk: Disk, volumes: Mapping[str, Mapping[str, Any]]) -> None:
        """Let a DB or WAL disk pass that is free or has nothing but volumes of this cluster."""
        entry = volumes.get(disk.block.path)
        clusters = {volume["cluster_fsid"] for volume in ceph_volumes(entry)}
        if entry and entry["groups"] and not other_volumes(entry) and clusters <= {self._cluster}:
            reason = reason_in_use(self._roots, disk)
            if reason:
                raise Refused(f"{disk.path}: {reason}.")
            return
        self._check_free(disk)


def osds_on_volumes(here: LocalOsds, path: str) -> Dict[Tuple[int, str], Dict[str, str]]:
    """Return the OSDs whose data is on logical volumes of a disk, each with its disks by kind."""
    osds = lvm_osds(here.volumes)
    return {key: osd for key, osd in osds.items() if osd.get("block") == path}


def _owner(label: Mapping[str, Any]) -> str:
    if label["osd_id"] >= 0:
        return f"osd.{label['osd_id']}"
    return f"an OSD with the uuid {label['osd_uuid']}" if label["osd_uuid"] else "an OSD"


def _same_disk(disks: Iterable[Disk]) -> List[str]:
    by_block: Dict[str, List[str]] = {}
    for disk in disks:
        by_block.setdefault(disk.block.path, []).append(disk.path)
    return [
        f"{' and '.join(paths)}: the plan names one disk twice. Name each disk once."
        for paths in by_block.values()
        if len(paths) > 1
    ]


def free_ids(group: Mapping[str, Any], slots: Iterable[Slot]) -> List[int]:
    """Return the ids of a group that no OSD of an earlier run has taken yet."""
    taken = {osd_id for slot in slots if slot.group is group for osd_id, _ in slot.osds}
    return [osd_id for osd_id in group["osd_ids"] if osd_id not in taken]


def lvm_groups(slots: Iterable[Slot]) -> List[Tuple[Mapping[str, Any], List[Slot]]]:
    """Return the groups that ceph-volume has something to make for, each with its free slots."""
    groups: Dict[int, Tuple[Mapping[str, Any], List[Slot]]] = {}
    for slot in slots:
        if slot.step == CREATE and slot.method == "lvm":
            groups.setdefault(id(slot.group), (slot.group, []))[1].append(slot)
    return list(groups.values())
