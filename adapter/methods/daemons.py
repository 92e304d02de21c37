"""Daemons: ``ceph orch ps``. What runs is read from systemd on the hosts, never assumed."""

from __future__ import annotations

import datetime
from typing import Any, FrozenSet, List, Mapping, Optional, Tuple

from adapter.cluster.daemon_identity import Foreign
from adapter.cluster.daemon_places import NONE
from adapter.cluster.deployments import Deployment
from adapter.cluster.hosts import Host
from adapter.cluster.views import daemons_of
from adapter.core import Core
from adapter.interface import DaemonDescription
from adapter.methods._method import method
from adapter.methods._state_cache import StateCache


class DaemonMethods:
    """The daemon methods of the interface, on a ``Core``."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self._daemons = StateCache(_described)

    @method
    def list_daemons(
        self,
        service_name: Optional[str] = None,
        daemon_type: Optional[str] = None,
        daemon_id: Optional[str] = None,
        host: Optional[str] = None,
        refresh: bool = False,
    ) -> List[DaemonDescription]:
        """Return the daemons that all given filters let through.

        The list is the caller's own, the daemons in it are shared and are not to be changed.
        ``refresh`` asks for news and does not wait.
        """
        with self.core.lock:
            hosts = self.core.hosts.all() if host is None else [self.core.hosts.get(host)]
            if refresh:
                self.core.refresh.want([known.hostname for known in hosts])
            foreign, active = self.core.places.foreign_by_host(), self.core.watch.active
            found = [
                daemon
                for known in hosts
                for daemon in self._daemons_on(known, foreign.get(known.hostname, NONE), active)
            ]
        if refresh:
            self.core.wake_event.set()
        wanted = (("daemon_type", daemon_type), ("daemon_id", daemon_id))
        for name, value in wanted:
            if value is not None:
                found = [daemon for daemon in found if getattr(daemon, name) == value]
        if service_name is not None:
            found = [daemon for daemon in found if daemon.service_name() == service_name]
        return found

    def _daemons_on(
        self, host: Host, foreign: Mapping[str, Foreign], active: FrozenSet[Tuple[str, str]]
    ) -> List[DaemonDescription]:
        report = self.core.reports.get(host.hostname)
        if report is None or "daemons" not in report.taken:
            return []
        online = self.core.liveness.online(host.hostname)
        services = self.core.daemon_services
        outside = self.core.watch.not_serving(host.hostname)
        deployed = self.core.deployments.of_host(host.hostname)
        changed = self.core.set_options.changed
        here = (online, services.state_of(host.hostname), foreign, outside, active)
        state = (report.serial, *here, deployed, changed)
        args = (deployed, changed, host, report, online, services, foreign, outside, active)
        return self._daemons.of(host.hostname, state, *args)


def _described(
    deployed: Mapping[str, Deployment], changed: Mapping[str, float], *args: Any
) -> List[DaemonDescription]:
    """Return a host's daemons with the time at which each was given something last.

    That is its deployment, or what its service was given in the monitors' configuration since.
    """
    found = daemons_of(*args)
    for daemon in found:
        known = deployed.get(daemon.name())
        if known is not None and known.configured:
            when = max(known.configured, changed.get(known.service, 0.0))
            daemon.last_configured = datetime.datetime.fromtimestamp(when, tz=datetime.timezone.utc)
    return found
