"""What is known of hosts, as the interface's objects. Pure functions."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any, Container, Dict, List, Mapping, Optional, Sequence, Tuple

from adapter.cluster.daemon_identity import Foreign
from adapter.cluster.daemon_places import own_rows
from adapter.cluster.daemon_services import DaemonServices
from adapter.cluster.hosts import MAINTENANCE, Host
from adapter.cluster.maintenances import ENTERED
from adapter.cluster.packages import HostPackages, upstream
from adapter.cluster.reports import HostReport
from adapter.interface import (
    DaemonDescription,
    DaemonDescriptionStatus,
    Device,
    Devices,
    HostSpec,
    InventoryHost,
)
from adapter.kinds import COMPANIONS, kind_of

# The service of a daemon that is not its host's own: it counts to none.
FOREIGN = "foreign"
_STATUS = {
    "running": DaemonDescriptionStatus.running,
    "starting": DaemonDescriptionStatus.starting,
    "stopped": DaemonDescriptionStatus.stopped,
    "error": DaemonDescriptionStatus.error,
    "not in the quorum": DaemonDescriptionStatus.error,
    "not in the manager map": DaemonDescriptionStatus.error,
}


def host_spec(host: Host, online: bool) -> HostSpec:
    """Return a host as the interface wants it; one that does not answer is ``Offline``."""
    status = host.status if online else "Offline"
    location = dict(host.location) if host.location else None
    return HostSpec(
        host.hostname, addr=host.addr, labels=list(host.labels), status=status, location=location
    )


def listed_host(host: Host, online: bool, stage: str = "") -> HostSpec:
    """Return a host as it is listed: also ``draining`` or ``drained`` where it is being emptied.

    ``stage`` is that of its maintenance: only one that has entered is in ``maintenance``, and of
    one that does not answer that is said too.
    """
    spec = host_spec(host, online)
    if stage:
        how = MAINTENANCE if stage == ENTERED else f"{stage} {MAINTENANCE}"
        spec.status = how if online else f"{spec.status}, {how}"
    if not spec.status and host.drain:
        spec.status = "drained" if host.drain.done else "draining"
    return spec


def inventory_host(host: Host, report: HostReport) -> InventoryHost:
    """Return a host's devices as the interface wants them."""
    created = datetime.datetime.fromtimestamp(report.taken["devices"], tz=datetime.timezone.utc)
    devices = [_device(row, created) for row in report.devices]
    return InventoryHost(
        host.hostname, devices=Devices(devices), labels=list(host.labels), addr=host.addr
    )


def _device(row: Dict[str, Any], created: datetime.datetime) -> Device:
    return Device(
        path=row["path"],
        sys_api=row["sys_api"],
        available=row["available"],
        rejected_reasons=list(row["rejected_reasons"]),
        lvs=row["lvs"],
        device_id=row["device_id"],
        lsm_data=row["lsm_data"],
        created=created,
        ceph_device_lvm=row["ceph_device_lvm"],
        crush_device_class=row["crush_device_class"],
        being_replaced=row["being_replaced"],
    )


def daemons_of(
    host: Host,
    report: HostReport,
    online: bool,
    services: DaemonServices,
    foreign: Mapping[str, Foreign],
    outside: Container[Tuple[str, str]] = (),
    active: Container[Tuple[str, str]] = (),
) -> List[DaemonDescription]:
    """Return a report's daemons as the interface wants them.

    ``foreign`` are those that are not the host's own, by name. They are in no service, in error,
    and have the host's name behind an @ in their id: no two daemons are listed by one name.
    ``outside`` are kind and id of those that run outside the cluster, ``active`` of those that
    serve while others stand by.
    """
    when = datetime.datetime.fromtimestamp(report.taken["daemons"], tz=datetime.timezone.utc)
    on_disk = HostPackages.of(report.packages).on_disk
    found = []
    for reported in report.daemons:
        row = _as_the_cluster_says(reported, outside)
        daemon = daemon_description(host.hostname, row, when, online, services)
        if online:
            daemon.status_desc = f"{daemon.status_desc}{_other_on_disk(row, on_disk)}"
        other = foreign.get(daemon.name()) if foreign else None
        daemon.is_active = (row["daemon_type"], row["daemon_id"]) in active
        found.append(daemon if other is None else _foreign(other, row, when))
    return found


