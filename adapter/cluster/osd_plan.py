"""Which disks become OSDs: a drive group against what the hosts have. Pure functions.

A plan names host, path, size and device id of every disk that will be written, so that the host
can refuse a disk that is another one by then.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Collection, Dict, List, Mapping, Optional, Sequence, Tuple

from adapter.cluster.choice_of_disks import (
    NOT_CLAIMED,
    SHARED,
    Allowed,
    Place,
    as_free,
    kept_back,
    selected,
    without,
)
from adapter.cluster.device_names import DeviceNames, Links, NamedPaths
from adapter.cluster.drive_group_fields import without_lvm
from adapter.cluster.fields import LAST_ID, Fields
from adapter.interface import Device, DriveGroupSpec, DriveSelection
from adapter.interface.matchers import describe_size
from adapter.names import check_device_path

# Options of a group by their types, see ``_options``.
_TEXTS = ("method", "osdspec", "crush_device_class", "block_db_size", "block_wal_size")
_FLAGS = ("encrypted", "tpm2", "moved")


@dataclass(frozen=True)
class Disk:
    """One disk of a plan. ``size`` is in bytes; it and ``device_id`` may be unknown.

    ``link`` is another name by which the disk was meant; it must still lead to it on the host.
    """

    path: str
    size: int = 0
    device_id: str = ""
    link: str = ""

    @property
    def key(self) -> str:
        """Return what names the disk through a change of its path, as well as can be."""
        return self.device_id or self.path

    def describe(self) -> str:
        """Return e.g. ``/dev/sdb (7.3 TiB, VENDOR_MODEL_SERIAL)``, with its link if it has one."""
        link = f"named {self.link}" if self.link else ""
        known = ", ".join(filter(None, (describe_size(self.size), self.device_id, link)))
        return f"{self.path} ({known})" if known else self.path

    def to_json(self) -> Dict[str, Any]:
        """Return the disk as a playbook's data."""
        known = {"path": self.path, "size": self.size, "device_id": self.device_id}
        return {**known, "link": self.link} if self.link else known

    @classmethod
    def read(cls, read: Fields) -> Disk:
        """Read what ``to_json`` wrote, or raise."""
        path, link = check_device_path(read.text("path")), read.text("link", "")
        if link:
            check_device_path(link)
        return cls(path, read.whole("size", 0, most=2**63), read.text("device_id", ""), link)


