"""Services: ``ceph orch apply``, ``ls``, ``rm``, ``set-unmanaged``."""

from __future__ import annotations

import datetime
import time
from dataclasses import replace
from typing import Any, Dict, List, Optional, Sequence

from adapter.cluster.osd_map import listed
from adapter.cluster.osd_plan import HostPlan, in_words
from adapter.cluster.specs import OsdClaims, Wanted
from adapter.core import Core
from adapter.errors import AdapterError, InvalidValue
from adapter.interface import (
    DaemonDescription,
    DaemonDescriptionStatus,
    DriveGroupSpec,
    HostSpec,
    OrchestratorError,
    PlacementSpec,
    ServiceDescription,
    ServiceSpec,
    handle_orch_error,
    raise_if_exception,
)
from adapter.interface.times import datetime_now
from adapter.methods.daemons import DaemonMethods
from adapter.methods.hosts import HostMethods
from adapter.reconcile import Reconciler

MANAGED = ("osd",)
# A host that was just added says within seconds which disks it has.
REPORT_WAIT = 4.0


class ServiceMethods(HostMethods, DaemonMethods):
    """The service methods of the interface, on a ``Core``."""

    reconciler: Reconciler

    def __init__(self, core: Core, reconciler: Reconciler) -> None:
        HostMethods.__init__(self, core)
        DaemonMethods.__init__(self, core)
        self.reconciler = reconciler

    @handle_orch_error
    def apply(
        self, specs: Sequence[Any], no_overwrite: bool = False, continue_on_error: bool = False
    ) -> List[str]:
        """Add hosts and keep services; return a text for each spec.

        All specs are checked before the first is applied. ``no_overwrite`` leaves alone what is
        there. ``continue_on_error`` applies the others after one that fails, and fails then.
        Specs with ``preview_only`` change nothing.
        """
        for spec in specs:
            self._check(spec)
        done: List[str] = []
        failed: List[str] = []
        for spec in specs:
            try:
                done.append(self._apply(spec, no_overwrite))
            except OrchestratorError as error:
                if not continue_on_error:
                    raise
                failed.append(f"{_name(spec)}: {error}")
        if failed:
            applied = f" Applied: {'; '.join(done)}." if done else ""
            raise AdapterError(f"Not applied: {'; '.join(failed)}{applied}")
        return done

    def _check(self, spec: Any) -> None:
        """Raise for a spec that cannot be applied, whatever the cluster looks like."""
        if isinstance(spec, HostSpec):
            return
        if spec.service_type not in MANAGED:
            raise InvalidValue(
                "service_type",
                spec.service_type,
                "this backend does not deploy it",
                f"It deploys: {', '.join(MANAGED)}; other daemons are shown as they are.",
            )
        spec.validate()
        if not spec.service_id:
            raise InvalidValue("service_id", spec.service_id, "a drive group needs a name")
        with self.core.lock:
            known = [host.hostname for host in self.core.hosts.all()]
            for named in spec.placement.hosts or ():
                self.core.hosts.get(named.hostname)
            if known and not self.reconciler.planner.hosts(spec):
                raise InvalidValue(
                    "placement",
                    spec.placement.pretty_str(),
                    "it matches no host",
                    f"Hosts: {', '.join(known)}.",
                )

    def _apply(self, spec: Any, no_overwrite: bool) -> str:
        if isinstance(spec, HostSpec):
            if no_overwrite and spec.hostname in self.core.hosts:
                return f"Skipped host {spec.hostname}: it is there (--no-overwrite)"
            return str(raise_if_exception(self.add_host(spec)))
        if spec.preview_only:
            return f"{spec.service_name()}: a preview changes nothing"
        return self._keep_osds(spec, no_overwrite)

    def _keep_osds(self, spec: DriveGroupSpec, no_overwrite: bool) -> str:
        """Keep a drive group and say what it does now."""
        core, planner = self.core, self.reconciler.planner
        name = spec.service_name()
        self._await_reports(spec)
        self.reconciler.read_maps()
        with core.lock:
            if no_overwrite and core.specs.find(name) is not None:
                return f"Skipped {name}: it is there (--no-overwrite)"
            every = spec.data_devices is not None and spec.data_devices.all
            claims = planner.free_disks(spec) if every else OsdClaims()
            core.specs.save(Wanted(spec, time.time(), claims))
            core.events.note(name, "the drive group was applied")
            hosts = [host.hostname for host in planner.hosts(spec)]
            self.reconciler.creator.forget_pause(hosts)
            plans = [] if spec.unmanaged else self._plans(spec, claims)
        core.wake.set()
        return _scheduled(name, plans, unmanaged=spec.unmanaged)

    def _plans(self, spec: DriveGroupSpec, claims: OsdClaims) -> List[HostPlan]:
        osd_map = self.reconciler.osd_map
        if osd_map is None:
            return []
        return self.reconciler.planner.plan(spec, osd_map, claims=claims)

    def _await_reports(self, spec: DriveGroupSpec) -> None:
        """Wait some seconds for the first reports of hosts that were added just now."""
        core, until = self.core, time.monotonic() + REPORT_WAIT
        with core.lock:
            jobs = {
                core.refresh.reporter(host.hostname)
                for host in self.reconciler.planner.hosts(spec)
                if core.reports.get(host.hostname) is None
            }
        for job in sorted(filter(None, jobs)):
            core.engine.completion(job).wait(max(0.0, until - time.monotonic()))

    @handle_orch_error
    def apply_drivegroups(self, specs: List[DriveGroupSpec]) -> List[str]:
        """Keep drive groups: make their OSDs, now and when a disk that they name appears."""
        texts: List[str] = raise_if_exception(self.apply(specs))
        return texts

    @handle_orch_error
    def plan(self, spec: Sequence[Any]) -> List[Dict[str, Any]]:
        """Return what applying these specs would do, complete at the first call."""
        rows: List[Dict[str, Any]] = []
        for each in spec:
            try:
                rows.append(self._preview(each))
            except OrchestratorError as error:
                rows.append({"error": str(error)})
        return rows

    def _preview(self, spec: Any) -> Dict[str, Any]:
        self._check(spec)
        if isinstance(spec, HostSpec):
            return {"error": f"host {spec.hostname}: adding hosts has no preview"}
        self._await_reports(spec)
        self.reconciler.read_maps()
        with self.core.lock:
            every = spec.data_devices is not None and spec.data_devices.all
            claims = self.reconciler.planner.free_disks(spec) if every else OsdClaims()
            plans = self._plans(spec, claims)
        return {
            "service_name": spec.service_name(),
            "service_type": "osd",
            "data": {plan.host: [_preview_row(spec, plan)] for plan in plans},
        }

    @handle_orch_error
    def preview_osdspecs(
        self,
        osdspec_name: Optional[str] = "osd",
        osdspecs: Optional[List[DriveGroupSpec]] = None,
    ) -> str:
        """Return, a line a disk, what drive groups would make: those given, or those kept."""
        with self.core.lock:
            kept = [w.spec for w in self.core.specs.all() if isinstance(w.spec, DriveGroupSpec)]
        if osdspecs is None:
            osdspecs = [spec for spec in kept if osdspec_name in (None, "osd", spec.service_name())]
        lines = [
            f"{spec.service_name()}: {line}" for spec in osdspecs for line in self._lines(spec)
        ]
        return "\n".join(lines) or "nothing would be made"

    def _lines(self, spec: DriveGroupSpec) -> List[str]:
        self._check(spec)
        with self.core.lock:
            wanted = self.core.specs.find(spec.service_name())
            return in_words(self._plans(spec, wanted.claims if wanted else OsdClaims()))

    @handle_orch_error
    def describe_service(
        self,
        service_type: Optional[str] = None,
        service_name: Optional[str] = None,
        refresh: bool = False,
    ) -> List[ServiceDescription]:
        """Return what is wanted and what runs; a service that nobody specified is unmanaged."""
        daemons: Dict[str, List[DaemonDescription]] = {}
        for daemon in raise_if_exception(self.list_daemons(refresh=refresh)):
            daemons.setdefault(daemon.service_name(), []).append(daemon)
        with self.core.lock:
            wanted = {each.name: each for each in self.core.specs.all()}
            found = [
                self._description(name, wanted.get(name), daemons.get(name, []))
                for name in sorted({*wanted, *daemons})
            ]
        return [
            each
            for each in found
            if service_type in (None, each.spec.service_type)
            and service_name in (None, each.spec.service_name())
        ]

    def _description(
        self, name: str, wanted: Optional[Wanted], daemons: List[DaemonDescription]
    ) -> ServiceDescription:
        running = sum(daemon.status == DaemonDescriptionStatus.running for daemon in daemons)
        refreshed = [daemon.last_refresh for daemon in daemons if daemon.last_refresh]
        created = None
        if wanted is not None:
            created = datetime.datetime.fromtimestamp(wanted.created, tz=datetime.timezone.utc)
        return ServiceDescription(
            spec=wanted.spec if wanted is not None else _unmanaged(name, daemons),
            size=len(daemons),
            running=running,
            last_refresh=min(refreshed, default=datetime_now()),
            created=created,
            events=self.core.events.of(name),
        )

    @handle_orch_error
    def remove_service(self, service_name: str, force: bool = False) -> str:
        """Forget a drive group; its OSDs and their data stay as they are.

        One that has OSDs needs ``force``. Raises ``UnknownName``.
        """
        with self.core.lock:
            self.core.specs.get(service_name)
            osds = self.core.owners.of_service(service_name)
            if osds and not force:
                raise AdapterError(
                    f"{service_name} has {len(osds)} OSD(s): {listed(osds)}.",
                    "Give --force to forget the service and leave them running unmanaged, or "
                    "remove them first with `ceph orch osd rm`.",
                )
            self.core.specs.remove(service_name)
            self.core.events.forget(service_name)
        stay = f"; {listed(osds)} run on unmanaged" if osds else ""
        return f"Removed service {service_name}{stay}"

    @handle_orch_error
    def set_unmanaged(self, service_name: str, value: bool) -> str:
        """Stop making OSDs for a drive group, or go on."""
        with self.core.lock:
            wanted = self.core.specs.get(service_name)
            spec = type(wanted.spec).from_json({**wanted.spec.to_json(), "unmanaged": bool(value)})
            self.core.specs.save(replace(wanted, spec=spec))
        self.core.wake.set()
        return f"Set unmanaged to {bool(value)} for service {service_name}"


