"""Take OSDs from a host: their daemons, their directories, and, when asked, what is on the disks.

Only what carries the OSD's id, its uuid and the cluster's fsid is touched.
"""

from __future__ import annotations

import os
import re
from typing import Any, Dict, Iterable, List, Mapping, Sequence, Tuple

from ..disks.block import LOOP_VARIABLE, allows_loop_devices, own_blocks
from ..disks.inventory import is_labelled
from ..disks.planned import Disk, look_at, reason_held, reason_in_use
from ..disks.report import loop_setting
from ..disks.writers import OpenDisks
from ..system.host_lock import Detached, HostLock
from ..system.mounts import reason_of_mounts
from ..system.reading import Roots, clean
from ..systemd.units import act, forget_starts, is_alive, show_units, unmask
from . import ceph_volume_calls as calls
from .directories import osd_directories, remove_directory
from .disk_names import is_copy, is_disk, name_of
from .local_osds import LocalOsds, ceph_volumes, osd_unit
from .startup import UNIT, Startup

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TAKE_DOWN = "Take that down first, then run this again"
_LOG = "Look into /var/log/ceph/ceph-volume.log on the host"


class RemovalRefused(Exception):
    """Say why an OSD is not touched."""


class Traces:
    """What there is of one OSD on this host.

    ``disks`` and partitions carry its label, ``copies`` are disks with the label of which the
    orchestrator knows that the OSD was never on them. ``volumes`` are the disks on which its
    logical volumes are. ``is_own`` tells that what is set up with its id is this very OSD. Where
    the cluster has no such OSD any more (``gone``) its id may be another's: then that one is not
    among the traces.
    """

    def __init__(self, wanted: Mapping[str, Any], host: Host) -> None:
        self.osd_id: int = wanted["osd_id"]
        self.osd_uuid: str = wanted["osd_uuid"]
        self.proc = host.roots.proc
        self.directory = host.here.directories.get(self.osd_id)
        labelled = [disk for disk in host.pieces if self.is_on(disk)]
        self.copies = [disk for disk in labelled if is_copy(host.whole(disk), wanted)]
        self.disks = [disk for disk in labelled if disk not in self.copies]
        self._tell_copies_by_links()
        self.volumes = self._volumes(host)
        self.is_own = self._belongs_to(self.osd_uuid) or bool(self.disks or self.volumes)
        if self.directory is not None and self.directory.osd_uuid not in ("", self.osd_uuid):
            self.is_own = False
        self.units = [UNIT % self.osd_id, osd_unit(self.osd_id)]
        if self.volumes:
            self.units = [f"ceph-volume@lvm-{self.osd_id}-{self.osd_uuid}.service", self.units[1]]
        self.states = show_units(self.units)
        self.is_others = bool(wanted.get("gone")) and not self.is_own and self._is_anothers(host)
        if self.is_others:
            self.directory, self.units, self.states = None, [], {}

    def _belongs_to(self, osd_uuid: str) -> bool:
        return self.directory is not None and self.directory.osd_uuid == osd_uuid

    def _tell_copies_by_links(self) -> None:
        """Tell the OSD's disks from copies by its directory: disks need not have a serial."""
        directory = self.directory
        if directory is None or directory.osd_uuid != self.osd_uuid:
            return
        linked = directory.devices
        for same in self._of_one_kind():
            mine = [disk for disk in same if os.path.realpath(disk.block.node) in linked]
            if mine:
                self.copies += [disk for disk in same if disk not in mine]
        self.disks = [disk for disk in self.disks if disk not in self.copies]

    def _of_one_kind(self) -> List[List[Disk]]:
        """Return the disks of which there are several with the same part of the OSD."""
        found: Dict[str, List[Disk]] = {}
        for disk in self.disks:
            found.setdefault(str((disk.label or {}).get("kind")), []).append(disk)
        return [disks for disks in found.values() if len(disks) > 1]

    def refuse_doubles(self) -> None:
        """Raise ``RemovalRefused`` where nobody can tell the OSD's disk from a copy of it."""
        for same in self._of_one_kind():
            names = " and ".join(name_of(disk) for disk in same)
            kind = str((same[0].label or {}).get("kind"))
            raise RemovalRefused(
                f"{names} both carry the {kind} of osd.{self.osd_id}: one is a copy, so none is "
                "wiped. Take the copy out, or wipe them by name with `ceph orch device zap`."
            )

    def _is_anothers(self, host: Host) -> bool:
        """Tell whether another OSD with this id is set up here, or was."""
        named = self.directory is not None and bool(self.directory.osd_uuid)
        return named or any(
            disk.label and disk.label["osd_id"] == self.osd_id for disk in host.pieces
        )

    def is_on(self, disk: Disk) -> bool:
        """Tell whether a disk is the OSD's: its label is there, and nothing else is."""
        if not is_labelled(disk.content, disk.label) or disk.block.parts:
            return False
        return disk.label is not None and disk.label["osd_uuid"] == self.osd_uuid

    def _volumes(self, host: Host) -> Dict[str, bool]:
        """Return the disks with volumes of the OSD, and whether all of each disk's are."""
        found = {}
        for path, entry in host.here.volumes.items():
            mine = [each for each in ceph_volumes(entry) if each["osd_fsid"] == self.osd_uuid]
            if mine:
                found[path] = len(mine) == len(entry["volumes"])
        return found

    def disks_to_zap(self, destroy_lvs: bool) -> List[str]:
        """Return the paths of the disks on which nothing is left when the OSD is wiped."""
        wiped = [path for path, all_mine in self.volumes.items() if all_mine and destroy_lvs]
        return [disk.path for disk in self.disks] + wiped

    @property
    def is_set_up(self) -> bool:
        """Tell whether anything of the OSD but the contents of its disks is there."""
        return self.directory is not None or any(
            is_alive(state) or state.get("UnitFileState", "").startswith("enabled")
            for state in self.states.values()
        )

    def refuse_others(self, host: Host, cluster: str) -> None:
        """Raise ``RemovalRefused`` where the id or the disks are another OSD's."""
        directory = self.directory
        if directory is not None and directory.osd_uuid not in ("", self.osd_uuid):
            raise RemovalRefused(
                f"osd.{self.osd_id} on this host has the uuid {directory.osd_uuid}, not "
                f"{self.osd_uuid}. Give the uuid that `ceph osd info {self.osd_id}` prints."
            )
        other = self._other_with_this_id(host, cluster)
        if other:
            raise RemovalRefused(other)
        for disk in self.disks:
            label = disk.label or {}
            if label["kind"] == "block" and (label["osd_id"], label["cluster"]) != (
                self.osd_id,
                cluster,
            ):
                raise RemovalRefused(
                    f"{disk.path}: it carries osd.{label['osd_id']} of the cluster "
                    f"{label['cluster']}, not osd.{self.osd_id} of {cluster}. Check id and cluster."
                )

    def _other_with_this_id(self, host: Host, cluster: str) -> str:
        """Return a sentence when what is set up with this id is another OSD of the cluster.

        A disk with the label of an OSD that once had the id says nothing by itself.
        """
        if self._belongs_to(self.osd_uuid) or self.disks or self.volumes or not self.is_set_up:
            return ""
        for disk in host.pieces:
            label = disk.label
            if label and (label["osd_id"], label["cluster"]) == (self.osd_id, cluster):
                return (
                    f"{disk.path}: it carries osd.{self.osd_id} with the uuid {label['osd_uuid']}, "
                    f"not {self.osd_uuid}. Give the uuid of the OSD that is meant, or zap the disk."
                )
        return ""


