"""Which disks carry an OSD that lives elsewhere: a copy is not started, a moved disk may be."""

from __future__ import annotations

from dataclasses import replace

from adapter.cluster.osd_map import Osd, OsdMap
from adapter.cluster.osd_plan import Group, HostPlan
from adapter.core import Core
from adapter.errors import InvalidValue
from adapter.reconcile.osd_planner import OsdPlanner
from adapter.reconcile.osd_removal_records import is_copy
from adapter.state_lock import under_lock


@under_lock
def refuse_copy(core: Core, planner: OsdPlanner, hostname: str, path: str, osd_map: OsdMap) -> None:
    """Raise ``InvalidValue`` for a device with an OSD that is up, or is seen elsewhere as well.

    The host asks the monitors again before it starts anything.
    """
    for osd_id in planner.on_disk(hostname, path, osd_map):
        osd, where = osd_map.osds[osd_id], f"{hostname}:{path}"
        if osd.up:
            place = core.owners.host_of(osd)
            raise InvalidValue(
                "device",
                where,
                f"osd.{osd_id} is on it, which is up{f' on host {place}' if place else ''}: two "
                "daemons of one OSD destroy its data",
                f"If it is the OSD's disk, `ceph orch osd rm {osd_id} --zap` drains it first; if "
                "it is a copy of it, take it out, or wipe it by hand.",
            )
        _refuse_unsure(core, planner, osd, hostname, path)
        for other in core.online_hosts():
            seen = [row["path"] for row in planner.disks_of(osd_id, other.hostname, osd_map)]
            if other.hostname != hostname and seen:
                raise InvalidValue(
                    "device",
                    where,
                    f"osd.{osd_id} is on it, and host {other.hostname} shows it on "
                    f"{', '.join(map(str, seen))} too: one of the disks is a copy",
                    "Take the copy out; `ceph orch device ls --refresh` looks at the hosts again.",
                )


def _refuse_unsure(core: Core, planner: OsdPlanner, osd: Osd, hostname: str, path: str) -> None:
    """Raise ``InvalidValue`` where an OSD may still run on its own disk, on a host that is offline.

    A disk with the serial of that one was moved.
    """
    said = core.owners.metadata(osd.osd_id)
    name = str((planner.row(hostname, path) or {}).get("device_id") or "")
    # Another controller may give another vendor or model; the serial stays.
    known = {each.rpartition("_")[2] for _, each in said.names if each}
    if name and name.rpartition("_")[2] in known:
        return
    place = core.owners.host_of(osd)
    if place != hostname and place in core.hosts and not core.liveness.online(place):
        raise InvalidValue(
            "device",
            f"{hostname}:{path}",
            f"osd.{osd.osd_id} is on it, which was on host {place}, and that host is offline: the "
            "OSD may run there, and this may be a copy",
            f"Bring the host back, or remove it: `ceph orch host rm {place} --offline --force`.",
        )


@under_lock
def refuse_other_disk(
    core: Core, planner: OsdPlanner, hostname: str, path: str, osd_map: OsdMap
) -> None:
    """Raise ``InvalidValue`` for a device with the label of an OSD that is on another one."""
    for osd_id in planner.on_disk(hostname, path, osd_map):
        where = own_disks(core, planner, hostname, path, osd_map.osds[osd_id])
        if where:
            raise InvalidValue(
                "device",
                f"{hostname}:{path}",
                f"it has a copy of osd.{osd_id}, which is on {where}",
                f"Name that one, or `ceph orch osd rm {osd_id} --replace`.",
            )


@under_lock
def own_disks(core: Core, planner: OsdPlanner, hostname: str, path: str, osd: Osd) -> str:
    """Return the host and the disks of an OSD where a device with its label is none of them."""
    said, row = core.owners.metadata(osd.osd_id), planner.row(hostname, path)
    place = core.owners.host_of(osd) or hostname
    if not (osd.up and place != hostname) and (row is None or not is_copy(core, osd, row)):
        return ""
    disks = ", ".join(f"/dev/{name} ({each})" for name, each in said.names)
    return f"host {place}: {disks or 'another'}"


@under_lock
def as_moved(planner: OsdPlanner, plan: HostPlan, osd_map: OsdMap) -> HostPlan:
    """Say of disks that carry OSDs of the cluster that they were moved to the host.

    The caller has had copies refused.
    """

    def carries(group: Group) -> bool:
        return any(planner.on_disk(plan.host, disk.path, osd_map) for disk in group.data)

    groups = [
        replace(group, options={**group.options, "moved": True}) if carries(group) else group
        for group in plan.groups
    ]
    return replace(plan, groups=tuple(groups))
