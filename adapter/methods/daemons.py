"""Daemons: ``ceph orch ps``. What runs is read from systemd on the hosts, never assumed."""

from __future__ import annotations

import datetime
from typing import Any, Dict, List, Optional

from adapter.cluster.hosts import Host
from adapter.cluster.reports import HostReport
from adapter.core import Core
from adapter.interface import DaemonDescription, DaemonDescriptionStatus, handle_orch_error
from adapter.methods._memo import Memo

_STATUS = {
    "running": DaemonDescriptionStatus.running,
    "starting": DaemonDescriptionStatus.starting,
    "stopped": DaemonDescriptionStatus.stopped,
    "error": DaemonDescriptionStatus.error,
}


class DaemonMethods:
    """The daemon methods of the interface, on a ``Core``."""

    core: Core

    def __init__(self, core: Core) -> None:
        self.core = core
        self._daemons = Memo(daemons_of)

    @handle_orch_error
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
            found = [daemon for known in hosts for daemon in self._daemons_on(known)]
        if refresh:
            self.core.wake.set()
        wanted = (("daemon_type", daemon_type), ("daemon_id", daemon_id))
        for name, value in wanted:
            if value is not None:
                found = [daemon for daemon in found if getattr(daemon, name) == value]
        if service_name is not None:
            found = [daemon for daemon in found if daemon.service_name() == service_name]
        return found

    def _daemons_on(self, host: Host) -> List[DaemonDescription]:
        report = self.core.reports.get(host.hostname)
        if report is None or "daemons" not in report.taken:
            return []
        online = self.core.pulse.online(host.hostname)
        state = (report.serial, online)
        return self._daemons.of(host.hostname, state, host, report, online)


def daemons_of(host: Host, report: HostReport, online: bool) -> List[DaemonDescription]:
    """Return a report's daemons as the interface wants them."""
    when = datetime.datetime.fromtimestamp(report.taken["daemons"], tz=datetime.timezone.utc)
    return [daemon_description(host.hostname, row, when, online) for row in report.daemons]


def service_of(daemon_type: str, daemon_id: str, hostname: str) -> str:
    """Return the service that a daemon without a spec belongs to.

    Nothing is guessed from the parts of an id beyond what is certain: the type, and for the kinds
    that have named services the whole id up to the host's name.
    """
    if daemon_type not in ("mds", "rgw", "nfs", "iscsi", "nvmeof"):
        return daemon_type
    name = daemon_id.split(f".{hostname}", 1)[0]
    return f"{daemon_type}.{name}"


def daemon_description(
    hostname: str, row: Dict[str, Any], taken: datetime.datetime, online: bool
) -> DaemonDescription:
    """Return a reported daemon as the interface wants it."""
    daemon_type, daemon_id = str(row.get("daemon_type")), str(row.get("daemon_id"))
    status = _STATUS.get(str(row.get("state")), DaemonDescriptionStatus.unknown)
    return DaemonDescription(
        daemon_type=daemon_type,
        daemon_id=daemon_id,
        hostname=hostname,
        version=row.get("version") or None,
        status=status if online else DaemonDescriptionStatus.unknown,
        status_desc=str(row.get("state")) if online else "host is offline",
        last_refresh=taken,
        started=_moment(row.get("started")),
        memory_usage=row.get("memory_usage"),
        service_name=service_of(daemon_type, daemon_id, hostname),
        ports=[port for port in row.get("ports") or () if isinstance(port, int)],
        systemd_unit=row.get("unit"),
    )


def _moment(text: Any) -> Optional[datetime.datetime]:
    try:
        return datetime.datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        return None
