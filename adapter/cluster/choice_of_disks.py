"""Which devices of a host a drive group chooses for data, DB and WAL. Pure functions.

What a drive group may take for data and what for DB and WAL can differ: the new disk of a destroyed
OSD is taken for data, and the DB disk beside it may have been there before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Collection, Dict, List, Mapping, Optional, Sequence, Tuple

from adapter.interface import Device, DriveGroupSpec, DriveSelection

NOT_CLAIMED = (
    " was erased or freed since the drive group was applied; it is taken when that is applied again"
)
SHARED = ("db", "wal")
Allowed = Callable[[str], bool]
_BUSY = ": an OSD is being made on it"


def key_of(device: Device) -> str:
    """Return what names a disk through a change of its path, as well as can be."""
    return str(device.device_id or device.path)


# A whole disk for DB or WAL is one OSD's.
_TAKEN = " is an OSD's already"


@dataclass(frozen=True)
class Place:
    """What of a host's devices can be written to, see ``plan_host``."""

    known: Mapping[str, Device]
    busy: Collection[str]
    taken: Collection[str]
    ours: Collection[str]
    allow: Allowed
    allow_shared: Allowed
    unclaimed: str

    def is_for(self, device: Device, allowed: Allowed) -> bool:
        """Tell whether a device can be selected by what ``allowed`` tells of."""
        if device.path in self.busy or device.path in self.taken:
            return False
        return not device.available or allowed(key_of(device))

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
            return _BUSY
        if report.available and shared and not self.allow_shared(key_of(report)):
            return NOT_CLAIMED
        if report.available and not shared and not self.allow(key_of(report)):
            return self.unclaimed
        if report.available or (shared and report.ceph_device_lvm):
            return None
        if report.path in self.ours or report.ceph_device_lvm:
            return ""
        return f" is not available: {', '.join(report.rejected_reasons) or 'in use'}"


def takes_for(spec: DriveGroupSpec, device: Device) -> str:
    """Return what a drive group takes a device for: ``data``, ``db`` or ``wal``, or nothing.

    Other devices and limits are not looked at. The paths of ``spec`` are those of the host's disks,
    see ``NamedPaths``.
    """
    found = _by_kind(DriveSelection(spec, [device]))
    kinds = (kind for kind, each in found.items() if device.path in {one.path for one in each})
    return next(kinds, "")


def selected(
    spec: DriveGroupSpec, place: Place, existing: int
) -> Tuple[Dict[str, List[Device]], List[Device]]:
    """Return the devices that a drive group selects by kind, and those that it could use.

    What data may not take is not there for data, and yet for DB or WAL, and the other way round.
    """
    usable = [each for each in place.known.values() if place.is_for(each, place.allow)]
    found = _by_kind(DriveSelection(spec, usable, existing))
    if place.allow_shared is place.allow:
        return found, usable
    data = {device.path for device in found["data"]}
    more = [each for each in place.known.values() if place.is_for(each, place.allow_shared)]
    both = {device.path: device for device in (*usable, *more)}
    shared = _by_kind(DriveSelection(spec, list(both.values()), existing))
    for kind in SHARED:
        found[kind] = [each for each in shared[kind] if each.path not in data]
    return found, usable


def kept_back(
    spec: DriveGroupSpec,
    place: Place,
    existing: int,
    chosen: Mapping[str, Sequence[Device]],
    lacking: Mapping[str, List[str]],
) -> List[str]:
    """Return why nothing is made yet: DB or WAL devices are there and cannot be taken now.

    An OSD without them would be another one than the drive group asks for. Those that may not be
    taken at all are added to ``lacking``.
    """
    waits = []
    data = {device.path for device in chosen["data"]}
    wanted = [kind for kind in SHARED if not chosen[kind] and not lacking[kind]]
    wanted = [kind for kind in wanted if getattr(spec, f"{kind}_devices") is not None]
    found = _by_kind(DriveSelection(spec, list(place.known.values()), existing)) if wanted else {}
    for kind in wanted:
        for device in found[kind]:
            report = place.known[device.path]
            if device.path in data or not (report.available or report.ceph_device_lvm):
                continue
            if device.path in place.busy or device.path in place.taken:
                waits.append(f"{device.path}{_BUSY}")
            elif report.available and not place.allow_shared(key_of(report)):
                lacking[kind].append(f"{device.path}{NOT_CLAIMED}")
        if not waits:
            lacking[kind] += [f"{path}{_TAKEN}" for path in _others(spec, place, kind)]
    return waits


def _others(spec: DriveGroupSpec, place: Place, kind: str) -> List[str]:
    """Return the whole disks that a drive group selects for a kind and that OSDs have already."""
    there = [
        each
        for each in place.known.values()
        if each.path in place.ours and not (each.available or each.ceph_device_lvm)
    ]
    return [each.path for each in there if takes_for(spec, as_free(each)) == kind]


def without(spec: DriveGroupSpec, lacking: Mapping[str, Sequence[str]]) -> List[str]:
    """Return a sentence for each kind of devices of which some are asked for and cannot be had."""
    found = []
    for kind, problems in lacking.items():
        selection = getattr(spec, f"{kind}_devices")
        how = "named" if selection is not None and selection.paths else "selected"
        if problems:
            reasons = "; ".join(problems)
            found.append(f"nothing is made without the {kind}_devices that are {how}: {reasons}")
    return found


def _by_kind(selection: DriveSelection) -> Dict[str, List[Device]]:
    return {
        "data": selection.data_devices(),
        "db": selection.db_devices(),
        "wal": selection.wal_devices(),
    }


def as_free(device: Device) -> Device:
    """Return a reported device as it would be if nothing was on it."""
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
