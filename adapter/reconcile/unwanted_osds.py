"""Drop OSDs that are still to be made and that nobody wants any more."""

from __future__ import annotations

import time
from typing import Any, Collection, Dict, Mapping, Optional, Sequence, Set, Tuple

from adapter.cluster.device_names import DeviceNames, NamedPaths
from adapter.cluster.hosts import Host
from adapter.cluster.osd_intents import Intent
from adapter.cluster.osd_map import OsdMap, listed
from adapter.cluster.osd_plan import Group, HostPlan
from adapter.cluster.specs import Wanted
from adapter.cluster.views import host_spec
from adapter.core import Core
from adapter.errors import NotKept
from adapter.interface import Device, DriveGroupSpec, DriveSelection
from adapter.reconcile.osd_planner import OsdPlanner
from adapter.reconcile.parts import OTHERS_JOBS_END
from adapter.state_lock import under_lock

# How often a host is asked whether a run is still at its disks (seconds).
ASK_AGAIN = 5.0


class UnwantedOsds:
    """Look whether the drive groups of what is to be made still want it."""

    def __init__(self, core: Core, planner: OsdPlanner) -> None:
        self._core, self._planner = core, planner
        # When a host was asked what is on its disks, in seconds since the epoch.
        self._asked: Dict[str, float] = {}
        self._told: Set[Tuple[str, str]] = set()
        # What drive groups would do now, by host and service; as long as one look takes.
        self._map: Optional[OsdMap] = None
        self._plans: Dict[Tuple[str, str], Optional[HostPlan]] = {}
        # Where a manager before has begun something, and when this one looked first.
        self._left = {intent.host for intent in core.intents.all()}
        self._since: Optional[float] = None
        self._now = 0.0

    @under_lock
    def look(self, now: float, osd_map: Optional[OsdMap]) -> None:
        """Begin a look with this map; ``now`` is in monotonic seconds."""
        self._map, self._plans, self._now = osd_map, {}, now
        if self._since is None:
            self._since = now

    @under_lock
    def drop(self, busy: Collection[str]) -> Set[str]:
        """Drop what nobody wants; return the hosts that must say first what was begun on them.

        Hosts at which a job is (``busy``) are left alone.
        """
        core = self._core
        undecided: Set[str] = set()
        for intent in core.intents.all():
            if intent.host in busy or intent.host in core.intents.problems:
                continue
            self._tell(intent)
            try:
                if not all([self._decide(intent, group) for group in intent.groups]):
                    undecided.add(intent.host)
            except NotKept as error:
                core.unkept.note(error)
                undecided.add(intent.host)
        self._asked = {host: at for host, at in self._asked.items() if host in undecided}
        return undecided

    def _decide(self, intent: Intent, group: Group) -> bool:
        """Drop a group that nobody wants; return whether it is known what becomes of it."""
        why = self.why_not(intent, group)
        if not why:
            return True
        if intent.may_be_begun(group):
            blank = self._is_blank(intent.host, group)
            if not blank:
                # What was begun is not left half-made.
                return blank is not None
        disks = ", ".join(disk.path for disk in group.data)
        self._core.intents.drop(intent.host, [group])
        service = f"osd.{group.options.get('osdspec') or ''}".rstrip(".")
        self._core.events.note(service, f"{intent.host}: no OSD is made on {disks}: {why}")
        return True

    @under_lock
    def why_not(self, intent: Intent, group: Group) -> str:
        """Return why a group is not wanted any more, or nothing."""
        if intent.is_unwanted(group):
            return "it was dropped"
        name = str(group.options.get("osdspec") or "")
        service = f"osd.{name}"
        if not name or intent.is_by_hand(group):
            return taken_ids(group, self._map) if self._map is not None else ""
        if service in self._core.specs.problems:
            return ""
        wanted = self._core.specs.find(service)
        if wanted is None or wanted.deleted:
            return "the drive group was removed"
        if wanted.spec.unmanaged:
            return "the drive group is unmanaged"
        if intent.host not in self._core.hosts or not isinstance(wanted.spec, DriveGroupSpec):
            return ""
        host = self._core.hosts.get(intent.host)
        paths = [disk.path for disk in group.data]
        return self._changed(wanted.spec, host, paths) or self._differs(wanted, host, group)

    def _differs(self, wanted: Wanted, host: Host, group: Group) -> str:
        """Return what a drive group would do otherwise now with blank disks, or nothing."""
        if self._map is None:
            return ""
        key = (host.hostname, wanted.name)
        if key not in self._plans:
            spec: Any = wanted.spec
            self._plans[key] = self._planner.anew(spec, host, self._map, wanted.claims)
        plan = self._plans[key]
        if plan is None:
            return ""
        free = {device.path for device in self._planner.devices(host) if device.available}
        blank = [disk.path for disk in group.data if disk.path in free]
        now = {disk.path: each for each in plan.groups for disk in each.data}
        gone = [path for path in blank if path not in now]
        if gone:
            return f"the drive group does not take {', '.join(gone)} any more"
        if any(_how(now[path]) != _how(group) for path in blank):
            return "the drive group was changed, and makes it as it says now"
        ids = {osd_id for path in blank for osd_id in now[path].osd_ids}
        lost = [osd_id for osd_id in group.osd_ids if osd_id not in ids] if blank else []
        if lost:
            return f"the drive group does not make {listed(lost)} of it any more"
        return ""

    def _changed(self, spec: DriveGroupSpec, host: Host, paths: Sequence[str]) -> str:
        """Return why a drive group does not want OSDs on these disks any more, or nothing.

        Whether a disk is free, or taken by another one, is not asked: its OSD may be begun.
        """
        placed = spec.placement.filter_matching_hostspecs([host_spec(host, True)])
        if host.hostname not in placed:
            return f"the drive group is not for host {host.hostname} any more"
        devices = self._planner.devices(host)
        links = self._planner.storage(host.hostname).get("links") or {}
        named = NamedPaths(spec, DeviceNames(devices, links)).spec
        for device in devices:
            if device.path not in paths:
                continue
            free = Device(
                device.path,
                sys_api=device.sys_api,
                available=True,
                device_id=device.device_id,
            )
            if not DriveSelection(named, [free]).data_devices():
                return f"the drive group does not select {device.path} any more"
        return ""

    def _is_blank(self, host: str, group: Group) -> Optional[bool]:
        """Tell whether no OSD was begun on the data disks of a group.

        None until the host was asked. Somebody else may have written to them since.
        """
        core = self._core
        if self._may_be_begun_yet(host):
            return None
        if host not in self._asked:
            self._asked[host] = time.time()
            core.refresh.want([host])
        report = core.reports.get(host)
        if report is None or report.taken.get("devices", 0.0) <= self._asked[host]:
            return None
        if report.storage.get("at_work"):
            # A run outlives the job that it was of: what is blank now need not stay so.
            if time.time() - self._asked[host] > ASK_AGAIN:
                del self._asked[host]
            return None
        free = {row["path"] for row in report.devices if row["available"] or _is_of_others(row)}
        return all(disk.path in free for disk in group.data)

    def _may_be_begun_yet(self, host: str) -> bool:
        """Tell whether a job of a manager before may still come to a host, or be at work there.

        What its host says of its disks is said before that.
        """
        since = self._since
        if host in self._left and (since is None or self._now - since < OTHERS_JOBS_END):
            return True
        return any(
            record.request.operation == "create_osds"
            and host in record.request.hosts
            and not record.status.final
            for record in self._core.engine.jobs()
        )

    def _tell(self, intent: Intent) -> None:
        """Say once what waits for a host that does not answer."""
        core, host = self._core, intent.host
        counts: Dict[str, int] = {}
        for group in intent.groups:
            service = f"osd.{group.options.get('osdspec') or ''}".rstrip(".")
            counts[service] = counts.get(service, 0) + len(group.data)
        for service, count in counts.items():
            if host not in core.hosts or core.liveness.online(host):
                self._told.discard((host, service))
            elif (host, service) not in self._told:
                self._told.add((host, service))
                text = f"{host}: {count} disk(s) wait until the host answers"
                core.events.note(service, text)


def _how(group: Group) -> Tuple[Any, ...]:
    """Return how the disks of a group become OSDs."""
    return dict(group.options), {each.path for each in group.db}, {each.path for each in group.wal}


def taken_ids(group: Group, osd_map: OsdMap) -> str:
    """Return which ids of a group no destroyed OSD has any more, in words, or nothing."""
    osds = osd_map.osds
    lost = [each for each in group.osd_ids if each not in osds or not osds[each].destroyed]
    if not lost:
        return ""
    words = "are no destroyed OSDs" if len(lost) > 1 else "is no destroyed OSD"
    return f"{listed(lost)} {words} any more, and the id was to be taken again"


def _is_of_others(row: Mapping[str, Any]) -> bool:
    """Tell whether a disk that is not free has nothing of an OSD on it, half-made ones included."""
    # A run that was cut may have left a volume group without a volume.
    signs = ("BlueStore", "LVM detected")
    begun = any(sign in reason for reason in row["rejected_reasons"] for sign in signs)
    return row["osds"] == [] and not (begun or row["lvs"] or row["ceph_device_lvm"])
