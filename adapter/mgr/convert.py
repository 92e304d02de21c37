"""Between our classes and those of the Ceph that is running.

Results are built anew for every caller: on 16 and 18 callers in other modules get our objects
themselves and sort and change them (contract 2.2).
"""

from __future__ import annotations

import dataclasses
from typing import Any, Callable, Dict, List, Tuple

import orchestrator
from ceph.deployment import inventory as ceph_inventory
from ceph.deployment.hostspec import HostSpec as CephHostSpec

from adapter import interface
from adapter.mgr.compat import known_parameters

_DEVICE_PARAMETERS = known_parameters(ceph_inventory.Device.__init__)
_DAEMON_PARAMETERS = known_parameters(orchestrator.DaemonDescription.__init__)


def to_ceph(value: Any) -> Any:
    """Return a result of ours as Ceph's classes; plain data stays as it is."""
    if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        return [to_ceph(each) for each in value]
    convert = _TO_CEPH.get(type(value))
    return value if convert is None else convert(value)


def from_ceph(value: Any) -> Any:
    """Return an argument from Ceph as our classes; told apart by name, not by class.

    On 16 and 18 the caller's classes are not those of this interpreter (contract 2.2).
    """
    if isinstance(value, list):
        return [from_ceph(each) for each in value]
    convert = _FROM_CEPH.get(type(value).__name__)
    return value if convert is None else convert(value)


def _host_spec(spec: interface.HostSpec) -> Any:
    return CephHostSpec(
        spec.hostname,
        addr=spec.addr,
        labels=list(spec.labels),
        status=spec.status,
        location=spec.location,
    )


def _device(device: interface.Device) -> Any:
    values = {
        name: getattr(device, name)
        for name in _DEVICE_PARAMETERS
        if name != "self" and hasattr(device, name)
    }
    return ceph_inventory.Device(**values)


class InventoryMemo:
    """Keep Ceph's Device objects of a host as long as its own inventory is the same object.

    Building tens of thousands of them takes longer than an answer may; they are not changed by
    callers, the lists around them are, so those are new each time.
    """

    def __init__(self) -> None:
        self._kept: Dict[str, Tuple[interface.Devices, List[Any]]] = {}

    def __call__(self, host: interface.InventoryHost) -> Any:
        kept = self._kept.get(host.name)
        if kept is None or kept[0] is not host.devices:
            kept = (host.devices, [_device(each) for each in host.devices.devices])
            self._kept[host.name] = kept
        return orchestrator.InventoryHost(
            host.name,
            devices=ceph_inventory.Devices(list(kept[1])),
            labels=list(host.labels),
            addr=host.addr,
        )


def _daemon(daemon: interface.DaemonDescription) -> Any:
    values = {
        name: getattr(daemon, name)
        for name in _DAEMON_PARAMETERS
        if name not in ("self", "service_name", "status") and hasattr(daemon, name)
    }
    status = orchestrator.DaemonDescriptionStatus(int(daemon.status))
    return orchestrator.DaemonDescription(
        **values, status=status, service_name=daemon.service_name()
    )


_TO_CEPH: Dict[type, Callable[[Any], Any]] = {
    interface.HostSpec: _host_spec,
    interface.InventoryHost: InventoryMemo(),
    interface.DaemonDescription: _daemon,
}


def _our_host_spec(spec: Any) -> interface.HostSpec:
    return interface.HostSpec(
        spec.hostname,
        addr=spec.addr,
        labels=list(spec.labels or ()),
        status=spec.status,
        location=spec.location,
    )


def _our_filter(wanted: Any) -> interface.InventoryFilter:
    return interface.InventoryFilter(labels=wanted.labels, hosts=wanted.hosts)


def _our_location(location: Any) -> interface.DeviceLightLoc:
    return interface.DeviceLightLoc(location.host, location.dev, location.path)


_FROM_CEPH: Dict[str, Callable[[Any], Any]] = {
    "HostSpec": _our_host_spec,
    "InventoryFilter": _our_filter,
    "DeviceLightLoc": _our_location,
}


def plain(value: Any) -> Any:
    """Return dataclasses and enums as plain data for ``--format json|yaml``."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return plain(dataclasses.asdict(value))
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    return getattr(value, "value", value)