class Host:
    """The disks, directories and OSDs of this host as they are now.

    ``pieces`` are the disks and their partitions. ``at_work`` tells that a program which was run
    had not ended when nobody waited any longer.
    """

    def __init__(self, roots: Roots) -> None:
        self.at_work = False
        self.roots = roots
        self.setting = loop_setting(roots)
        blocks = own_blocks(roots, allows_loop_devices(self.setting))
        self.disks = [Disk(block.path, block) for block in blocks]
        parts = [Disk(part.path, part) for block in blocks for part in block.parts]
        self.pieces = [*self.disks, *(part for part in parts if os.path.exists(part.block.node))]
        look_at(self.pieces)
        self.here = LocalOsds.read(osd_directories(roots), self.pieces)

    def whole(self, piece: Disk) -> Disk:
        """Return the disk that a partition is on, or the disk itself."""
        paths = ((disk, [each.path for each in disk.block.pieces]) for disk in self.disks)
        return next((disk for disk, mine in paths if piece.block.path in mine), piece)

    def run(
        self, name: str, argv: List[str], lock: HostLock, timeout: float, only: Sequence[str] = ()
    ) -> None:
        """Run ceph-volume; raise ``RemovalRefused`` with the reason when it fails."""
        environment = {LOOP_VARIABLE: self.setting} if self.setting else {}
        work = Detached(name, argv, lock, environment, only)
        answer = work.result(timeout)
        self.at_work = self.at_work or work.is_running
        if answer.problem:
            reason = calls.reason_of_failure(answer.err) or answer.problem
            raise RemovalRefused(f"{argv[-1]}: ceph-volume failed: {reason}. {_LOG}.")


