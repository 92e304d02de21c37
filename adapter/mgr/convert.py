"""Between our classes and those of the Ceph that is running.

On 16 and 18 callers in other modules get our objects themselves, and sort and change them; since
20 they get pickled copies (contract 2.2).
"""

from __future__ import annotations

import copy
import dataclasses
import functools
import logging
import weakref
from typing import Any, Callable, Dict, FrozenSet, Mapping, Optional, Tuple

import orchestrator
from ceph.deployment import drive_group as ceph_drive_group
from ceph.deployment import hostspec as ceph_hostspec
from ceph.deployment import inventory as ceph_inventory
from ceph.deployment import service_spec as ceph_specs

from adapter import interface
from adapter.mgr.ceph_classes import read_classes
from adapter.mgr.compat import REMOTE_PICKLES
from adapter.mgr.device_words import as_given

log = logging.getLogger(__name__)

CEPH = read_classes(
    ceph_specs.ServiceSpec,
    (ceph_specs, ceph_drive_group, ceph_inventory, ceph_hostspec, orchestrator),
)
# What its classes raise where a value is not to their liking.
REFUSALS = (ceph_hostspec.SpecValidationError, AssertionError, KeyError, TypeError, ValueError)
# A service of a type that the running Ceph does not know.
_UNKNOWN = object()


def to_ceph(value: Any) -> Any:
    """Return a result of ours as Ceph's classes; plain data stays as it is.

    Of a list what the running Ceph has no type for is left out.
    """
    if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        return [each for each in map(to_ceph, value) if each is not _UNKNOWN]
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


def _taken(name: str, ours: Any, *leave: str) -> Dict[str, Any]:
    """Return what a class of the running Ceph takes of an object of ours, but for some."""
    known: FrozenSet[str] = CEPH.parameters[name]
    return {each: getattr(ours, each) for each in known.difference(leave) if hasattr(ours, each)}


def _host_spec(spec: interface.HostSpec) -> Any:
    values = {**_taken("HostSpec", spec, "oob"), "labels": list(spec.labels)}
    return ceph_hostspec.HostSpec(**values)


def _device(device: interface.Device) -> Any:
    return ceph_inventory.Device(**_taken("Device", device))


class CephObjectCache:
    """Ceph's objects beside ours, as long as ours live.

    Building tens of thousands of them takes longer than an answer may. ``make`` builds one,
    ``copy`` what of it a caller may change; None where callers get a pickled copy anyway.
    """

    def __init__(
        self, make: Callable[[Any], Any], copy: Optional[Callable[[Any], Any]] = None
    ) -> None:
        self._make, self._copy = make, copy
        self._kept: Dict[int, Tuple[Any, Any]] = {}

    def of(self, ours: Any) -> Any:
        """Return Ceph's object for one of ours."""
        kept = self._kept.get(id(ours))
        if kept is None:
            key = id(ours)
            kept = (weakref.ref(ours, lambda _: self._kept.pop(key, None)), self._make(ours))
            self._kept[key] = kept
        return kept[1] if self._copy is None else self._copy(kept[1])


def _inventory_host(host: interface.InventoryHost) -> Any:
    devices = ceph_inventory.Devices([_device(each) for each in host.devices.devices])
    return orchestrator.InventoryHost(
        host.name, devices=devices, labels=list(host.labels), addr=host.addr
    )


def _copied_inventory_host(host: Any) -> Any:
    devices = ceph_inventory.Devices(list(host.devices.devices))
    return orchestrator.InventoryHost(
        host.name, devices=devices, labels=list(host.labels), addr=host.addr
    )


def _daemon(daemon: interface.DaemonDescription) -> Any:
    values = _taken("DaemonDescription", daemon, "service_name", "status")
    status = orchestrator.DaemonDescriptionStatus(
        -2 if daemon.status is None else int(daemon.status)
    )
    return orchestrator.DaemonDescription(
        **values, status=status, service_name=daemon.service_name()
    )


def _service(service: interface.ServiceDescription) -> Any:
    spec = _ceph_spec(service)
    if spec is _UNKNOWN:
        return spec
    values = _taken("ServiceDescription", service, "spec", "events")
    events = [
        orchestrator.OrchestratorEvent(
            event.created, event.kind, event.subject, event.level, event.message
        )
        for event in service.events
    ]
    return orchestrator.ServiceDescription(spec=spec, events=events, **values)


def _ceph_spec(service: interface.ServiceDescription) -> Any:
    """Return the spec of a service; one that nobody gave need not be complete.

    One spec that Ceph's class refuses must not take the others away: it is shown without what is
    in it.
    """
    data = CEPH.fitted(service.spec.to_json())
    if data is None:
        _say_once(f"this Ceph does not know the type of {service.spec.service_name()}")
        return _UNKNOWN
    if service.created is not None:
        try:
            return ceph_specs.ServiceSpec.from_json(data)
        except REFUSALS as error:
            _say_once(f"Ceph's class refuses the spec of {service.spec.service_name()}: {error}")
    return _bare_spec(service, data)


