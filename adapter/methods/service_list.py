"""Services that are kept: ``ceph orch ls``, ``rm``, ``set-unmanaged``, ``set-managed``."""

from __future__ import annotations

import datetime
import time
from dataclasses import replace
from typing import Any, Dict, List, Mapping, Optional, Tuple

from adapter.cluster.daemon_places import NONE
from adapter.cluster.osd_map import listed
from adapter.cluster.schedule import counted, with_placement
from adapter.cluster.specs import Wanted
from adapter.cluster.views import Share, shares_of
from adapter.core import Core
from adapter.errors import AdapterError
from adapter.interface import (
    OrchestratorError,
    OrchestratorEvent,
    ServiceDescription,
    ServiceSpec,
)
from adapter.interface.times import datetime_now
from adapter.kinds import KINDS, kind_of
from adapter.methods._announce import what_goes
from adapter.methods._changes import describe_put_back
from adapter.methods._method import method
from adapter.methods._state_cache import StateCache
from adapter.reconcile import Reconciler
from adapter.reconcile.ended_restarts import end_restart
from adapter.reconcile.kept_service import kept_service

# `ceph nfs cluster rm` has it removed before the gateways, whether there is one or not.
_OF_NFS = "ingress.nfs."


class ServiceListMethods:
    """What is kept and what runs, on a ``Core``."""

    def __init__(self, core: Core, reconciler: Reconciler) -> None:
        self.core, self.reconciler = core, reconciler
        self._kept_shares: StateCache[Dict[str, Share]] = StateCache(shares_of)
        self._kept_places: StateCache[Tuple[str, ...]] = StateCache(self._find_places)

    @method
    def describe_service(
        self,
        service_type: Optional[str] = None,
        service_name: Optional[str] = None,
        refresh: bool = False,
    ) -> List[ServiceDescription]:
        """Return what is wanted and what runs; a service that nobody specified is unmanaged."""
        core = self.core
        with core.lock:
            if refresh:
                core.refresh.want()
            shares = self._shares()
            wanted = {each.name: each for each in core.specs.all()}
            there = {*wanted, *shares, *filter(_is_shown, core.specs.problems)}
            names = [service_name] if service_name else sorted(there)
            found = [
                self._description(name, wanted.get(name), shares.get(name, {}))
                for name in names
                if name in there
            ]
        if refresh:
            core.wake_event.set()
        return [each for each in found if service_type in (None, each.spec.service_type)]

    def is_nobodys(self, name: str) -> bool:
        """Tell whether daemons of a service run that nobody specified."""
        core = self.core
        with core.lock:
            kept = core.specs.find(name) is not None or name in core.specs.problems
            return not kept and name in self._shares()

    def is_going(self, name: str) -> bool:
        """Tell whether a service is being removed."""
        with self.core.lock:
            wanted = self.core.specs.find(name)
            return wanted is not None and bool(wanted.deleted)

    def _shares(self) -> Dict[str, Dict[str, Share]]:
        """Return by service and host what there is."""
        core = self.core
        found: Dict[str, Dict[str, Share]] = {}
        by_host = core.places.foreign_by_host()
        for host in core.hosts.all():
            report = core.reports.get(host.hostname)
            if report is None or "daemons" not in report.taken:
                continue
            online = core.liveness.online(host.hostname)
            foreign = by_host.get(host.hostname, NONE)
            outside = core.watch.not_serving(host.hostname)
            services = core.daemon_services
            state = (report.serial, online, services.state_of(host.hostname), foreign, outside)
            here = self._kept_shares.of(
                host.hostname, state, host, report, online, services, foreign, outside
            )
            for name, share in here.items():
                found.setdefault(name, {})[host.hostname] = share
        return found

    def _description(
        self, name: str, wanted: Optional[Wanted], shares: Mapping[str, Share]
    ) -> ServiceDescription:
        there = sum(share.size for share in shares.values())
        places, running = self._places(wanted), self._running(name, shares)
        oldest = min((share.taken for share in shares.values()), default=0.0)
        return ServiceDescription(
            spec=with_placement(wanted.spec) if wanted else _unmanaged(name, shares),
            size=there if places is None else len(places),
            deleted=_moment(wanted.deleted) if wanted is not None else None,
            running=counted(places or (), running),
            last_refresh=_moment(oldest) or datetime_now(),
            created=_moment(wanted.created) if wanted is not None else None,
            virtual_ip=wanted.spec.get_virtual_ip() if wanted is not None else None,
            ports=_ports(wanted.spec) if wanted is not None else [],
            events=[
                *self.core.events.of(name),
                *self._bad_record(name),
                *self._paused(name, wanted),
            ],
        )

    def _bad_record(self, name: str) -> List[OrchestratorEvent]:
        """Return an event where a service is left as it is, for its record cannot be used."""
        reason = self.core.specs.problems.get(name)
        if reason is None:
            return []
        text = f"its record cannot be used, it is left as it is: {reason}"
        return [OrchestratorEvent(datetime_now(), "service", name, OrchestratorEvent.ERROR, text)]

    def _paused(self, name: str, wanted: Optional[Wanted]) -> List[OrchestratorEvent]:
        """Return an event where a service that is kept would not be: it is paused."""
        core = self.core
        kept = wanted is not None and (not wanted.spec.unmanaged or bool(wanted.deleted))
        if not kept or not core.paused:
            return []
        waits = [step for step in core.waiting_steps or () if step.startswith(f"{name}: ")]
        text = "paused: nothing is done by itself until `ceph orch resume`"
        text = f"{text}; {'; '.join(step[len(name) + 2 :] for step in waits)}" if waits else text
        return [OrchestratorEvent(datetime_now(), "service", name, OrchestratorEvent.INFO, text)]

    def _places(self, wanted: Optional[Wanted]) -> Optional[Tuple[str, ...]]:
        """Return the hosts on which a service shall have a daemon, None where nobody says it."""
        if wanted is None or wanted.deleted or wanted.spec.service_type not in KINDS:
            return None
        if wanted.spec.unmanaged and wanted.spec.placement.is_empty():
            # Nobody said how many: those that are there.
            return None
        return self._kept_places.of(wanted.name, self.core.state_serials(), wanted)

    def _find_places(self, wanted: Wanted) -> Tuple[str, ...]:
        reconciler = self.reconciler.services
        running = reconciler.running().get(wanted.name, [])
        return reconciler.diff(wanted, running, reconciler.hosts()).places

    def _running(self, name: str, shares: Mapping[str, Share]) -> Dict[str, int]:
        """Return how many daemons of a service run by host.

        Of monitors and managers the maps say it, also where a host does not answer.
        """
        members = self.core.watch.members(name)
        if members is None:
            return {hostname: share.running for hostname, share in shares.items()}
        found: Dict[str, int] = {}
        for member in members:
            # No daemon runs twice: what has its name elsewhere is not it.
            for hostname in self.core.places.hosts_with(f"{name}.{member}")[:1]:
                found[hostname] = found.get(hostname, 0) + 1
        return found

    @method
    def remove_service(self, service_name: str, force: bool = False) -> str:
        """Remove a service with its daemons; of a drive group only the OSDs' spec.

        A drive group that has OSDs needs ``force``, and they run on with their data. Raises
        ``UnknownName``, ``AdapterError`` for mon and mgr.
        """
        if kind_of(service_name).cluster_needs:
            raise AdapterError(
                f"The {service_name} service cannot be removed: a cluster needs it.",
                f"`ceph orch apply {service_name}` changes how many there are and where.",
            )
        core = self.core
        module = kind_of(service_name.partition(".")[0]).kept_by
        if module and not self._is_known(service_name):
            # The module has it removed with what it keeps, whether or not it ever applied it.
            return f"There is no service {service_name}"
        with core.lock:
            if service_name in core.specs.problems:
                core.specs.remove(service_name)
                return (
                    f"Removed the record of {service_name}, which could not be used; "
                    "its daemons run on unmanaged"
                )
            if service_name.startswith(_OF_NFS) and core.specs.find(service_name) is None:
                return f"There is no service {service_name}"
            wanted = kept_service(core, self.reconciler.services, service_name)
            if wanted.spec.service_type != "osd":
                core.specs.save(replace(wanted, deleted=time.time()))
                self.reconciler.services.forget_backoff(service_name)
                ended = end_restart(core, service_name, "removal")
                core.wake_event.set()
                held, job = core.held(), self.reconciler.services.jobs.running.get(service_name)
                more = [f"its daemons go when job {job} has ended"] if job else []
                more += describe_put_back(core, service_name)
                more += [core.paused_note()] if core.paused else []
                text = "; ".join([f"Removed service {service_name}", *filter(None, [held, *more])])
                return f"{text}. {ended}" if ended else text
            osds = core.owners.of_service(service_name)
            if osds and not force:
                raise AdapterError(
                    f"{service_name} has {len(osds)} OSD(s): {listed(osds)}.",
                    "Give --force to forget the service and leave them running unmanaged, or "
                    "remove them first with `ceph orch osd rm`.",
                )
            core.specs.remove(service_name)
            core.events.forget(service_name)
            ended = end_restart(core, service_name, "removal")
        stay = f"; {listed(osds)} run on unmanaged" if osds else ""
        return f"Removed service {service_name}{stay}" + (f". {ended}" if ended else "")

    def _is_known(self, name: str) -> bool:
        """Tell whether a service is kept, or daemons of it run."""
        with self.core.lock:
            kept = self.core.specs.find(name) is not None or name in self.core.specs.problems
            return kept or name in self._shares()

    def config_problem(self, spec: Any) -> str:
        """Return what is wrong with the ``config`` of a spec, or an empty text.

        Ceph's own check comes before a backend is asked: it names neither service nor value, and
        one option at a time.
        """
        kept = isinstance(spec, ServiceSpec) and spec.service_type in KINDS
        if not kept or not isinstance(spec.config, dict):
            return ""
        try:
            self.core.options.check(spec)
        except OrchestratorError as error:
            return f"{spec.service_name()}: {error}"
        return ""

    @method
    def set_unmanaged(self, service_name: str, value: bool) -> str:
        """Leave a service as it is, or keep it again."""
        with self.core.lock:
            wanted = kept_service(self.core, self.reconciler.services, service_name)
            spec = type(wanted.spec).from_json({**wanted.spec.to_json(), "unmanaged": bool(value)})
            applied = wanted.applied if value else round(time.time(), 3)
            self.core.specs.save(replace(wanted, spec=spec, applied=applied))
            self.reconciler.services.forget_backoff(service_name)
            goes = what_goes(self.core, self.reconciler.services, replace(wanted, spec=spec))
        self.core.wake_event.set()
        said = f"Set unmanaged to {bool(value)} for service {service_name}"
        return f"{said}. {goes}" if goes else said


def _moment(epoch: float) -> Optional[datetime.datetime]:
    if not epoch:
        return None
    return datetime.datetime.fromtimestamp(epoch, tz=datetime.timezone.utc)


def _type_of(name: str, shares: Mapping[str, Share]) -> str:
    for share in shares.values():
        return share.service_type
    return name.partition(".")[0]


def _is_shown(name: str) -> bool:
    """Tell whether a service can be listed by its name alone."""
    return name.partition(".")[0] in ("osd", *KINDS)


def _ports(spec: ServiceSpec) -> List[int]:
    return list(kind_of(spec.service_type).listed_ports(spec))


def _unmanaged(name: str, shares: Mapping[str, Share]) -> ServiceSpec:
    """Return a placeholder for a service that runs and was never specified."""
    return ServiceSpec(
        service_type=_type_of(name, shares),
        service_id=name.partition(".")[2] or None,
        unmanaged=True,
    )
