"""What the running Ceph's classes can hold, and specs brought to it.

A release's classes refuse what a later one added, and one refused spec would break `ceph orch ls`
for all services. So what they do not know is left out here: fields of specs and of what specs are
made of, and whole types. Nothing here imports Ceph: the parameters that were recorded of each
release (tests/fixtures/ceph_classes) can stand in for its classes.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any, Dict, FrozenSet, Mapping, Optional

from adapter.interface.specs.fields import CLASSES

# What stands at the top of a spec's JSON form beside its class's parameters.
_AROUND = frozenset({"service_name", "spec"})
_SELECTIONS = ("data_devices", "db_devices", "wal_devices", "journal_devices")
_ARGUMENTS = ("extra_container_args", "extra_entrypoint_args")
# Lists of what their classes read from JSON, where there are more than a parameter's name shows.
_READS = ("_supported_features", "_supported_filters")


@dataclass(frozen=True)
class CephClasses:
    """The parameters of Ceph's classes by their names, and the class of each service type."""

    parameters: Mapping[str, FrozenSet[str]]
    types: Mapping[str, str]

    def knows(self, name: str, parameter: str) -> bool:
        """Tell whether a class is there and takes a parameter."""
        return parameter in self.parameters.get(name, ())

    def fitted(self, data: Mapping[str, Any]) -> Optional[Dict[str, Any]]:
        """Return the JSON form of a spec without what its class does not know.

        None where there is no such service type.
        """
        name = self.types.get(data["service_type"])
        if name is None:
            return None
        known = self.parameters[name]
        found = {key: each for key, each in data.items() if key in known | _AROUND}
        inner = {
            _name(data["service_type"], key, known): each
            for key, each in data.get("spec", {}).items()
        }
        inner = {key: each for key, each in inner.items() if key in known}
        for key in _SELECTIONS:
            if inner.get(key):
                inner[key] = self._selection(inner[key])
        found["spec"] = inner
        if not inner:
            del found["spec"]
        if "placement" in found:
            found["placement"] = self.placement(found["placement"])
        if "ArgumentSpec" not in self.parameters:
            found.update({key: _texts(found[key]) for key in _ARGUMENTS if key in found})
        return found

    def placement(self, data: Mapping[str, Any]) -> Dict[str, Any]:
        """Return the JSON form of a placement; a regular expression is text before Ceph 18."""
        pattern = data.get("host_pattern")
        if isinstance(pattern, dict) and "HostPattern" not in self.parameters:
            return {**data, "host_pattern": f"regex:{pattern['pattern']}"}
        return dict(data)

    def _selection(self, data: Mapping[str, Any]) -> Dict[str, Any]:
        known = self.parameters["DeviceSelection"]
        found = {key: each for key, each in data.items() if key in known}
        if "paths" in found and not self.knows("Device", "crush_device_class"):
            found["paths"] = [
                each["path"] if isinstance(each, dict) else each for each in found["paths"]
            ]
        return found


def _name(service_type: str, key: str, known: FrozenSet[str]) -> str:
    """Return what a field is called in a class that still has its earlier name."""
    renamed: Mapping[str, str] = getattr(CLASSES.get(service_type), "_renamed", {})
    if key in known:
        return key
    return next((old for old, new in renamed.items() if new == key and old in known), key)


def _texts(arguments: Any) -> Any:
    return [each["argument"] if isinstance(each, dict) else each for each in arguments]


def read_classes(spec: Any, modules: Any) -> CephClasses:
    """Return what the classes in some modules take; ``spec`` is Ceph's ``ServiceSpec``."""
    found = {
        name: parameters(each)
        for module in modules
        for name, each in vars(module).items()
        if inspect.isclass(each) and inspect.isfunction(each.__init__)
    }
    types = {each: spec._cls(each).__name__ for each in spec.KNOWN_SERVICE_TYPES}
    return CephClasses(found, types)


def parameters(cls: Any) -> FrozenSet[str]:
    """Return what one of Ceph's classes takes, by its constructor and when it reads JSON."""
    known = frozenset(inspect.signature(cls.__init__).parameters) - {"self"}
    for name in _READS:
        known &= frozenset(getattr(cls, name, known))
    return known
