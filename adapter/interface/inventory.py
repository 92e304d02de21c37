"""Devices: what `ceph-volume inventory` tells about the disks of a host, and filters on it.

Source: reference/orchestrator_interface.txt "Devices", reference/ceph_contract.md 3.2 and 4.1.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, Dict, Iterator, List, NamedTuple, Optional

from .checks import (
    check_fields,
    checkers_for,
    optional_time,
    refuse,
    require_list,
    require_mapping,
    shown,
)
from .errors import OrchestratorValidationError, SpecValidationError
from .times import datetime_now, datetime_to_str, str_to_datetime

_REPORT = {
    "rejected_reasons": "Optional[List[str]]",
    "available": "Optional[bool]",
    "path": "str",
    "sys_api": "Optional[Dict[str, Any]]",
    "created": "Optional[str]",
    "lvs": "Optional[List[Dict[str, Any]]]",
    "human_readable_type": "Optional[str]",
    "device_id": "Optional[str]",
    "lsm_data": "Optional[Dict[str, Any]]",
    "crush_device_class": "Optional[str]",
    "being_replaced": "Optional[bool]",
    "ceph_device_lvm": "Optional[bool]",
    "ceph_device": "Optional[bool]",
}


class Device:
    """A block device of a host.

    ``path`` is its path there. ``sys_api`` is what the kernel says about it (keys as in
    reference/ceph_contract.md 4.1; ``size`` in bytes, ``rotational`` is ``"1"`` or ``"0"``).
    ``available`` says whether an OSD can be made on it, ``rejected_reasons`` why not. ``lvs`` are
    the logical volumes on it, ``device_id`` is ``vendor_model_serial``, ``lsm_data`` what
    libstoragemgmt tells. ``created`` is when this was found out (now, if not given).
    ``ceph_device_lvm`` says that Ceph's own LVM is on it (called ``ceph_device`` until 18.2; both
    names work), ``being_replaced`` that it waits for its replacement, ``crush_device_class`` is
    the class that a drive group asks for with this path.
    """

    report_fields: ClassVar[List[str]] = [
        "ceph_device_lvm",
        "rejected_reasons",
        "available",
        "path",
        "sys_api",
        "created",
        "lvs",
        "human_readable_type",
        "device_id",
        "lsm_data",
        "crush_device_class",
        "being_replaced",
    ]
    _CHECKERS = checkers_for(_REPORT)

    def __init__(
        self,
        path: str,
        sys_api: Optional[Dict[str, Any]] = None,
        available: Optional[bool] = None,
        rejected_reasons: Optional[List[str]] = None,
        lvs: Optional[List[Dict[str, Any]]] = None,
        device_id: Optional[str] = None,
        lsm_data: Optional[Dict[str, Any]] = None,
        created: Optional[datetime] = None,
        ceph_device_lvm: Optional[bool] = None,
        crush_device_class: Optional[str] = None,
        being_replaced: Optional[bool] = None,
        ceph_device: Optional[bool] = None,
    ) -> None:
        self.path = path
        self.sys_api: Dict[str, Any] = {} if sys_api is None else sys_api
        self.available = available
        self.rejected_reasons: List[str] = sorted(rejected_reasons or [])
        self.lvs = lvs
        self.device_id = device_id
        self.lsm_data: Dict[str, Any] = {} if lsm_data is None else lsm_data
        self.created = datetime_now() if created is None else created
        self.ceph_device_lvm = ceph_device if ceph_device_lvm is None else ceph_device_lvm
        self.crush_device_class = crush_device_class
        self.being_replaced = being_replaced

    @property
    def ceph_device(self) -> Optional[bool]:
        """The name of ``ceph_device_lvm`` until 18.2."""
        return self.ceph_device_lvm

    @property
    def human_readable_type(self) -> str:
        """``hdd``, ``ssd`` or, without ``sys_api``, ``unknown``."""
        if not self.sys_api or "rotational" not in self.sys_api:
            return "unknown"
        return "hdd" if str(self.sys_api["rotational"]) == "1" else "ssd"

    def to_json(self) -> Dict[str, Any]:
        """Give all report fields, also those that are None."""
        return {
            "ceph_device_lvm": self.ceph_device_lvm,
            "rejected_reasons": self.rejected_reasons,
            "available": self.available,
            "path": self.path,
            "sys_api": self.sys_api,
            "created": datetime_to_str(self.created),
            "lvs": self.lvs,
            "human_readable_type": self.human_readable_type,
            "device_id": self.device_id,
            "lsm_data": self.lsm_data,
            "crush_device_class": self.crush_device_class,
            "being_replaced": self.being_replaced,
        }

    @classmethod
    def from_json(cls, input: Dict[str, Any]) -> Device:
        """Read one entry of an inventory; unknown keys are ignored, ``created`` may be absent.

        Raises ``SpecValidationError``.
        """
        data = require_mapping(input, "device")
        if "path" not in data:
            raise SpecValidationError(f'device: "path" is missing in {shown(data)}')
        known = {key: data[key] for key in _REPORT if key in data}
        check_fields(known, cls._CHECKERS, SpecValidationError, "device")
        known.pop("human_readable_type", None)
        known["created"] = optional_time(
            known.get("created"), "device: created", str_to_datetime, SpecValidationError
        )
        return cls(**known)

    def __repr__(self) -> str:
        state = {None: "unknown", True: "available", False: "not available"}[self.available]
        return f"Device({self.path!r}, {self.human_readable_type}, {state})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Device):
            return NotImplemented
        # When it was found out says nothing of the device.
        names = (name for name in self.report_fields if name != "created")
        return all(getattr(self, name) == getattr(other, name) for name in names)

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, Device):
            return NotImplemented
        return self.path < other.path

    def __hash__(self) -> int:
        return hash(self.path)


class Devices:
    """The devices of one host, in the order in which they were reported."""

    def __init__(self, devices: List[Device]) -> None:
        self.devices = devices

    def to_json(self) -> List[Dict[str, Any]]:
        """Give one JSON object for each device."""
        return [device.to_json() for device in self.devices]

    @classmethod
    def from_json(cls, input: List[Dict[str, Any]]) -> Devices:
        """Read the output of `ceph-volume inventory`; raises ``SpecValidationError``."""
        return cls([Device.from_json(item) for item in require_list(input, "devices")])

    def copy(self) -> Devices:
        """Give a new container of the same devices."""
        return Devices(list(self.devices))

    def __iter__(self) -> Iterator[Device]:
        return iter(self.devices)

    def __len__(self) -> int:
        return len(self.devices)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Devices):
            return NotImplemented
        return sorted(self.devices) == sorted(other.devices)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Devices({self.devices!r})"


class InventoryFilter:
    """Which hosts' inventory is asked for: those with any of the labels, or of these names."""

    def __init__(
        self, labels: Optional[List[str]] = None, hosts: Optional[List[str]] = None
    ) -> None:
        self.labels = labels
        self.hosts = hosts

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, InventoryFilter):
            return NotImplemented
        return (self.labels, self.hosts) == (other.labels, other.hosts)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"InventoryFilter(labels={self.labels!r}, hosts={self.hosts!r})"


