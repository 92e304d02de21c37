"""Deployments that wait for their hosts while their service has become another one."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Dict, List, Sequence, Tuple

from adapter.cluster.deployments import Deployment
from adapter.cluster.schedule import DaemonPlacement
from adapter.cluster.specs import Wanted
from adapter.core import Core
from adapter.errors import NotKept
from adapter.interface import OrchestratorError, ServiceSpec
from adapter.kinds import DAEMONS
from adapter.reconcile.key_removal import KeyRemoval

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Deploying:
    job: str
    spec: ServiceSpec
    places: Tuple[DaemonPlacement, ...]


class OutdatedJobs:
    """Know for which spec a job was asked for, and give it up when that is no more the spec.

    Only what follows from a spec is known here: what somebody asked for by hand is done.
    """

    def __init__(self, core: Core, keys: KeyRemoval) -> None:
        self._core = core
        self._keys = keys
        self._all: Dict[str, _Deploying] = {}

    def note(self, wanted: Wanted, job: str, places: Sequence[DaemonPlacement]) -> None:
        """Keep what a job is for."""
        with self._core.lock:
            self._all[wanted.name] = _Deploying(job, wanted.spec, tuple(places))

    def drop(self) -> None:
        """Give up the deployments that have not begun and that nobody wants as they are.

        What was made for their daemons goes too; those that are still wanted get it again.
        """
        core = self._core
        with core.lock:
            left: List[Tuple[str, Deployment]] = []
            for service in [name for name in self._all if self._is_outdated(name)]:
                # What has begun meanwhile goes on.
                known = self._all.pop(service)
                if core.overtaken.drop(known.job, "its service was changed since"):
                    left += self._never_there(service, known)
        for hostname, daemon in left:
            self._clean(hostname, daemon)

    def _is_outdated(self, service: str) -> bool:
        specs, spec = self._core.specs, self._all[service].spec
        if service in specs.problems:
            return False
        wanted = specs.find(service)
        if wanted is None or wanted.deleted:
            return True
        return wanted.spec is not spec and bool(wanted.spec.to_json() != spec.to_json())

    def _never_there(self, service: str, job: _Deploying) -> List[Tuple[str, Deployment]]:
        """Return the daemons of a job that no host has."""
        core, places = self._core, {(each.hostname, each.daemon_id) for each in job.places}
        return [
            (host, each)
            for host, each in core.deployments.of_service(service)
            if (host, each.daemon_id) in places and host not in core.places.hosts_of(each.daemon)
        ]

    def _clean(self, hostname: str, daemon: Deployment) -> None:
        """Take back what was made for a daemon before its job was asked for."""
        core, kind = self._core, DAEMONS[daemon.daemon_type]
        try:
            if kind.has_own_key:
                self._keys.begin(hostname, kind.daemon_type, [daemon.daemon_id])
            for option in daemon.options:
                core.maps.unconfigure(kind.entity_of(daemon.daemon_id), option)
            with core.lock:
                core.deployments.forget(hostname, [daemon.daemon])
        except NotKept as error:
            core.unkept.note(error)
        except OrchestratorError as error:
            log.warning("what was made for %s stays: %s", daemon.daemon, error)
