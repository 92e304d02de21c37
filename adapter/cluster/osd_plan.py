"""Which disks become OSDs: a drive group against what the hosts have. Pure functions.

A plan names host, path, size and device id of every disk that will be written, so that the host
can refuse a disk that is another one by then.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Callable, Collection, Dict, List, Mapping, Optional, Sequence, Tuple

from adapter.cluster.device_names import DeviceNames, Links, NamedPaths
from adapter.cluster.drive_group_fields import without_lvm
from adapter.cluster.fields import LAST_ID, Fields
from adapter.interface import Device, DriveGroupSpec, DriveSelection
from adapter.interface.matchers import describe_size
from adapter.names import check_device_path

NOT_CLAIMED = (
    " was erased or freed since the drive group was applied; it is taken when that is applied again"
)
Allowed = Callable[[str], bool]
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
    take again. ``allow`` tells of a disk's key whether the drive group may take it, ``unclaimed``
    is what is said of one that it names and may not. ``busy`` are paths that another plan writes to
    at the moment, ``taken`` those of another part of this plan, ``ours`` paths that carry OSDs of
    the cluster; ``strangers`` says by path whose an OSD is that is on a disk and not the cluster's.
    ``links`` are the other names that the host reported, ``device_mapper`` whether it can have LVM.
    """
    named = NamedPaths(spec, DeviceNames(devices, links))
    usable = [
        device
        for device in devices
        if device.path not in busy
        and device.path not in taken
        and (not device.available or allow(disk_of(device).key))
    ]
    selection = DriveSelection(named.spec, usable, existing)
    known = {device.path: device for device in devices}
    place = _Place(known, busy, taken, ours, allow, unclaimed)
    chosen: Dict[str, List[Device]] = {}
    lacking: List[str] = []
    notes: List[str] = []
    for kind, found in (
        ("data", selection.data_devices()),
        ("db", selection.db_devices()),
        ("wal", selection.wal_devices()),
    ):
        chosen[kind], problems = place.free(found, shared=kind != "data")
        problems = [*named.problems[f"{kind}_devices"], *problems]
        notes += problems
        if problems and kind != "data":
            lacking.append(f"{kind}_devices")
    notes += _left_over(named.spec, usable, {*busy, *ours}, strangers)
    if not chosen["data"]:
        return HostPlan(host, (), tuple(notes))
    refused = _refused(spec, device_mapper)
    if lacking:
        refused.append(f"nothing is made without the {' and '.join(lacking)} that are named")
    groups = [] if refused else _groups(spec, chosen, named.links, notes)
    return HostPlan(host, _with_ids(groups, free_ids), (*notes, *refused), tuple(refused))


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


@dataclass(frozen=True)
class _Place:
    """What of a host's devices can be written to, see ``plan_host``."""

    known: Mapping[str, Device]
    busy: Collection[str]
    taken: Collection[str]
    ours: Collection[str]
    allow: Allowed
    unclaimed: str

    def free(self, found: Sequence[Device], *, shared: bool) -> Tuple[List[Device], List[str]]:
        """Return the chosen devices that can be written to, and why others that are named cannot.

        A device with volumes of Ceph can be shared by more metadata, which ceph-volume decides.
        """
        free, problems = [], []
        for device in found:
            report = self.known[device.path]
            if device.path in self.taken:
                continue
            reason = self._reason(report, shared)
            if reason is None:
                free.append(_with_class(report, device.crush_device_class))
            elif reason:
                problems.append(f"{device.path}{reason}")
        return free, problems

    def _reason(self, report: Device, shared: bool) -> Optional[str]:
        """Return why a device is not written to, None for one that is.

        Of one that carries what it is to carry there is nothing to say.
        """
        if report.path in self.busy:
            return ": an OSD is being made on it"
        if report.available and not self.allow(disk_of(report).key):
            return self.unclaimed
        if report.available or (shared and report.ceph_device_lvm):
            return None
        if report.path in self.ours or report.ceph_device_lvm:
            return ""
        return f" is not available: {', '.join(report.rejected_reasons) or 'in use'}"


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
        and DriveSelection(spec, [_as_free(device)]).data_devices()
    ]


def _as_free(device: Device) -> Device:
    return Device(device.path, sys_api=device.sys_api, available=True, device_id=device.device_id)


def _with_class(device: Device, wanted: Optional[str]) -> Device:
    """Return the reported device with the class that the spec asks for at this path."""
    if not wanted:
        return device
    return Device(
        device.path,
        sys_api=device.sys_api,
        available=device.available,
        device_id=device.device_id,
        crush_device_class=wanted,
    )


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