class InventoryHost:
    """A host and its devices; ``addr`` is the host's name if not given."""

    _CHECKERS = checkers_for(
        {
            "name": "str",
            "devices": "list",
            "labels": "Optional[List[str]]",
            "addr": "Optional[str]",
        }
    )

    def __init__(
        self,
        name: str,
        devices: Optional[Devices] = None,
        labels: Optional[List[str]] = None,
        addr: Optional[str] = None,
    ) -> None:
        if devices is None:
            devices = Devices([])
        elif not isinstance(devices, Devices):
            refuse(f"devices of {name}", devices, "Devices", OrchestratorValidationError)
        self.name = name
        self.addr = addr or name
        self.devices = devices
        self.labels: List[str] = [] if labels is None else labels

    def to_json(self) -> Dict[str, Any]:
        """Give the JSON form."""
        return {
            "name": self.name,
            "addr": self.addr,
            "devices": self.devices.to_json(),
            "labels": self.labels,
        }

    @classmethod
    def from_json(cls, data: Dict[str, Any]) -> InventoryHost:
        """Read the JSON form; raises ``OrchestratorValidationError``."""
        data = require_mapping(data, "inventory host", OrchestratorValidationError)
        for key in ("name", "devices"):
            if key not in data:
                raise OrchestratorValidationError(f'inventory host: "{key}" is missing')
        check_fields(data, cls._CHECKERS, OrchestratorValidationError, "inventory host")
        try:
            devices = Devices.from_json(data["devices"])
        except SpecValidationError as error:
            raise OrchestratorValidationError(f"host {data['name']}: {error}") from None
        return cls(data["name"], devices, data.get("labels"), data.get("addr"))

    @classmethod
    def from_nested_items(cls, hosts: List[Dict[str, Any]]) -> List[InventoryHost]:
        """Read a list of ``{"name", "devices"}`` in JSON form."""
        return [
            cls.from_json(item)
            for item in require_list(hosts, "inventory", OrchestratorValidationError)
        ]

    @staticmethod
    def get_host_names(hosts: List[InventoryHost]) -> List[str]:
        """Give the names of the hosts, in their order."""
        return [host.name for host in hosts]

    def __str__(self) -> str:
        return f"InventoryHost({self.name})"

    def __repr__(self) -> str:
        return f"<InventoryHost>({self.name})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, InventoryHost):
            return NotImplemented
        return (self.name, self.addr, self.labels, self.devices) == (
            other.name,
            other.addr,
            other.labels,
            other.devices,
        )

    def __hash__(self) -> int:
        return hash(self.name)


class DeviceLightLoc(NamedTuple):
    """A device whose light is meant: its host, its device id and its path there.

    ``dev`` is for example ``ABC1234DEF567-1R1234_ABC8DE0Q``; the dashboard gives the kernel's
    name for it.
    """

    host: str
    dev: str
    path: str