def _other_on_disk(row: Mapping[str, Any], on_disk: Sequence[str]) -> str:
    """Return that another version is installed than a daemon runs, to be added to its state.

    It was installed since the daemon was started, which has it when it is started again.
    """
    if not kind_of(str(row["daemon_type"])).is_ceph:
        return ""
    running = upstream(str(row.get("version") or ""))
    if not running or not on_disk or running == on_disk[0]:
        return ""
    return f", {on_disk[0]} on disk"


def _foreign(foreign: Foreign, row: Dict[str, Any], when: datetime.datetime) -> DaemonDescription:
    kind, _, identity = foreign.name.partition(".")
    return DaemonDescription(
        daemon_type=kind,
        daemon_id=identity,
        hostname=foreign.host,
        status=DaemonDescriptionStatus.error,
        status_desc=foreign.in_short(),
        last_refresh=when,
        service_name=FOREIGN,
        systemd_unit=row.get("unit"),
    )


def _as_the_cluster_says(
    row: Dict[str, Any], outside: Container[Tuple[str, str]]
) -> Dict[str, Any]:
    """Return a reported daemon; its unit alone does not make it run."""
    if (row["daemon_type"], row["daemon_id"]) not in outside:
        return row
    if row["daemon_type"] == "osd":
        return {**row, "state": "down in the map"} if row["state"] == "running" else row
    where = "the quorum" if row["daemon_type"] == "mon" else "the manager map"
    return {**row, "state": f"not in {where}"}


@dataclass(frozen=True)
class Share:
    """What one host has of a service: how many daemons, how many of them run, as of when."""

    service_type: str
    size: int
    running: int
    taken: float


def shares_of(
    host: Host,
    report: HostReport,
    online: bool,
    services: DaemonServices,
    foreign: Mapping[str, Foreign],
    outside: Container[Tuple[str, str]] = (),
) -> Dict[str, Share]:
    """Return what a host has of each service, without ``foreign``, which are not its own.

    What goes with another daemon counts with that.

    ``outside`` is as of ``daemons_of``.
    """
    found: Dict[str, Share] = {}
    taken = report.taken["daemons"]
    for row in own_rows(report.daemons, foreign):
        if row["daemon_type"] in COMPANIONS:
            continue
        kind, name = str(row["daemon_type"]), _service(row, host.hostname, services)
        service_type = kind_of(kind).service_type or kind
        known = found.get(name) or Share(service_type, 0, 0, taken)
        runs = int(online and _as_the_cluster_says(row, outside)["state"] == "running")
        found[name] = Share(service_type, known.size + 1, known.running + runs, taken)
    return found


def _service(row: Dict[str, Any], hostname: str, services: DaemonServices) -> str:
    return services.of(hostname, str(row.get("daemon_type")), str(row.get("daemon_id")))


def daemon_description(
    hostname: str,
    row: Dict[str, Any],
    taken: datetime.datetime,
    online: bool,
    services: DaemonServices,
) -> DaemonDescription:
    """Return a reported daemon as the interface wants it."""
    daemon_type, daemon_id = str(row.get("daemon_type")), str(row.get("daemon_id"))
    service = _service(row, hostname, services)
    status = _STATUS.get(str(row.get("state")), DaemonDescriptionStatus.unknown)
    return DaemonDescription(
        daemon_type=daemon_type,
        daemon_id=daemon_id,
        hostname=hostname,
        version=row.get("version") or None,
        status=status if online else DaemonDescriptionStatus.unknown,
        status_desc=_described(row) if online else "host is offline",
        last_refresh=taken,
        started=_moment(row.get("started")),
        memory_usage=row.get("memory_usage"),
        service_name=service,
        osdspec_affinity=service.partition(".")[2] or None if daemon_type == "osd" else None,
        ports=_ports(daemon_type, row),
        container_id=row.get("container_id"),
        container_image_id=row.get("image_id"),
        container_image_name=row.get("image"),
        systemd_unit=row.get("unit"),
        rank=services.rank_of(hostname, daemon_type, daemon_id),
    )


def _described(row: Dict[str, Any]) -> str:
    """Return the state in words: of what is stopped also that it cannot be started as it is."""
    state, load = str(row.get("state")), str(row.get("load") or "loaded")
    return load if state == "stopped" and load != "loaded" else state


def _ports(daemon_type: str, row: Dict[str, Any]) -> List[int]:
    """Return the ports that somebody connects to; an OSD's are drawn at each start."""
    if daemon_type == "osd":
        return []
    return [port for port in row.get("ports") or () if isinstance(port, int)]


def _moment(text: Any) -> Optional[datetime.datetime]:
    try:
        return datetime.datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        return None
