"""Devices: ``ceph orch device ls``, ``ceph orch host rescan``, ``ceph device light``."""

from __future__ import annotations

from typing import Dict, List, Mapping, Optional, Sequence

from adapter import names
from adapter.cluster.device_names import NO_DEVICE, DeviceNames
from adapter.cluster.hosts import Host
from adapter.cluster.views import inventory_host
from adapter.core import Core
from adapter.engine.completion import Completion
from adapter.errors import (
    HostUnreachable,
    InvalidValue,
    JobError,
    JobFailed,
    NotReady,
    UnknownName,
)
from adapter.interface import DeviceLightLoc, InventoryFilter, InventoryHost
from adapter.methods._method import method
from adapter.methods._state_cache import StateCache


class DeviceMethods:
    """The device methods of the interface, on a ``Core``."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self._inventories = StateCache(inventory_host)

    @method
    def get_inventory(
        self, host_filter: Optional[InventoryFilter] = None, refresh: bool = False
    ) -> List[InventoryHost]:
        """Return what is known of the hosts' devices; ``refresh`` asks for news and does not wait.

        The list is the caller's own, the hosts in it are shared and are not to be changed. Raises
        ``UnknownName`` for a host in the filter that is not known.
        """
        with self.core.lock:
            hosts = self._filtered(host_filter)
            if refresh:
                self.core.refresh.want([host.hostname for host in hosts])
            found = [
                self._inventories.of(host.hostname, (host, report.serial), host, report)
                for host in hosts
                for report in [self.core.reports.get(host.hostname)]
                if report is not None and "devices" in report.taken
            ]
        if refresh:
            self.core.wake_event.set()
        return found

    def _filtered(self, host_filter: Optional[InventoryFilter]) -> List[Host]:
        hosts = self.core.hosts.all()
        if host_filter is None:
            return hosts
        if host_filter.hosts:
            wanted = set(host_filter.hosts)
            for hostname in host_filter.hosts:
                self.core.hosts.get(hostname)
            hosts = [host for host in hosts if host.hostname in wanted]
        if host_filter.labels:
            labels = set(host_filter.labels)
            hosts = [host for host in hosts if labels & set(host.labels)]
        return hosts

    @method
    def rescan_host(self, hostname: str) -> str:
        """Let a host's storage adapters look for new disks; the inventory follows."""
        host = reachable(self.core, hostname)
        job = self.core.submit("rescan_host", [host])
        return f"Rescan of host {hostname} scheduled as job {job.job_id}"

    @method
    def blink_device_light(
        self, ident_fault: str, on: bool, locations: List[DeviceLightLoc]
    ) -> List[str]:
        """Switch the ident or fault light of devices; return one line per light.

        Waits some seconds for the hosts; longer work goes on and is named by its job. Raises
        ``JobFailed`` with what was tried.
        """
        if ident_fault not in ("ident", "fault"):
            raise InvalidValue(
                "light", ident_fault, "there is no such light", "Use ident or fault."
            )
        rows = [_location(location) for location in locations]
        hosts = [reachable(self.core, name) for name in dict.fromkeys(row["host"] for row in rows)]
        for row in rows:
            self._check_known(row)
        state = "on" if on else "off"
        parameters = {
            "kind": ident_fault,
            "on": bool(on),
            "locations": rows,
            "sysfs_root": self.core.settings.light_sysfs_root,
            "command": self.core.settings.light_command,
        }
        summary = f"Switch the {ident_fault} light {state} for {_named(rows)}"
        job = self.core.submit("blink_device_light", hosts, parameters=parameters, summary=summary)
        if not job.wait(self.core.answer_wait):
            return [self._left_alone(job, summary)]
        if job.exception is not None:
            raise _light_failure(job, job.exception)
        return _light_lines(ident_fault, job)

    def _check_known(self, row: Mapping[str, str]) -> None:
        """Raise ``UnknownName`` for a device that its host has not reported under any name."""
        with self.core.lock:
            host, report = self.core.hosts.get(row["host"]), self.core.reports.get(row["host"])
            if report is None or "devices" not in report.taken:
                return
            devices = inventory_host(host, report).devices.devices
            device_names = DeviceNames(devices, report.storage.get("links") or {})
        asked = (row["dev"], row["path"])
        if all(device_names.find(name)[1] == NO_DEVICE for name in asked):
            known = ", ".join(sorted(device.path for device in devices)) or "none"
            raise UnknownName(
                "device",
                f"{row['host']}:{row['dev']}",
                f"It has: {known} (`ceph orch device ls {row['host']} --refresh` looks again).",
            )

    def _left_alone(self, job: Completion, summary: str) -> str:
        """Say that a job goes on; if it fails, health tells it."""
        with self.core.lock:
            self.core.unawaited.add(job.job_id)
        return (
            f"{summary}: still at it, see `ceph ansible job show {job.job_id}`. If it fails, "
            "`ceph health detail` says so."
        )


def reachable(core: Core, hostname: str) -> Host:
    """Return a host that answers; raises ``UnknownName``, ``NotReady``, ``HostUnreachable``."""
    problem = core.ssh.ready()
    with core.lock:
        host = core.hosts.get(hostname)
        state = core.liveness.of(hostname)
    if problem:
        raise NotReady(problem)
    if not state.online:
        raise HostUnreachable(hostname, state.reason, "The manager keeps looking.")
    return host


def _location(location: Sequence[str]) -> Dict[str, str]:
    host, dev, path = location
    dev = dev if str(dev).startswith("/dev/") else f"/dev/{dev}"
    return {
        "host": names.check_hostname(host),
        "dev": names.check_device_path(dev, "device"),
        "path": names.check_device_path(path or dev),
    }


def _named(rows: List[Dict[str, str]]) -> str:
    return ", ".join(f"{row['host']}:{row['dev']}" for row in rows)


def _light_lines(kind: str, job: Completion) -> List[str]:
    return [
        f"{host}:{light.get('path')}: {kind} light is {'on' if light.get('on') else 'off'} "
        f"({light.get('method')}{'' if light.get('read_back') is not None else ', not read back'})"
        for host, result in sorted(job.result.items())
        for light in result.get("lights") or ()
    ]


def _light_failure(job: Completion, error: JobError) -> JobError:
    """Return the error with everything that the hosts said of what they tried."""
    said = [
        f"{host}: {outcome.message}"
        for host, outcome in sorted(job.outcomes.items())
        if outcome.message and not outcome.status.good
    ]
    return JobFailed(job.job_id, " ".join(said)) if said else error
