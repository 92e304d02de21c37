"""Plan drive groups against the hosts as they were reported last."""

from __future__ import annotations

from typing import Callable, List, Optional

from adapter.cluster.hosts import MAINTENANCE, Host
from adapter.cluster.osd_map import OsdMap
from adapter.cluster.osd_plan import HostPlan, disk_of, plan_host
from adapter.cluster.specs import OsdClaims
from adapter.cluster.views import host_spec, inventory_host
from adapter.core import Core
from adapter.interface import Device, DriveGroupSpec

NO_SCHEDULE = "_no_schedule"


class OsdPlanner:
    """Say what a drive group does now. Callers hold the orchestrator's lock."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def hosts(self, spec: DriveGroupSpec) -> List[Host]:
        """Return the hosts of a drive group's placement, without those that take nothing new."""
        core = self._core
        known = {host.hostname: host for host in core.hosts.all()}
        specs = [host_spec(host, core.pulse.online(name)) for name, host in known.items()]
        matching = spec.placement.filter_matching_hostspecs(specs)
        return [known[name] for name in dict.fromkeys(matching) if name in known]

    def plan(
        self, spec: DriveGroupSpec, osd_map: OsdMap, *, claims: Optional[OsdClaims] = None
    ) -> List[HostPlan]:
        """Return what the drive group does on each of its hosts, and what it leaves alone."""
        claims = claims or OsdClaims()
        return [self._plan_host(spec, host, osd_map, claims) for host in self.hosts(spec)]

    def _plan_host(
        self, spec: DriveGroupSpec, host: Host, osd_map: OsdMap, claims: OsdClaims
    ) -> HostPlan:
        core, name = self._core, host.hostname
        refusal = self._refusal(host)
        if refusal:
            return HostPlan(name, notes=(refusal,))
        service = str(spec.service_name())
        ids = core.owners.free_ids(osd_map, name, service)
        claimed = _claimed(spec, name)
        destroyed = [
            each for each in osd_map.destroyed_on(name) if core.owners.is_known_vacant(each)
        ]
        ids = [each for each in claimed if each in destroyed] + [
            each for each in ids if each not in claimed
        ]
        devices = self.devices(host)
        return plan_host(
            spec,
            name,
            devices,
            existing=self._existing(spec, name, osd_map),
            free_ids=ids,
            allow=_allowed(claims, name, len(ids)),
            busy=core.intents.paths(name),
            ours=self._ours(name),
        )

    def _refusal(self, host: Host) -> str:
        core, name = self._core, host.hostname
        if not core.pulse.online(name):
            return f"the host is offline: {core.pulse.of(name).reason}"
        if host.status == MAINTENANCE:
            return "the host is in maintenance"
        if NO_SCHEDULE in host.labels:
            return f"the host has the label {NO_SCHEDULE}"
        if name in core.intents.problems:
            return f"the record osd_creation.{name} cannot be used: {core.intents.problems[name]}"
        report = core.reports.get(name)
        if report is None or "devices" not in report.taken:
            return "the host has not said yet which disks it has"
        return ""

    def devices(self, host: Host) -> List[Device]:
        """Return a host's devices as it reported them last."""
        report = self._core.reports.get(host.hostname)
        if report is None or "devices" not in report.taken:
            return []
        return list(inventory_host(host, report).devices.devices)

    def _existing(self, spec: DriveGroupSpec, host: str, osd_map: OsdMap) -> int:
        """Return how many OSDs a drive group has on a host, with those being made."""
        core = self._core
        there = len(core.owners.on_host(str(spec.service_name()), host, osd_map))
        return there + core.intents.osds(host, str(spec.service_id or ""))

    def _ours(self, host: str) -> List[str]:
        """Return the paths on a host that carry an OSD of this cluster."""
        owners = self._core.owners
        return [
            f"/dev/{device}"
            for metadata in owners.known()
            if metadata.hostname == host
            for device in metadata.devices
        ]

    def free_disks(self, spec: DriveGroupSpec) -> OsdClaims:
        """Return a claim on the disks of these hosts that are free now, and on no others."""
        pairs = frozenset(
            (host.hostname, disk_of(device).key)
            for host in self.hosts(spec)
            for device in self.devices(host)
            if device.available
        )
        return OsdClaims(only=pairs)


def _claimed(spec: DriveGroupSpec, host: str) -> List[int]:
    claims = spec.osd_id_claims
    rows = claims.get(host) if isinstance(claims, dict) else None
    return [int(each) for each in rows or () if str(each).isdigit()]


def _allowed(claims: OsdClaims, host: str, vacant: int) -> Callable[[str], bool]:
    """Return what tells of a disk's key whether the drive group may take it.

    A drive group that took what was free when it was applied takes as many later disks as ids
    wait on the host: a replacement was asked for there.
    """
    left = [vacant]

    def allow(key: str) -> bool:
        if claims.allow(host, key):
            return True
        if claims.only is None or (host, key) in claims.released or not left[0]:
            return False
        left[0] -= 1
        return True

    return allow