def _bare_spec(service: interface.ServiceDescription, data: Mapping[str, Any]) -> Any:
    """Return a spec with type, name and placement alone."""
    values = {
        "service_type": service.spec.service_type,
        "placement": ceph_specs.PlacementSpec.from_json(data.get("placement") or {}),
        "unmanaged": service.created is None or service.spec.unmanaged,
    }
    if service.spec.service_id:
        values["service_id"] = service.spec.service_id
    try:
        return ceph_specs.ServiceSpec(**values)
    except REFUSALS as error:
        _say_once(f"Ceph's class cannot hold {service.spec.service_name()}: {error}")
        return _UNKNOWN


@functools.lru_cache(maxsize=1024)
def _say_once(text: str) -> None:
    log.warning("%s; `ceph orch ls` shows less of it", text)


def _tuned_profile(profile: interface.TunedProfileSpec) -> Any:
    if "TunedProfileSpec" not in CEPH.parameters:
        return _UNKNOWN
    placement = CEPH.placement(profile.placement.to_json())
    return ceph_specs.TunedProfileSpec(
        profile_name=profile.profile_name,
        placement=ceph_specs.PlacementSpec.from_json(placement),
        settings=dict(profile.settings),
    )


_TO_CEPH: Dict[type, Callable[[Any], Any]] = {
    interface.HostSpec: CephObjectCache(_host_spec, None if REMOTE_PICKLES else copy.deepcopy).of,
    interface.InventoryHost: CephObjectCache(
        _inventory_host, None if REMOTE_PICKLES else _copied_inventory_host
    ).of,
    interface.ServiceDescription: _service,
    interface.TunedProfileSpec: _tuned_profile,
    interface.DaemonDescription: CephObjectCache(_daemon, None if REMOTE_PICKLES else copy.copy).of,
}


def _our_host_spec(spec: Any) -> interface.HostSpec:
    return interface.HostSpec(
        spec.hostname,
        addr=spec.addr,
        labels=list(spec.labels or ()),
        status=spec.status,
        location=spec.location,
        oob=getattr(spec, "oob", None),
    )


def _our_filter(wanted: Any) -> interface.InventoryFilter:
    return interface.InventoryFilter(labels=wanted.labels, hosts=wanted.hosts)


def _our_location(location: Any) -> interface.DeviceLightLoc:
    return interface.DeviceLightLoc(location.host, location.dev, location.path)


def _our_tuned_profile(profile: Any) -> interface.TunedProfileSpec:
    """Return a profile as ours; values that are not texts are for the method to judge."""
    return interface.TunedProfileSpec(
        profile.profile_name,
        interface.PlacementSpec.from_json(profile.placement.to_json()),
        profile.settings or {},
    )


def _our_spec(spec: Any) -> interface.ServiceSpec:
    """Return a spec as ours. Ceph's JSON of it lacks the preview's mark or would refuse it."""
    preview = bool(getattr(spec, "preview_only", False))
    data = spec.to_json()
    inner = data.get("spec")
    for part in (data, inner if isinstance(inner, dict) else {}):
        part.pop("preview_only", None)
    ours = interface.ServiceSpec.from_json(data)
    ours.preview_only = preview
    return ours


def _our_drive_group(spec: Any) -> interface.DriveGroupSpec:
    """Return a drive group as ours; its JSON would lose parts of the selections (contract 3.2).

    `ceph orch daemon add osd` gives no name, and numbers as text.
    """
    values = {
        field.name: getattr(spec, field.name)
        for field in dataclasses.fields(interface.DriveGroupSpec)
        if hasattr(spec, field.name) and field.name not in _SELECTIONS
    }
    values.update({name: _our_selection(getattr(spec, name, None)) for name in _SELECTIONS})
    values["placement"] = interface.PlacementSpec.from_json(spec.placement.to_json())
    for name in ("extra_container_args", "extra_entrypoint_args"):
        if values.get(name):
            # Texts before Ceph 18.
            values[name] = [getattr(each, "to_json", lambda e=each: e)() for each in values[name]]
    for name in ("osds_per_device", "db_slots", "wal_slots", "data_allocate_fraction"):
        values[name] = _number(values.get(name))
    if values.get("method") is not None:
        values["method"] = str(getattr(values["method"], "value", values["method"]))
    return interface.DriveGroupSpec(**values)


def _number(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return float(value) if "." in value else int(value)
    except ValueError:
        return value


def _our_selection(selection: Any) -> Optional[interface.DeviceSelection]:
    if selection is None:
        return None
    paths = [
        {
            "path": as_given(path.path),
            "crush_device_class": getattr(path, "crush_device_class", None),
        }
        for path in selection.paths or ()
    ]
    return interface.DeviceSelection(
        actuators=getattr(selection, "actuators", None),
        paths=list(paths) or None,
        model=selection.model,
        size=selection.size,
        rotational=selection.rotational,
        limit=selection.limit,
        vendor=selection.vendor,
        all=bool(selection.all),
    )


_SELECTIONS = ("data_devices", "db_devices", "wal_devices", "journal_devices")


def _spec_classes() -> Dict[str, Callable[[Any], Any]]:
    return {
        name: _our_spec
        for name, kind in vars(interface).items()
        if isinstance(kind, type) and issubclass(kind, interface.ServiceSpec)
    }


_FROM_CEPH: Dict[str, Callable[[Any], Any]] = {
    **_spec_classes(),
    "DriveGroupSpec": _our_drive_group,
    "HostSpec": _our_host_spec,
    "InventoryFilter": _our_filter,
    "DeviceLightLoc": _our_location,
    "TunedProfileSpec": _our_tuned_profile,
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
