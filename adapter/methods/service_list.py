"""Services that are kept: ``ceph orch ls``, ``rm``, ``set-unmanaged``, ``set-managed``."""

from __future__ import annotations

import datetime
import time
from dataclasses import replace
from typing import Dict, List, Optional, Sequence

from adapter.cluster.osd_map import listed
from adapter.cluster.service_kinds import KINDS
from adapter.cluster.specs import Wanted
from adapter.errors import AdapterError
from adapter.interface import (
    DaemonDescription,
    DaemonDescriptionStatus,
    PlacementSpec,
    ServiceDescription,
    ServiceSpec,
    handle_orch_error,
    raise_if_exception,
)
from adapter.interface.times import datetime_now
from adapter.methods.daemons import DaemonMethods
from adapter.reconcile import Reconciler


class ServiceListMethods(DaemonMethods):
    """What is kept and what runs, on a ``Core``."""

    reconciler: Reconciler

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
        return ServiceDescription(
            spec=wanted.spec if wanted is not None else _unmanaged(name, daemons),
            size=self._size(wanted, len(daemons)),
            deleted=_moment(wanted.deleted) if wanted is not None else None,
            running=running,
            last_refresh=min(refreshed, default=datetime_now()),
            created=_moment(wanted.created) if wanted is not None else None,
            events=self.core.events.of(name),
        )

    def _size(self, wanted: Optional[Wanted], there: int) -> int:
        """Return how many daemons a service shall have."""
        if wanted is None or wanted.deleted or wanted.spec.service_type not in KINDS:
            return there
        keeper = self.reconciler.services
        running = keeper.running().get(wanted.name, [])
        return keeper.diff(wanted, running, keeper.hosts()).size

    @handle_orch_error
    def remove_service(self, service_name: str, force: bool = False) -> str:
        """Remove a service with its daemons; of a drive group only the OSDs' spec.

        A drive group that has OSDs needs ``force``, and they run on with their data. Raises
        ``UnknownName``, ``AdapterError`` for mon and mgr.
        """
        if service_name in ("mon", "mgr"):
            raise AdapterError(
                f"The {service_name} service cannot be removed: a cluster needs it.",
                f"`ceph orch apply {service_name}` changes how many there are and where.",
            )
        core = self.core
        with core.lock:
            wanted = core.specs.get(service_name)
            if wanted.spec.service_type != "osd":
                core.specs.save(replace(wanted, deleted=time.time()))
                self.reconciler.services.forget_pauses(service_name)
                core.wake.set()
                return f"Removed service {service_name}"
            osds = core.owners.of_service(service_name)
            if osds and not force:
                raise AdapterError(
                    f"{service_name} has {len(osds)} OSD(s): {listed(osds)}.",
                    "Give --force to forget the service and leave them running unmanaged, or "
                    "remove them first with `ceph orch osd rm`.",
                )
            core.specs.remove(service_name)
            core.events.forget(service_name)
        stay = f"; {listed(osds)} run on unmanaged" if osds else ""
        return f"Removed service {service_name}{stay}"

    @handle_orch_error
    def set_unmanaged(self, service_name: str, value: bool) -> str:
        """Leave a service as it is, or keep it again."""
        with self.core.lock:
            wanted = self.core.specs.get(service_name)
            spec = type(wanted.spec).from_json({**wanted.spec.to_json(), "unmanaged": bool(value)})
            self.core.specs.save(replace(wanted, spec=spec))
        self.core.wake.set()
        return f"Set unmanaged to {bool(value)} for service {service_name}"


def _moment(epoch: float) -> Optional[datetime.datetime]:
    if not epoch:
        return None
    return datetime.datetime.fromtimestamp(epoch, tz=datetime.timezone.utc)


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
