"""Services: ``ceph orch apply``, ``ls``, ``rm``, ``set-unmanaged``."""

from __future__ import annotations

import time
from typing import Any, Dict, List, Optional, Sequence

from adapter.cluster.container_fields import check_no_container
from adapter.cluster.osd_plan import HostPlan, in_words
from adapter.cluster.schedule import CLUSTER_NEEDS, candidates
from adapter.cluster.service_kinds import KINDS, check_fields, rgw_port
from adapter.cluster.specs import OsdClaims, Wanted
from adapter.core import Core
from adapter.errors import AdapterError, InvalidValue, NotReady
from adapter.interface import (
    DriveGroupSpec,
    HostSpec,
    OrchestratorError,
    ServiceSpec,
    handle_orch_error,
    raise_if_exception,
)
from adapter.methods.daemons import DaemonMethods
from adapter.methods.hosts import HostMethods
from adapter.reconcile import Reconciler
from adapter.reconcile.mon_addresses import check_mon_places, check_networks
from adapter.reconcile.mon_locations import check_mon_locations

MANAGED = ("osd", *KINDS)
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
        check_no_container(spec)
        spec.validate()
        if spec.service_type != "osd":
            check_fields(spec)
        elif not spec.service_id:
            raise InvalidValue("service_id", spec.service_id, "a drive group needs a name")
        with self.core.lock:
            self._check_placement(spec)

    def _check_placement(self, spec: ServiceSpec) -> None:
        for named in spec.placement.hosts or ():
            self.core.hosts.get(named.hostname)
        hosts = self.reconciler.services.hosts()
        matching = candidates(spec, hosts)
        if hosts and not matching:
            raise InvalidValue(
                "placement",
                spec.placement.pretty_str(),
                "it matches no host",
                f"Hosts: {', '.join(host.hostname for host in hosts)}.",
            )
        self._check_port(spec, hosts)
        if spec.service_type in KINDS:
            check_networks(self.core, spec, matching)
        check_mon_places(self.core, spec, matching)
        check_mon_locations(self.core, spec)

    def _check_port(self, spec: ServiceSpec, hosts: Sequence[HostSpec]) -> None:
        """Raise for an object gateway whose port another one has on one of its hosts."""
        if spec.service_type != "rgw":
            return
        for name in self.core.specs.problems:
            # Which port it has nobody knows.
            if name.partition(".")[0] == "rgw" and name != spec.service_name():
                self.core.specs.check_readable(name)
        mine = set(candidates(spec, hosts))
        for other in self.core.specs.all():
            shared = mine & set(candidates(other.spec, hosts))
            same = other.spec.service_type == "rgw" and rgw_port(other.spec) == rgw_port(spec)
            if same and shared and other.name != spec.service_name():
                raise InvalidValue(
                    "rgw_frontend_port",
                    rgw_port(spec),
                    f"{other.name} has it on host '{min(shared)}'",
                    "Give another port or other hosts.",
                )

    def _apply(self, spec: Any, no_overwrite: bool) -> str:
        if isinstance(spec, HostSpec):
            if no_overwrite and spec.hostname in self.core.hosts:
                return f"Skipped host {spec.hostname}: it is there (--no-overwrite)"
            return str(raise_if_exception(self.add_host(spec)))
        if spec.preview_only:
            return f"{spec.service_name()}: a preview changes nothing"
        if spec.service_type == "osd":
            return self._keep_osds(spec, no_overwrite)
        return self._keep_service(spec, no_overwrite)

    def _keep_service(self, spec: ServiceSpec, no_overwrite: bool) -> str:
        """Keep a service; the loop brings it about."""
        core, name = self.core, spec.service_name()
        with core.lock:
            known = core.specs.find(name)
            if no_overwrite and self._is_there(name, known):
                return f"Skipped {name}: it is there (--no-overwrite)"
            created = known.created if known is not None else time.time()
            core.specs.save(Wanted(spec, created, had=self._wanted_size(spec)))
            if known is None:
                core.events.note(name, "the service was created")
            self.reconciler.services.forget_pauses(name)
            held = "" if spec.unmanaged else core.held()
        core.wake.set()
        return f"Scheduled {name} update..." + (f" {held}" if held else "")

    def _is_there(self, name: str, known: Optional[Wanted]) -> bool:
        """Tell whether a service is kept, also where nobody can say how."""
        if known is None:
            return name in self.core.specs.problems
        return not known.deleted

    def _wanted_size(self, spec: ServiceSpec) -> int:
        """Return how many daemons somebody wants of a service that a cluster needs."""
        if spec.service_type not in CLUSTER_NEEDS:
            return 0
        keeper = self.reconciler.services
        there = keeper.running().get(spec.service_name(), [])
        return keeper.diff(Wanted(spec), there, keeper.hosts()).size

    def _keep_osds(self, spec: DriveGroupSpec, no_overwrite: bool) -> str:
        """Keep a drive group and say what it does now."""
        core, planner = self.core, self.reconciler.planner
        name = spec.service_name()
        self._await_reports(spec)
        self.reconciler.read_maps()
        with core.lock:
            if no_overwrite and self._is_there(name, core.specs.find(name)):
                return f"Skipped {name}: it is there (--no-overwrite)"
            claims = self._claims(spec)
            core.specs.save(Wanted(spec, time.time(), claims=claims))
            core.events.note(name, "the drive group was applied")
            hosts = [host.hostname for host in planner.hosts(spec)]
            self.reconciler.creator.forget_pause(hosts)
            held = "" if spec.unmanaged else core.held_osds()
            plans = [] if spec.unmanaged or held else self._plans(spec, claims)
        core.wake.set()
        if held:
            return f"Scheduled {name} update: no disk is written to now; {held}"
        return _scheduled(name, plans, unmanaged=spec.unmanaged)

    def _claims(self, spec: DriveGroupSpec) -> OsdClaims:
        """Return which disks a drive group may take, as they are now.

        Raises ``NotReady`` where those that are free now are meant, and a host is not known.
        """
        if spec.data_devices is None or not spec.data_devices.all:
            return OsdClaims()
        held = self.core.held()
        if held:
            raise NotReady(f"Which disks are free is not known on all hosts: {held}.")
        return self.reconciler.planner.free_disks(spec)

    def _plans_now(self, spec: DriveGroupSpec, claims: OsdClaims) -> List[HostPlan]:
        """Return the plans of a drive group; raises ``NotReady`` where none can be made."""
        held = self.core.held_osds()
        if held:
            raise NotReady(f"No OSDs are planned: {held}.")
        return self._plans(spec, claims)

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
        if spec.service_type != "osd":
            return self._preview_service(spec)
        self._await_reports(spec)
        self.reconciler.read_maps()
        with self.core.lock:
            plans = self._plans_now(spec, self._claims(spec))
        return {
            "service_name": spec.service_name(),
            "service_type": "osd",
            "data": {plan.host: [_preview_row(spec, plan)] for plan in plans},
        }

    def _preview_service(self, spec: ServiceSpec) -> Dict[str, Any]:
        """Return on which hosts daemons would be added, and which would be removed."""
        keeper = self.reconciler.services
        with self.core.lock:
            held = self.core.held()
            if held:
                raise NotReady(f"Where daemons would be added or removed is not known: {held}.")
            there = keeper.running().get(spec.service_name(), [])
            diff = keeper.diff(Wanted(spec), there, keeper.hosts())
        return {
            "service_name": spec.service_name(),
            "service_type": spec.service_type,
            "add": [place.hostname for place in diff.add],
            "remove": [f"{spec.service_type}.{each.daemon_id}" for each in diff.remove],
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
            return in_words(self._plans_now(spec, wanted.claims if wanted else OsdClaims()))


def _name(spec: Any) -> str:
    return str(spec.hostname if isinstance(spec, HostSpec) else spec.service_name())


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