def check_wanted(osds: Iterable[Mapping[str, Any]]) -> None:
    """Raise ``RemovalRefused`` for a list of OSDs that cannot be meant so."""
    for osd in osds:
        if osd["osd_id"] < 0:
            raise RemovalRefused(
                f"Invalid osd_id {osd['osd_id']}: it is negative. Give an OSD's id."
            )
        if not _UUID.fullmatch(osd["osd_uuid"]):
            raise RemovalRefused(
                f"Invalid osd_uuid {clean(osd['osd_uuid'])!r} of osd.{osd['osd_id']}. Give the "
                f"uuid that `ceph osd info {osd['osd_id']}` prints."
            )


def find_all(
    host: Host, osds: Iterable[Mapping[str, Any]], cluster: str, going: bool = True
) -> List[Tuple[Mapping[str, Any], Traces]]:
    """Return the traces of all OSDs that ``check_wanted`` let pass; raise before anything is done.

    ``going`` tells that their directories are removed, now or next. Raises ``RemovalRefused``, or
    ``LvmUnreadable`` where an OSD may be on volumes that nobody knows.
    """
    found = []
    for wanted in osds:
        traces = Traces(wanted, host)
        if not traces.disks:
            # It may be on volumes.
            host.here.check_lvm()
        traces.refuse_others(host, cluster)
        if going and traces.directory is not None:
            reason = reason_of_mounts(traces.directory.path, host.roots.proc)
            if reason:
                raise RemovalRefused(f"osd.{traces.osd_id} is not removed: {reason}")
        if wanted["zap"]:
            traces.refuse_doubles()
            for disk in traces.disks:
                reason = reason_in_use(host.roots, disk)
                if reason:
                    raise RemovalRefused(f"{disk.path}: {reason}.")
        found.append((wanted, traces))
    return found


def is_wiped(wanted: Mapping[str, Any], traces: Traces) -> bool:
    """Tell whether there is something on this host to be wiped."""
    return bool(wanted["zap"] and (traces.disks or traces.volumes))


def refuse_living(osd_id: int, osd_uuid: str, known: Mapping[int, Mapping[str, Any]]) -> None:
    """Raise ``RemovalRefused`` if the cluster still has an OSD that is to be wiped.

    ``known`` is what the monitors say of all OSDs.
    """
    for row in known.values():
        if row["uuid"] == osd_uuid and "destroyed" not in row["states"]:
            raise RemovalRefused(
                f"osd.{osd_id} with the uuid {osd_uuid} is in the cluster's map, so it is not "
                f"taken away and not wiped. Remove it with `ceph orch osd rm {osd_id} --zap`; "
                f"without an orchestrator drain and stop it, then `ceph osd purge {osd_id}` or "
                f"`ceph osd destroy {osd_id}`."
            )


def unseen(host: Host, wanted: Mapping[str, Any]) -> List[str]:
    """Return the disks of an OSD that this host does not show.

    Nobody knows whether they are wiped. ``wanted`` names them with path and device id.
    """
    devices = (wanted.get("disks") or ()) if wanted["zap"] else ()
    missing = [
        device for device in devices if not any(is_disk(disk, device) for disk in host.disks)
    ]
    return sorted({clean(device.get("device_id") or device["path"]) for device in missing})


def unread(host: Host, wanted: Mapping[str, Any], traces: Traces) -> List[str]:
    """Return the disks of an OSD that this host shows and cannot read, each with the reason."""
    devices = (wanted.get("disks") or ()) if wanted["zap"] else ()
    found = [disk for disk in host.disks if any(is_disk(disk, device) for device in devices)]
    found += traces.disks if wanted["zap"] else []
    return sorted({_describe_unread(disk) for disk in found if "error" in disk.content})