@dataclass(frozen=True)
class Group:
    """Disks that one call on the host makes OSDs of, and how; see the role ``osd_create``."""

    data: Tuple[Disk, ...]
    db: Tuple[Disk, ...] = ()
    wal: Tuple[Disk, ...] = ()
    osd_ids: Tuple[int, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def disks(self) -> Tuple[Disk, ...]:
        """Return all disks that are written to."""
        return (*self.data, *self.db, *self.wal)

    @property
    def per_disk(self) -> int:
        """Return how many OSDs are made on each data disk."""
        return int(self.options.get("osds_per_device") or 1)

    def ids_of(self, index: int) -> List[int]:
        """Return the ids of destroyed OSDs that those on a data disk take again."""
        return list(self.osd_ids[index * self.per_disk : (index + 1) * self.per_disk])

    def to_json(self) -> Dict[str, Any]:
        """Return the group as a playbook's data."""
        return {
            **self.options,
            "data": [disk.to_json() for disk in self.data],
            "db": [disk.to_json() for disk in self.db],
            "wal": [disk.to_json() for disk in self.wal],
            "osd_ids": list(self.osd_ids),
        }

    @classmethod
    def read(cls, read: Fields) -> Group:
        """Read what ``to_json`` wrote, or raise; options of a later version stay as they are."""
        for key in _TEXTS:
            read.text(key, "")
        for key in _FLAGS:
            read.flag(key, False)
        read.whole("osds_per_device", 1, least=1)
        read.whole("db_slots", 0)
        read.whole("wal_slots", 0)
        read.number("data_allocate_fraction", 0.0)
        return cls(
            data=read.rows("data", Disk.read, empty=False),
            db=read.rows("db", Disk.read),
            wal=read.rows("wal", Disk.read),
            osd_ids=read.wholes("osd_ids", most=LAST_ID),
            options=read.others("data", "db", "wal", "osd_ids"),
        )


@dataclass(frozen=True)
class HostPlan:
    """What a drive group does on one host; ``notes`` say what it leaves alone, and why.

    ``refused`` are those of them that keep all from being made until somebody mends them.
    """

    host: str
    groups: Tuple[Group, ...] = ()
    notes: Tuple[str, ...] = ()
    refused: Tuple[str, ...] = ()

    @property
    def disks(self) -> Tuple[Disk, ...]:
        """Return all disks that are written to."""
        return tuple(disk for group in self.groups for disk in group.disks)


def plan_host(
    spec: DriveGroupSpec,
    host: str,
    devices: Sequence[Device],
    *,
    existing: int = 0,
    free_ids: Sequence[int] = (),
    allow: Allowed = lambda key: True,
    allow_shared: Optional[Allowed] = None,
    unclaimed: str = NOT_CLAIMED,
    busy: Collection[str] = (),
    taken: Collection[str] = (),
    ours: Collection[str] = (),
    strangers: Mapping[str, str] = MappingProxyType({}),
    links: Links = MappingProxyType({}),
    device_mapper: Optional[bool] = None,
) -> HostPlan:
    """Return what a drive group does on a host that has these devices.

    ``existing`` is how many OSDs it has there already, ``free_ids`` are ids of destroyed OSDs to
    take again. ``allow`` tells of a disk's key whether the drive group may take it for data,
    ``allow_shared`` whether for DB and WAL (the same if it is not given), ``unclaimed`` is what is
    said of one that it names for data and may not take. ``busy`` are paths that another plan writes
    to at the moment, ``taken`` those of another part of this plan, ``ours`` paths that carry OSDs
    of the cluster; ``strangers`` says by path whose an OSD is that is on a disk and not the
    cluster's. ``links`` are the other names that the host reported, ``device_mapper`` whether it
    can have LVM.
    """
    named = NamedPaths(spec, DeviceNames(devices, links))
    known = {device.path: device for device in devices}
    place = Place(known, busy, taken, ours, allow, allow_shared or allow, unclaimed)
    found, usable = selected(named.spec, place, existing)
    data, notes = place.free(found["data"], shared=False)
    notes = [*named.problems["data_devices"], *notes]
    chosen = {"data": data}
    lacking: Dict[str, List[str]] = {}
    for kind in SHARED:
        chosen[kind], problems = place.free(found[kind], shared=True)
        lacking[kind] = [*named.problems[f"{kind}_devices"], *problems]
    notes += _left_over(named.spec, usable, {*busy, *ours}, strangers)
    if not data:
        notes += [problem for problems in lacking.values() for problem in problems]
        return HostPlan(host, (), tuple(notes))
    waits = kept_back(named.spec, place, existing, chosen, lacking)
    refused = [*_refused(spec, device_mapper), *without(spec, lacking)]
    groups = [] if refused or waits else _groups(spec, chosen, named.links, notes)
    return HostPlan(host, _with_ids(groups, free_ids), (*notes, *waits, *refused), tuple(refused))


def _refused(spec: DriveGroupSpec, device_mapper: Optional[bool]) -> List[str]:
    """Return why a host makes nothing of a drive group, whatever disks it has."""
    if device_mapper is not False or spec.method == "raw":
        return []
    load = "load the kernel's module dm_mod there"
    if spec.method == "lvm":
        return [
            "method lvm: the kernel of this host has no device mapper; use the method raw, or "
            f"{load}"
        ]
    return [
        f"{problem.field} {getattr(spec, problem.field)}: OSDs without LVM take whole disks as "
        f"they are, and the kernel of this host has no device mapper; leave it out, or {load}"
        for problem in without_lvm(spec)
    ]


def disk_of(device: Device, link: str = "") -> Disk:
    """Return the disk of a reported device, which was meant by a link if one is given."""
    size = device.sys_api.get("size") if device.sys_api else 0
    number = int(size) if isinstance(size, (int, float)) else 0
    return Disk(device.path, number, device.device_id or "", link)


def _left_over(
    spec: DriveGroupSpec,
    devices: Sequence[Device],
    used: Collection[str],
    strangers: Mapping[str, str],
) -> List[str]:
    """Name the disks that would be taken if an OSD that is gone had not left its data there."""
    if spec.data_devices is None or spec.data_devices.paths:
        return []
    return [
        f"{device.path} is not available: it carries "
        f"{strangers.get(device.path) or 'an OSD that is not in this cluster'}; "
        "`ceph orch device zap` erases it"
        for device in devices
        if not device.available
        and device.path not in used
        and not device.ceph_device_lvm
        and any("bluestore" in reason.lower() for reason in device.rejected_reasons)
        and DriveSelection(spec, [as_free(device)]).data_devices()
    ]


def _groups(
    spec: DriveGroupSpec,
    chosen: Mapping[str, Sequence[Device]],
    links: Mapping[str, str],
    notes: List[str],
) -> List[Group]:
    """Return one group for each device class among the data devices."""
    disks = {
        kind: [disk_of(device, links.get(device.path, "")) for device in found]
        for kind, found in chosen.items()
    }
    db, wal = disks["db"], disks["wal"]
    count = len(chosen["data"])
    if spec.method == "raw" and any(len(each) not in (0, count) for each in (db, wal)):
        notes.append(
            f"{count} data, {len(db)} db and {len(wal)} wal devices: a raw OSD needs one db or wal "
            "device of its own; nothing is made"
        )
        return []
    classes: Dict[str, List[int]] = {}
    for index, device in enumerate(chosen["data"]):
        name = device.crush_device_class or spec.crush_device_class or ""
        classes.setdefault(name, []).append(index)
    groups = []
    for name, indexes in classes.items():
        data = tuple(disks["data"][index] for index in indexes)
        pairs = spec.method == "raw"
        groups.append(
            Group(
                data=data,
                db=tuple(db[index] for index in indexes) if pairs and db else tuple(db),
                wal=tuple(wal[index] for index in indexes) if pairs and wal else tuple(wal),
                options=_options(spec, name),
            )
        )
    return groups


def _options(spec: DriveGroupSpec, device_class: str) -> Dict[str, Any]:
    return {
        "method": str(getattr(spec.method, "value", spec.method) or ""),
        "osdspec": spec.service_id or "",
        "crush_device_class": device_class,
        "encrypted": bool(spec.encrypted),
        "tpm2": bool(spec.tpm2),
        "osds_per_device": int(spec.osds_per_device or 1),
        "block_db_size": str(spec.block_db_size or ""),
        "block_wal_size": str(spec.block_wal_size or ""),
        "db_slots": int(spec.db_slots or 0),
        "wal_slots": int(spec.wal_slots or 0),
        "data_allocate_fraction": float(spec.data_allocate_fraction or 0.0),
    }


def _with_ids(groups: Sequence[Group], free_ids: Sequence[int]) -> Tuple[Group, ...]:
    """Hand the ids of destroyed OSDs out, one for each data disk."""
    left = list(free_ids)
    given = []
    for group in groups:
        count = len(group.data) * group.per_disk
        mine, left = left[:count], left[count:]
        given.append(replace(group, osd_ids=tuple(mine)))
    return tuple(given)
