"""Plan drive groups against the hosts as they were reported last."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any, Collection, Dict, List, Mapping, Optional, Sequence, Tuple

from adapter.cluster.destroyed_ids import destroyed_ids_first
from adapter.cluster.device_names import NO_DEVICE, DeviceNames, NamedPaths
from adapter.cluster.disk_owners import DiskOwners
from adapter.cluster.hosts import MAINTENANCE, Host
from adapter.cluster.osd_map import OsdMap, listed
from adapter.cluster.osd_plan import HostPlan
from adapter.cluster.osd_plan_reasons import Disks, why_not
from adapter.cluster.schedule import NO_SCHEDULE
from adapter.cluster.shared_disks import Disk, shared
from adapter.cluster.specs import OsdClaims
from adapter.cluster.views import host_spec, inventory_host
from adapter.core import Core
from adapter.errors import InvalidValue, UnknownName, some_of
from adapter.interface import Device, DriveGroupSpec, HostSpec
from adapter.names import check_device_path
from adapter.state_lock import under_lock

# By host and path: the drive group that takes the disk.
Taken = Mapping[str, Mapping[str, str]]

UNHEARD = "the host has not said yet which disks it has"
# How many hosts a sentence names.
NAMED_HOSTS = 10


class OsdPlanner:
    """Say what a drive group does now."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._owners: Optional[Tuple[Any, DiskOwners]] = None
        self._shared_at: Tuple[int, Dict[Disk, str]] = (-1, {})

    @under_lock
    def hosts(self, spec: DriveGroupSpec, specs: Optional[Sequence[HostSpec]] = None) -> List[Host]:
        """Return the hosts of a drive group's placement, without those that take nothing new.

        ``specs`` are the hosts as the interface has them, where they are others than now.
        """
        core = self._core
        known = {host.hostname: host for host in core.hosts.all()}
        if specs is None:
            specs = [host_spec(host, core.liveness.online(name)) for name, host in known.items()]
        matching = spec.placement.filter_matching_hostspecs(specs)
        return [known[name] for name in dict.fromkeys(matching) if name in known]

    @under_lock
    def plan(
        self,
        spec: DriveGroupSpec,
        osd_map: OsdMap,
        *,
        claims: Optional[OsdClaims] = None,
        taken: Optional[Taken] = None,
        hosts: Optional[Sequence[HostSpec]] = None,
        explain: bool = False,
    ) -> List[HostPlan]:
        """Return what the drive group does on each of its hosts, and what it leaves alone.

        ``taken`` are disks of other drive groups whose turn is before. With ``explain`` it says of
        a host where nothing is made why not, disk by disk.
        """
        claims, taken = claims or OsdClaims(), taken or {}
        return [
            self._plan_beside(spec, host, osd_map, claims, taken.get(host.hostname, {}), explain)
            for host in self.hosts(spec, hosts)
        ]

    @under_lock
    def anew(
        self, spec: DriveGroupSpec, host: Host, osd_map: OsdMap, claims: OsdClaims
    ) -> Optional[HostPlan]:
        """Return what a drive group would do on a host if nothing of it were being made there.

        None where that cannot be told now: the host takes nothing, or has not said what it has.
        """
        if self._refusal(host) or osd_map.waits_for_destroyed:
            return None
        return self._plan_host(spec, host, osd_map, claims, anew=True)

    @under_lock
    def taken(
        self,
        groups: Sequence[Tuple[DriveGroupSpec, OsdClaims]],
        osd_map: OsdMap,
        hosts: Collection[str],
    ) -> Dict[str, Dict[str, str]]:
        """Return which disks of these hosts drive groups take, one group after the other."""
        found: Dict[str, Dict[str, str]] = {name: {} for name in hosts}
        for spec, claims in groups:
            for host in self.hosts(spec):
                if host.hostname not in found:
                    continue
                here = found[host.hostname]
                plan = self._plan_host(spec, host, osd_map, claims, here)
                here.update({disk.path: str(spec.service_name()) for disk in plan.disks})
        return found

    def _plan_beside(
        self,
        spec: DriveGroupSpec,
        host: Host,
        osd_map: OsdMap,
        claims: OsdClaims,
        taken: Mapping[str, str],
        explain: bool,
    ) -> HostPlan:
        """Return what a drive group does on a host, and which disks another one has before it."""
        plan = self._plan_host(spec, host, osd_map, claims, taken, explain)
        if not taken:
            return plan
        alone = self._plan_host(spec, host, osd_map, claims, {})
        lost = sorted({disk.path for disk in alone.disks} & taken.keys())
        notes = [note for note in plan.notes if note.partition(":")[0] not in lost]
        return replace(plan, notes=(*notes, *(f"{path}: {taken[path]} takes it" for path in lost)))

    def _plan_host(
        self,
        spec: DriveGroupSpec,
        host: Host,
        osd_map: OsdMap,
        claims: OsdClaims,
        taken: Collection[str] = (),
        explain: bool = False,
        anew: bool = False,
    ) -> HostPlan:
        core, name = self._core, host.hostname
        refusal = self._refusal(host)
        if refusal == UNHEARD and name in claims.unheard:
            refusal = f"{UNHEARD}; those that are free when it does are taken"
        elif refusal and claims.only is not None and not self.has_said(name):
            refusal += "; apply this again when it has reported, to use its disks"
        if refusal:
            return HostPlan(name, notes=(refusal,))
        but = str(spec.service_id or "") if anew else None
        claimed, mine, nobodys = self._ids(spec, name, osd_map, but)
        if osd_map.waits_for_destroyed and (claimed or mine or nobodys):
            reason = osd_map.waits_for_destroyed
            return HostPlan(name, notes=(reason,), refused=(reason,))
        owners = self.owners(osd_map)
        rows = self._rows(name)
        of_cluster = {row["path"]: owners.of(row, name) for row in rows}
        disks = Disks(
            devices=self.devices(host),
            existing=self._existing(spec, name, osd_map, anew),
            allow=lambda key: claims.allow(name, key),
            busy=core.intents.paths(name, but),
            osds=of_cluster,
        )
        plan = destroyed_ids_first(
            spec,
            name,
            disks.devices,
            existing=disks.existing,
            free_ids=list(dict.fromkeys([*claimed, *mine, *nobodys])),
            nobodys=nobodys,
            fits=lambda osd_id, key: osd_id in claimed or core.owners.fits(osd_id, key),
            had=core.owners.had,
            allow=disks.allow,
            fresh=lambda key: claims.only is not None and not claims.is_released(name, key),
            busy={*disks.busy, *taken},
            ours=[path for path, ids in of_cluster.items() if ids],
            strangers={row["path"]: owners.stranger(row) for row in rows},
            **self.storage(name),
        )
        return self._explained(plan, spec, disks, claimed, taken) if explain else plan

    def _explained(
        self,
        plan: HostPlan,
        spec: DriveGroupSpec,
        disks: Disks,
        claimed: Sequence[int],
        taken: Collection[str],
    ) -> HostPlan:
        """Return a plan that says also what is asked for and cannot be, and why it is empty."""
        notes = list(plan.notes)
        under_way = self._core.intents.osd_ids(plan.host)
        unknown = {*_claimed(spec, plan.host)} - {*claimed} - under_way
        if unknown:
            named = listed(sorted(unknown))
            notes.append(f"osd_id_claims: {named}: no such id waits for a new disk on this host")
        if not plan.groups and not plan.refused:
            links = self.storage(plan.host).get("links") or {}
            paths = NamedPaths(spec, DeviceNames(disks.devices, links))
            # Of disks that another group takes, that is said instead.
            said = [*notes, *(f"{path}: taken" for path in taken)]
            notes += why_not(paths.spec, disks, said)
        return replace(plan, notes=tuple(notes))

    def _ids(
        self, spec: DriveGroupSpec, name: str, osd_map: OsdMap, but: Optional[str]
    ) -> Tuple[List[int], List[int], List[int]]:
        """Return the ids that wait on a host: those that a group names, its own, and nobody's."""
        waiting = self.waiting_ids(name, osd_map, but)
        claimed = [each for each in _claimed(spec, name) if each in waiting]
        before = self._core.owners.service_before
        mine = [each for each in waiting if before(each) == _name(spec)]
        others = [each for each in waiting if each not in claimed and each not in mine]
        return claimed, mine, [each for each in others if self._is_nobodys(each)]

    @under_lock
    def left_out(self, spec: DriveGroupSpec) -> str:
        """Return which hosts have free disks and are outside the placement, in words, if any."""
        inside = {host.hostname for host in self.hosts(spec)}
        free = {
            host.hostname: sum(bool(device.available) for device in self.devices(host))
            for host in self._core.hosts.all()
            if host.hostname not in inside
        }
        names = [name for name, count in free.items() if count]
        if not names:
            return ""
        hosts = some_of(names, NAMED_HOSTS)
        return f"hosts outside the placement that have free disks: {hosts}"

    @under_lock
    def waiting_ids(self, name: str, osd_map: OsdMap, but: Optional[str] = None) -> List[int]:
        """Return the ids that wait on a host for a new disk, without those that are getting one.

        What drive group ``but`` is making counts as not begun.
        """
        under_way = self._core.intents.osd_ids(name, but)
        free = self._core.owners.free_ids(osd_map, name)
        return [each for each in free if each not in under_way]

    def _is_nobodys(self, osd_id: int) -> bool:
        """Tell whether a destroyed OSD was of no drive group, or of one that is forgotten."""
        specs, service = self._core.specs, self._core.owners.service_before(osd_id)
        return specs.find(service) is None and service not in specs.problems

    @under_lock
    def storage(self, hostname: str) -> Dict[str, Any]:
        """Return what a host said of its disks' names and of LVM, as ``plan_host`` wants it."""
        report = self._core.reports.get(hostname)
        told = report.storage if report is not None else {}
        return {name: value for name, value in told.items() if name != "at_work"}

    @under_lock
    def named(self, host: Host, name: str) -> str:
        """Return the path of the disk that a name means on a host.

        Raises ``UnknownName`` where the host has no such device, ``InvalidValue`` where the name
        means no whole disk, or several.
        """
        devices = self.devices(host)
        links = self.storage(host.hostname).get("links") or {}
        path, problem = DeviceNames(devices, links).find(check_device_path(name, "device"))
        where = f"{host.hostname}:{name}"
        if problem == NO_DEVICE:
            known = ", ".join(sorted(device.path for device in devices)) or "none"
            raise UnknownName(
                "device",
                where,
                f"It has: {known} (`ceph orch device ls {host.hostname} --refresh` looks again).",
            )
        if problem:
            raise InvalidValue("device", where, problem)
        return path

    @under_lock
    def renamed(self, host: Host, name: str) -> str:
        """Return the path of the disk that a name means, the name itself where none is known.

        For disks that the report need not have any more, as those of OSDs that are down.
        """
        links = self.storage(host.hostname).get("links") or {}
        return self.named(host, name) if name in links else name

    @under_lock
    def owners(self, osd_map: OsdMap) -> DiskOwners:
        """Return whose which disk is; made once for the same map and metadata."""
        core = self._core
        state = (id(osd_map), osd_map.epoch, core.owners.serial, core.hosts.serial)
        if self._owners is None or self._owners[0] != state:
            managed = {host.hostname for host in core.hosts.all()}
            owners = DiskOwners(osd_map, core.owners.known(), core.cluster, managed)
            self._owners = (state, owners)
        return self._owners[1]

    @under_lock
    def on_disk(self, hostname: str, path: str, osd_map: OsdMap) -> List[int]:
        """Return the OSDs of the map, up or down, that a reported disk belongs to."""
        # A disk that the report has not yet may have an OSD that said so itself.
        row = self.row(hostname, path) or {"path": path}
        return self.owners(osd_map).of(row, hostname)

    @under_lock
    def row(self, hostname: str, path: str) -> Optional[Dict[str, Any]]:
        """Return what a host reported of a disk, None where its report has not got it."""
        return next((row for row in self._rows(hostname) if row["path"] == path), None)

    @under_lock
    def left_behind(self, hostname: str, path: str, osd_map: OsdMap) -> List[str]:
        """Return the OSDs, by name, that left data on a disk and that the map does not have."""
        row = self.row(hostname, path)
        return self.owners(osd_map).left_behind(row) if row else []

    @under_lock
    def disks_of(self, osd_id: int, hostname: str, osd_map: OsdMap) -> List[Dict[str, Any]]:
        """Return the disks that a host reported and that belong to an OSD of the map."""
        rows, owners = self._rows(hostname), self.owners(osd_map)
        return [row for row in rows if osd_id in owners.of(row, hostname)]

    @under_lock
    def left_by(
        self, osd_id: int, hostname: str, osd_map: OsdMap
    ) -> Tuple[str, List[Dict[str, Any]]]:
        """Return the uuid that a destroyed OSD left on disks of a host, and these disks.

        A disk with a label of its id that it is not known to have been on is another OSD's.
        """
        owners, known = self.owners(osd_map), self._core.owners
        found = [
            (owners.left_by(osd_id, row), row)
            for row in self._rows(hostname)
            if known.was_on(osd_id, str(row["path"]), str(row["device_id"] or ""))
        ]
        uuids = {uuid for uuid, _ in found if uuid}
        uuid = uuids.pop() if len(uuids) == 1 else ""
        rows = [row for _, row in found if uuid in {each["osd_uuid"] for each in row["osds"] or ()}]
        return uuid, rows if uuid else []

    def _rows(self, hostname: str) -> List[Dict[str, Any]]:
        report = self._core.reports.get(hostname)
        return report.devices if report is not None and "devices" in report.taken else []

    def _refusal(self, host: Host) -> str:
        core, name = self._core, host.hostname
        if not core.liveness.online(name):
            return f"the host is offline: {core.liveness.of(name).reason}"
        if host.status == MAINTENANCE:
            return "the host is in maintenance"
        if NO_SCHEDULE in host.labels:
            return f"the host has the label {NO_SCHEDULE}"
        if name in core.intents.problems:
            return f"the record osd_creation.{name} cannot be used: {core.intents.problems[name]}"
        return "" if self.has_said(name) else UNHEARD

    @under_lock
    def devices(self, host: Host) -> List[Device]:
        """Return a host's devices as it reported them last; those of other hosts too are taken."""
        report = self._core.reports.get(host.hostname)
        if report is None or not self.has_said(host.hostname):
            return []
        others = self._shared()
        return [
            _rejected(device, others[host.hostname, device.path])
            if (host.hostname, device.path) in others
            else device
            for device in inventory_host(host, report).devices.devices
        ]

    @under_lock
    def shared_with(self, hostname: str, path: str) -> str:
        """Return why nothing is made on a disk that another host shows too, or nothing."""
        return self._shared().get((hostname, path), "")

    def _shared(self) -> Dict[Disk, str]:
        """Return the disks that several hosts show; computed anew when a host has reported."""
        core = self._core
        if self._shared_at[0] != core.reports.serial:
            links = {
                host.hostname: self.storage(host.hostname).get("links") or {}
                for host in core.hosts.all()
            }
            self._shared_at = (core.reports.serial, shared(links))
        return self._shared_at[1]

    def _existing(self, spec: DriveGroupSpec, host: str, osd_map: OsdMap, anew: bool) -> int:
        """Return how many OSDs a drive group has on a host, with those being made if not anew."""
        core = self._core
        there = len(core.owners.on_host(str(spec.service_name()), host, osd_map))
        return there if anew else there + core.intents.osds(host, str(spec.service_id or ""))

    @under_lock
    def has_said(self, hostname: str) -> bool:
        """Tell whether a host has said which disks it has."""
        report = self._core.reports.get(hostname)
        return report is not None and "devices" in report.taken


def _rejected(device: Device, reason: str) -> Device:
    """Return a device that nothing is made on."""
    found = copy.copy(device)
    found.available, found.rejected_reasons = False, [*device.rejected_reasons, reason]
    return found


def _name(spec: DriveGroupSpec) -> str:
    return str(spec.service_name())


def _claimed(spec: DriveGroupSpec, host: str) -> List[int]:
    claims = spec.osd_id_claims
    rows = claims.get(host) if isinstance(claims, dict) else None
    return [int(each) for each in rows or () if str(each).isdigit()]