def left_alone(host: Host, wanted: Mapping[str, Any], traces: Traces) -> List[str]:
    """Return the disks of an OSD that this host shows with other things on them, and nothing of it.

    Somebody has written to them since; they are not wiped.
    """
    devices = (wanted.get("disks") or ()) if wanted["zap"] else ()
    mine = {disk.path for disk in traces.disks} | set(traces.volumes)
    return sorted(
        name_of(disk)
        for disk in host.disks
        if any(is_disk(disk, device) for device in devices)
        and mine.isdisjoint([disk.path, *(part.path for part in disk.block.parts)])
        and "error" not in disk.content
        and (disk.content["type"] or disk.content["table"] or disk.label or disk.block.parts)
    )


def names_of_copies(traces: Traces) -> List[str]:
    """Return the disks with a copy of an OSD, which are left as they are."""
    return sorted(name_of(disk) for disk in traces.copies)


def _describe_unread(disk: Disk) -> str:
    return f"{name_of(disk)} ({clean(disk.content['error'])})"


def predict(wanted: Mapping[str, Any], traces: Traces) -> Dict[str, Any]:
    """Return the row that says what would become of an OSD."""
    zapped = traces.disks_to_zap(wanted["destroy_lvs"]) if wanted["zap"] else []
    state = "would be removed" if traces.is_set_up or is_wiped(wanted, traces) else "absent"
    return {"osd_id": wanted["osd_id"], "state": state, "zapped": zapped}


def take_down(traces: Traces, startup: Startup) -> None:
    """Stop an OSD for good and remove its directory; raises ``UnitsFailed`` and OSError.

    A mask goes too: the id may be given to another OSD, which could not be started.
    """
    states = {**traces.states, **unmask(traces.states)}
    loaded = [
        name
        for name, state in states.items()
        if state.get("LoadState") == "loaded"
        and (is_alive(state) or state.get("UnitFileState", "").startswith("enabled"))
    ]
    if loaded:
        act("disable", loaded, "--now")
    # One that systemd tried to start again and again may have failed since it was looked at.
    left = show_units(traces.units)
    alive = [name for name, state in left.items() if is_alive(state)]
    if loaded and alive:
        act("stop", alive)
    if loaded or any(state.get("ActiveState") == "failed" for state in left.values()):
        forget_starts(traces.units)
    if traces.directory is not None:
        remove_directory(traces.directory.path, traces.proc)
    if not traces.is_others:
        startup.remove(traces.osd_id)


def zap(
    host: Host, wanted: Mapping[str, Any], traces: Traces, lock: HostLock, timeout: float
) -> None:
    """Wipe the OSD's disks and volumes, of which nobody else may have any."""
    look_at(traces.disks)
    opened = OpenDisks(host.roots)
    for disk in traces.disks:
        reason = reason_in_use(host.roots, disk) or reason_held(disk, _TAKE_DOWN)
        reason = reason or opened.reason(disk, _TAKE_DOWN)
        if reason:
            raise RemovalRefused(f"{disk.path}: {reason}.")
        if "error" not in disk.content and not traces.is_on(disk):
            raise RemovalRefused(
                f"{disk.path}: somebody has written to it since the removal began, so it is not "
                f"wiped. `ceph orch device zap HOST {disk.path} --force` wipes it all the same."
            )
    if traces.volumes:
        argv = calls.zap_osd(traces.osd_id, traces.osd_uuid, wanted["destroy_lvs"])
        host.run(f"zap-osd.{traces.osd_id}", argv, lock, timeout)
    for disk in traces.disks:
        zap_disk(host, disk, lock, timeout)


def zap_disk(host: Host, disk: Disk, lock: HostLock, timeout: float) -> None:
    """Wipe a whole disk, or a partition, and see to it that nothing is left.

    A partition itself stays: to take it away would be to write to the table of a disk on which
    others may have theirs.
    """
    path = disk.block.path
    only = [] if disk.has_lvm else [os.path.realpath(disk.block.node)]
    argv = calls.zap_device(path, destroy=host.whole(disk) is disk)
    host.run(f"zap-{disk.block.name}", argv, lock, timeout, only)
    look_at([disk])
    content = disk.content
    if "error" in content:
        remedy = content.get("remedy") or f"{_LOG}, and at the disk"
        raise RemovalRefused(
            f"{disk.path}: ceph-volume has wiped it, but whether anything is left on it is not "
            f"known ({clean(content['error'])}). {remedy}."
        )
    left = content["type"] or content["table"]
    if left or content["bluestore"] or content["replaced"]:
        raise RemovalRefused(
            f"{disk.path}: something is still on it after ceph-volume has wiped it "
            f"({clean(left or 'BlueStore')}). {_LOG}, and wipe the disk by hand."
        )
