"""New disks for destroyed OSDs come first, then everything else. Pure functions.

A destroyed OSD keeps its id for the disk that is put in for its own. A blank disk that was there
before is nobody's replacement, unless somebody says so (`ceph orch daemon add osd`, or the drive
group's ``osd_id_claims``); and while the id waits, the OSD counts as one that its drive group has.
An id of no drive group goes with its new disk, to the drive group that takes that.
"""

from __future__ import annotations

from typing import Any, Callable, Collection, List, Optional, Sequence, Tuple

from adapter.cluster.osd_plan import Allowed, HostPlan, disk_of, plan_host
from adapter.interface import Device, DriveGroupSpec

Fits = Callable[[int, str], bool]


def destroyed_ids_first(
    spec: DriveGroupSpec,
    host: str,
    devices: Sequence[Device],
    *,
    existing: int,
    free_ids: Sequence[int],
    fits: Fits,
    allow: Allowed,
    fresh: Allowed,
    nobodys: Collection[int] = (),
    **more: Any,
) -> HostPlan:
    """Return what a drive group does on a host, see ``plan_host`` for what is not named here.

    ``fits`` tells of an id and a disk's key whether the disk was put in for that OSD. ``allow``
    tells which disks the drive group may take, ``fresh`` which others it may take for an id of its
    own: a replacement was asked for there. ``nobodys`` are the ids that are of no drive group.
    """
    if not free_ids:
        return plan_host(spec, host, devices, existing=existing, allow=allow, **more)

    def may_take(osd_id: int, key: str) -> bool:
        return allow(key) or (osd_id not in nobodys and fresh(key))

    pairs = _pairs(free_ids, devices, fits, may_take, spec.osds_per_device)
    keys = [key for _, key in pairs]
    first = plan_host(
        spec,
        host,
        devices,
        existing=existing,
        free_ids=[osd_id for osd_id, _ in pairs],
        allow=lambda key: key in keys,
        unclaimed="",
        **more,
    )
    taken = {disk.path for group in first.groups for disk in group.data}
    filled = [osd_id for group in first.groups for osd_id in group.osd_ids]
    rest = plan_host(
        spec,
        host,
        devices,
        taken=taken,
        existing=existing + sum(each in filled or each not in nobodys for each in free_ids),
        allow=allow,
        **more,
    )
    waiting = [osd_id for osd_id in free_ids if osd_id not in filled]
    notes = [*first.notes, *(note for note in rest.notes if note not in first.notes)]
    return HostPlan(
        host,
        (*first.groups, *rest.groups),
        (*notes, *map(_waits, waiting)),
        tuple(dict.fromkeys([*first.refused, *rest.refused])),
    )


def _pairs(
    free_ids: Sequence[int],
    devices: Sequence[Device],
    fits: Fits,
    may_take: Fits,
    per_disk: Optional[int],
) -> List[Tuple[int, str]]:
    """Return ids, each with the key of a free disk that was put in for it."""
    places = max(int(per_disk or 1), 1)
    keys = [disk_of(device).key for device in devices if device.available for _ in range(places)]
    pairs: List[Tuple[int, str]] = []
    for osd_id in free_ids:
        key = next((each for each in keys if fits(osd_id, each) and may_take(osd_id, each)), None)
        if key is not None:
            keys.remove(key)
            pairs.append((osd_id, key))
    return pairs


def _waits(osd_id: int) -> str:
    return (
        f"osd.{osd_id} is destroyed and waits for its new disk; a disk that was there before is "
        f"taken for it by `ceph orch daemon add osd HOST:DEVICE`"
    )
