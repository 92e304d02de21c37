"""Choosing devices: the filters of a drive group.

Source: reference/ceph_contract.md 3.2 (DeviceSelection, matchers).
"""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Union

from .checks import check_fields, checkers_for, declare, refuse, require_mapping
from .errors import DriveGroupValidationError, SpecValidationError
from .inventory import Device
from .matchers import (
    SIZE_ALLOWED,
    AllMatcher,
    EqualityMatcher,
    Matcher,
    SizeMatcher,
    SubstringMatcher,
    size_range,
)

_FILTERS = ("actuators", "model", "vendor", "size", "rotational")
_BOOLEANS = {"1": True, "0": False, "true": True, "false": False}


class DeviceSelection:
    """Selects devices of a host, by path or by what they are.

    ``paths`` are paths, or ``{"path", "crush_device_class"}``. Filters: ``model`` and ``vendor``
    (part of the text), ``size`` (``10G`` exactly, ``10G:20G``, ``10G:``, ``:20G``; see ``Size`` for
    the units), ``rotational`` (true or 1, false or 0), ``actuators`` (how many). ``all`` selects
    everything. ``limit`` is how many devices at most; it is no filter by itself.
    """

    _supported_filters = (
        "actuators",
        "paths",
        "size",
        "vendor",
        "model",
        "rotational",
        "limit",
        "all",
    )

    def __init__(
        self,
        actuators: Optional[int] = None,
        paths: Optional[List[Union[str, Device, Dict[str, Any]]]] = None,
        model: Optional[str] = None,
        size: Optional[str] = None,
        rotational: Union[bool, int, None] = None,
        limit: Optional[int] = None,
        vendor: Optional[str] = None,
        all: bool = False,
    ) -> None:
        self.actuators = actuators
        self.paths: List[Device] = [_device(path) for path in paths or []]
        self.model = model
        self.size = size
        self.rotational = rotational
        self.limit = limit
        self.vendor = vendor
        self.all = all

    def validate(self, name: str) -> None:
        """Raise ``DriveGroupValidationError``; ``name`` names the selection in its message."""
        try:
            check_fields(vars(self), _ATTRIBUTES, SpecValidationError, "device selection")
            self._validate_values()
        except SpecValidationError as error:
            raise DriveGroupValidationError(name, str(error)) from None

    def _validate_values(self) -> None:
        filters = [filter for filter in _FILTERS if getattr(self, filter) is not None]
        if self.paths and filters:
            refuse(f"paths with {', '.join(filters)}", self.paths, "paths or filters, not both")
        if self.all and (self.paths or filters):
            other = ", ".join(filters) or "paths"
            refuse(f"all with {other}", self.all, "all or other parameters, not both")
        if not (self.all or self.paths or filters):
            refuse(
                "device selection", self.to_json(), f"not empty: all, paths, {', '.join(_FILTERS)}"
            )
        if self.size and size_range(self.size) is None:
            refuse("size", self.size, SIZE_ALLOWED)
        if self.rotational not in (None, True, False):
            refuse("rotational", self.rotational, "true, false, 1 or 0")
        if self.limit is not None and self.limit < 0:
            refuse("limit", self.limit, "an integer of at least 0")

    def matchers(self) -> List[Matcher]:
        """Give what a device is compared with; an empty list fits every device."""
        found: List[Matcher] = []
        if self.size:
            found.append(SizeMatcher("size", self.size))
        if self.model:
            found.append(SubstringMatcher("model", self.model))
        if self.vendor:
            found.append(SubstringMatcher("vendor", self.vendor))
        if self.rotational is not None:
            found.append(EqualityMatcher("rotational", "1" if self.rotational else "0"))
        if self.actuators is not None:
            found.append(EqualityMatcher("actuators", str(self.actuators)))
        if self.all:
            found.append(AllMatcher("all", str(self.all)))
        return found

    @classmethod
    def from_json(cls, device_spec: Optional[Dict[str, Any]]) -> Optional[DeviceSelection]:
        """Read the JSON form; nothing (or ``{}``) is None. Raises ``SpecValidationError``."""
        if device_spec is None or device_spec == {}:
            return None
        if isinstance(device_spec, DeviceSelection):
            return device_spec
        values = dict(require_mapping(device_spec, "device selection"))
        for key in ("limit", "actuators"):
            text = values.get(key)
            if isinstance(text, str) and text.isascii() and text.isdecimal() and len(text) < 10:
                values[key] = int(text)
        for key in ("rotational", "all"):
            if isinstance(values.get(key), str):
                values[key] = _BOOLEANS.get(values[key].lower(), values[key])
        values = {key: value for key, value in values.items() if value is not None}
        check_fields(values, _JSON, SpecValidationError, "device selection")
        return cls(**values)

    def to_json(self) -> Dict[str, Any]:
        """Give what is set."""
        data: Dict[str, Any] = {}
        if self.paths:
            data["paths"] = [_path_json(device) for device in self.paths]
        for name in ("model", "vendor", "size"):
            if getattr(self, name):
                data[name] = getattr(self, name)
        for name in ("rotational", "actuators"):
            if getattr(self, name) is not None:
                data[name] = getattr(self, name)
        if self.limit:
            data["limit"] = self.limit
        if self.all:
            data["all"] = True
        return data

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, DeviceSelection):
            return NotImplemented
        return self.to_json() == other.to_json()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"DeviceSelection({self.to_json()!r})"


declare(DeviceSelection, "a device selection")
declare(Device, "a device")
_COMMON = {
    "actuators": "Optional[int]",
    "model": "Optional[str]",
    "size": "Optional[str]",
    "rotational": "Union[None, bool, int]",
    "limit": "Optional[int]",
    "vendor": "Optional[str]",
    "all": "bool",
}
_JSON = checkers_for({**_COMMON, "paths": "List[Union[str, dict, Device]]"})
_ATTRIBUTES = checkers_for({**_COMMON, "paths": "List[Device]"})
_PATH = checkers_for({"path": "str", "crush_device_class": "Optional[str]"})


def _device(path: Union[str, Device, Dict[str, Any]]) -> Device:
    if isinstance(path, Device):
        return path
    if isinstance(path, dict):
        check_fields(path, _PATH, SpecValidationError, "device selection: paths")
        if "path" not in path:
            refuse("device selection: paths", path, "a path or {path, crush_device_class}")
        return Device(path["path"], crush_device_class=path.get("crush_device_class"))
    if not isinstance(path, str) or not path:
        refuse("device selection: paths", path, "a path or {path, crush_device_class}")
    return Device(path)


def _path_json(device: Device) -> Union[str, Dict[str, str]]:
    if device.crush_device_class:
        return {"path": device.path, "crush_device_class": device.crush_device_class}
    return device.path
