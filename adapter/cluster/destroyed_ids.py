"""New disks for destroyed OSDs come first, then everything else. Pure functions.

A destroyed OSD keeps its id for the disk that is put in for its own. A blank disk that was there
before is nobody's replacement, unless somebody says so (`ceph orch daemon add osd`, or the drive
group's ``osd_id_claims``); and while the id waits, the OSD counts as one that its drive group has.
An id of no drive group goes with its new disk, to the drive group that takes that.

The id goes to a disk for data. The disks for DB and WAL beside it are those that the drive group
may take, and those that the OSD had, which were erased when it was removed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Callable, Collection, Dict, List, Optional, Sequence, Tuple

from adapter.cluster.choice_of_disks import SHARED, Allowed, key_of, takes_for
from adapter.cluster.device_names import DeviceNames, NamedPaths
from adapter.cluster.osd_plan import Group, HostPlan, plan_host
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
    had: Fits,
    allow: Allowed,
    fresh: Allowed,
    nobodys: Collection[int] = (),
    **more: Any,
) -> HostPlan:
    """Return what a drive group does on a host, see ``plan_host`` for what is not named here.

    ``fits`` tells of an id and a disk's key whether the disk was put in for that OSD, ``had``
    whether the OSD was on it. ``allow`` tells which disks the drive group may take, ``fresh`` which
    others it may take for an id of its own: a replacement was asked for there. ``nobodys`` are the
    ids that are of no drive group.
    """
    if not free_ids:
        return plan_host(spec, host, devices, existing=existing, allow=allow, **more)

    def may_take(osd_id: int, key: str) -> bool:
        return fits(osd_id, key) and (allow(key) or (osd_id not in nobodys and fresh(key)))

    def may_share(osd_id: int, key: str) -> bool:
        return allow(key) or had(osd_id, key) or may_take(osd_id, key)

    links = more.get("links") or MappingProxyType({})
    named = NamedPaths(spec, DeviceNames(devices, links)).spec
    disks = _Disks(named, devices)
    ids = disks.pairs(free_ids, may_take, spec.osds_per_device)
    first: List[HostPlan] = []

    def add(mine: Dict[str, List[int]], others: Collection[str]) -> None:
        mine_ids = [osd_id for each in mine.values() for osd_id in each]
        plan = plan_host(
            spec,
            host,
            devices,
            taken={*others, *(disk.path for plan in first for disk in plan.disks)},
            existing=existing + len(_filled(first)),
            allow=lambda key: key in mine,
            allow_shared=lambda key: any(may_share(osd_id, key) for osd_id in mine_ids),
            unclaimed="",
            **more,
        )
        first.append(replace(plan, groups=tuple(_with_ids(each, mine) for each in plan.groups)))

    if ids and _is_raw(spec, more):
        for mine, others in disks.one_by_one(ids, free_ids, may_share, had):
            add(mine, others)
    elif ids:
        add(ids, ())
    filled = _filled(first)
    # What is put in for an OSD is no other one's, also where that cannot be made yet.
    taken = {device.path for device in devices if key_of(device) in ids}
    used = {disk.path for plan in first for disk in plan.disks}
    shared = {key_of(device) for device in devices if device.path in used - taken}
    rest = plan_host(
        spec,
        host,
        devices,
        taken=taken | used if _is_raw(spec, more) else taken,
        existing=existing + sum(each in filled or each not in nobodys for each in free_ids),
        allow=allow,
        allow_shared=lambda key: allow(key) or key in shared,
        **more,
    )
    return _together(first, rest, [osd_id for osd_id in free_ids if osd_id not in filled])


@dataclass(frozen=True)
class _Disks:
    """The disks of a host; the paths of ``spec`` are theirs."""

    spec: DriveGroupSpec
    devices: Sequence[Device]

    def pairs(
        self, free_ids: Sequence[int], may_take: Fits, per_disk: Optional[int]
    ) -> Dict[str, List[int]]:
        """Return ids by the key of a free disk for data that was put in for them.

        They stand in the order in which a plan has the disks.
        """
        places = max(int(per_disk or 1), 1)
        keys = [key_of(each) for each in self._free("data") for _ in range(places)]
        order = list(dict.fromkeys(keys))
        pairs: Dict[str, List[int]] = {}
        for osd_id in free_ids:
            key = next((each for each in keys if may_take(osd_id, each)), None)
            if key is not None:
                keys.remove(key)
                pairs.setdefault(key, []).append(osd_id)
        return {key: pairs[key] for key in order if key in pairs}

    def one_by_one(
        self,
        ids: Dict[str, List[int]],
        free_ids: Sequence[int],
        may_share: Fits,
        had: Fits,
    ) -> List[Tuple[Dict[str, List[int]], List[str]]]:
        """Return each disk with its ids, and the paths that are not for its DB and WAL.

        An OSD without LVM takes one whole disk for each: its own before one that nobody had.
        """
        found = []
        left = {kind: self._free(kind) for kind in SHARED}
        for key, mine in ids.items():
            others = [osd_id for osd_id in free_ids if osd_id not in mine]
            not_mine: List[str] = []
            for kind in SHARED:
                able = [d for d in left[kind] if any(may_share(i, key_of(d)) for i in mine)]
                able.sort(key=lambda device: _rank(key_of(device), mine, others, had))
                left[kind] = [device for device in left[kind] if device not in able[:1]]
                not_mine += [device.path for device in able[1:]]
            found.append(({key: mine}, not_mine))
        return found

    def _free(self, kind: str) -> List[Device]:
        found = [d for d in self.devices if d.available and takes_for(self.spec, d) == kind]
        selection = getattr(self.spec, f"{kind}_devices")
        paths = [each.path for each in selection.paths or ()] if selection is not None else []
        return sorted(found, key=lambda d: (paths.index(d.path) if paths else 0, d.path))


def _rank(key: str, mine: Sequence[int], others: Sequence[int], had: Fits) -> int:
    if any(had(osd_id, key) for osd_id in mine):
        return 0
    return 2 if any(had(osd_id, key) for osd_id in others) else 1


def _is_raw(spec: DriveGroupSpec, more: Any) -> bool:
    """Tell whether the OSDs have whole disks for DB or WAL."""
    shares = spec.db_devices is not None or spec.wal_devices is not None
    lacks = more.get("device_mapper") is False and spec.method != "lvm"
    return shares and (spec.method == "raw" or lacks)


def _filled(plans: Sequence[HostPlan]) -> List[int]:
    return [osd_id for plan in plans for group in plan.groups for osd_id in group.osd_ids]


def _together(first: Sequence[HostPlan], rest: HostPlan, waiting: Sequence[int]) -> HostPlan:
    """Return one plan of those for ids and that for the rest; some ids still wait."""
    plans = [*first, rest]
    notes = dict.fromkeys(note for plan in plans for note in plan.notes)
    refused = dict.fromkeys(each for plan in plans for each in plan.refused)
    groups = [group for plan in first for group in plan.groups]
    return HostPlan(
        rest.host,
        tuple(_joined(groups, rest.groups)),
        (*notes, *map(_waits, waiting)),
        tuple(refused),
    )


def _with_ids(group: Group, ids: Dict[str, List[int]]) -> Group:
    """Hand the ids out, each to the disk that was put in for it."""
    return replace(group, osd_ids=tuple(i for disk in group.data for i in ids.get(disk.key, ())))


def _joined(first: Sequence[Group], rest: Sequence[Group]) -> List[Group]:
    """Return all groups; what shares DB or WAL disks is made by one call, which divides them.

    What shares them and would be made in another way comes with a later plan.
    """
    joined = list(first)
    for group in rest:
        same = [each for each in joined if {*_shared(each)} & {*_shared(group)}]
        if not same:
            joined.append(group)
        elif _shared(same[0]) == _shared(group) and same[0].options == group.options:
            place = joined.index(same[0])
            joined[place] = replace(same[0], data=(*same[0].data, *group.data))
    return joined


def _shared(group: Group) -> List[str]:
    return [disk.path for disk in (*group.db, *group.wal)]


def _waits(osd_id: int) -> str:
    return (
        f"osd.{osd_id} is destroyed and waits for its new disk; a disk that was there before is "
        f"taken for it by `ceph orch daemon add osd HOST:DEVICE`"
    )
