"""Which disks become OSDs: a drive group against what the hosts have. Pure functions.

A plan names host, path, size and device id of every disk that will be written, so that the host
can refuse a disk that is another one by then.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Callable, Collection, Dict, List, Mapping, Optional, Sequence, Tuple

from adapter.cluster.fields import LAST_ID, Fields
from adapter.cluster.names import check_device_path
from adapter.interface import Device, DriveGroupSpec, DriveSelection

Allowed = Callable[[str], bool]
# Options of a group by their types, see ``_options``.
_TEXTS = ("method", "osdspec", "crush_device_class", "block_db_size", "block_wal_size")
_FLAGS = ("encrypted", "tpm2")


@dataclass(frozen=True)
class Disk:
    """One disk of a plan. ``size`` is in bytes; it and ``device_id`` may be unknown."""

    path: str
    size: int = 0
    device_id: str = ""

    @property
    def key(self) -> str:
        """Return what names the disk through a change of its path, as well as can be."""
        return self.device_id or self.path

    def in_words(self) -> str:
        """Return e.g. ``/dev/sdb (7.3 TiB, VENDOR_MODEL_SERIAL)``."""
        known = ", ".join(part for part in (size_in_words(self.size), self.device_id) if part)
        return f"{self.path} ({known})" if known else self.path

    def to_json(self) -> Dict[str, Any]:
        """Return the disk as a playbook's data."""
        return {"path": self.path, "size": self.size, "device_id": self.device_id}

    @classmethod
    def read(cls, read: Fields) -> Disk:
        """Read what ``to_json`` wrote, or raise."""
        path = check_device_path(read.text("path"))
        return cls(path, read.whole("size", 0, most=2**63), read.text("device_id", ""))


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
    """What a drive group does on one host; ``notes`` say what it leaves alone, and why."""

    host: str
    groups: Tuple[Group, ...] = ()
    notes: Tuple[str, ...] = ()

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
    busy: Collection[str] = (),
    ours: Collection[str] = (),
    strangers: Mapping[str, str] = MappingProxyType({}),
) -> HostPlan:
    """Return what a drive group does on a host that has these devices.

    ``existing`` is how many OSDs it has there already, ``free_ids`` are ids of destroyed OSDs to
    take again. ``allow`` tells of a disk's key whether the drive group may take it. ``busy`` are
    paths that another plan writes to at the moment, ``ours`` paths that carry OSDs of the cluster;
    ``strangers`` says by path whose an OSD is that is on a disk and not the cluster's.
    """
    known = {device.path: device for device in devices}
    notes: List[str] = []
    usable = [
        device
        for device in devices
        if device.path not in busy and (not device.available or allow(disk_of(device).key))
    ]
    selection = DriveSelection(spec, usable, existing)
    chosen: Dict[str, List[Device]] = {}
    for kind, found in (
        ("data", selection.data_devices()),
        ("db", selection.db_devices()),
        ("wal", selection.wal_devices()),
    ):
        chosen[kind] = _free(found, known, notes, busy=busy, ours=ours, shared=kind != "data")
    notes += _left_over(spec, usable, {*busy, *ours}, strangers)
    if not chosen["data"]:
        return HostPlan(host, (), tuple(notes))
    groups = _groups(spec, chosen, notes)
    return HostPlan(host, _with_ids(groups, free_ids), tuple(notes))


def disk_of(device: Device) -> Disk:
    """Return the disk of a reported device."""
    size = device.sys_api.get("size") if device.sys_api else 0
    number = int(size) if isinstance(size, (int, float)) else 0
    return Disk(device.path, number, device.device_id or "")


def _free(
    found: Sequence[Device],
    known: Mapping[str, Device],
    notes: List[str],
    *,
    busy: Collection[str],
    ours: Collection[str],
    shared: bool,
) -> List[Device]:
    """Return the chosen devices that can be written to; say why another that was named cannot.

    A device with volumes of Ceph can be shared by more metadata, which ceph-volume decides.
    """
    free = []
    for device in found:
        report = known.get(device.path)
        if report is None:
            notes.append(f"{device.path}: the host has no such device")
        elif device.path in busy:
            notes.append(f"{device.path}: an OSD is being made on it")
        elif report.available or (shared and report.ceph_device_lvm):
            free.append(_with_class(report, device.crush_device_class))
        elif device.path not in ours and not report.ceph_device_lvm:
            reasons = ", ".join(report.rejected_reasons) or "in use"
            notes.append(f"{device.path} is not available: {reasons}")
    return free


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
        f"{strangers.get(device.path) or 'an OSD that this cluster has not'}; "
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
    spec: DriveGroupSpec, chosen: Mapping[str, Sequence[Device]], notes: List[str]
) -> List[Group]:
    """Return one group for each device class among the data devices."""
    db, wal = ([disk_of(device) for device in chosen[kind]] for kind in ("db", "wal"))
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
        data = tuple(disk_of(chosen["data"][index]) for index in indexes)
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
        "data_allocate_fraction": float(spec.data_allocate_fraction or 0.0),
    }


def _with_ids(groups: Sequence[Group], free_ids: Sequence[int]) -> Tuple[Group, ...]:
    """Hand the ids of destroyed OSDs out, one for each data disk."""
    left = list(free_ids)
    given = []
    for group in groups:
        count = len(group.data) * int(group.options.get("osds_per_device") or 1)
        mine, left = left[:count], left[count:]
        given.append(replace(group, osd_ids=tuple(mine)))
    return tuple(given)


def size_in_words(size: int) -> str:
    """Return a size in binary units, e.g. ``7.3 TiB``; nothing for an unknown one."""
    value, units = float(size), ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]
    while value >= 1024 and len(units) > 1:
        value, units = value / 1024, units[1:]
    return f"{value:.4g} {units[0]}" if size > 0 else ""


def in_words(plans: Sequence[HostPlan]) -> List[str]:
    """Return a line for each disk that becomes an OSD, and one for each note."""
    lines = []
    for plan in plans:
        for group in plan.groups:
            ids = list(group.osd_ids)
            for index, disk in enumerate(group.data):
                again = f", takes osd.{ids[index]} again" if index < len(ids) else ""
                with_db = _beside(group.db, index, len(group.data), "db")
                with_wal = _beside(group.wal, index, len(group.data), "wal")
                lines.append(f"{plan.host}: {disk.in_words()}{with_db}{with_wal}{again}")
        lines += [f"{plan.host}: {note}" for note in plan.notes]
    return lines


def _beside(disks: Sequence[Disk], index: int, count: int, kind: str) -> str:
    if not disks:
        return ""
    named = [disks[index]] if len(disks) == count else disks
    return f", {kind} on {', '.join(disk.path for disk in named)}"