def _name(spec: Any) -> str:
    return str(spec.hostname if isinstance(spec, HostSpec) else spec.service_name())


def _unmanaged(name: str, daemons: Sequence[DaemonDescription]) -> ServiceSpec:
    """Return a placeholder for a service that runs and was never specified."""
    kind = str(daemons[0].daemon_type)
    hosts = sorted({str(daemon.hostname) for daemon in daemons})
    return ServiceSpec(
        service_type=kind,
        service_id=name.partition(".")[2] or None,
        placement=PlacementSpec(hosts=hosts),
        unmanaged=True,
    )


def _scheduled(name: str, plans: Sequence[HostPlan], *, unmanaged: bool) -> str:
    if unmanaged:
        return f"Scheduled {name} update: unmanaged, nothing is made"
    lines = in_words(plans)
    if not any(plan.groups for plan in plans):
        return "\n  ".join([f"Scheduled {name} update: no disk is to be written now", *lines])
    return "\n  ".join([f"Scheduled {name} update: OSDs are made of", *lines])


def _preview_row(spec: DriveGroupSpec, plan: HostPlan) -> Dict[str, Any]:
    rows = []
    for group in plan.groups:
        for index, disk in enumerate(group.data):
            row = {
                "data": disk.path,
                "data_size": str(disk.size),
                "device_id": disk.device_id,
                "method": str(group.options.get("method") or ""),
                "encryption": "dmcrypt" if group.options.get("encrypted") else "None",
            }
            for kind, disks in (("block_db", group.db), ("block_wal", group.wal)):
                if disks:
                    own = [disks[index]] if len(disks) == len(group.data) else disks
                    row[kind] = ",".join(each.path for each in own)
            if index < len(group.osd_ids):
                row["osd_id"] = str(group.osd_ids[index])
            rows.append(row)
    return {
        "data": rows,
        "osdspec": spec.service_id,
        "host": plan.host,
        "notes": in_words([plan]),
    }
