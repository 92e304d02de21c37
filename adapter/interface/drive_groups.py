"""Drive groups: which devices of which hosts become OSDs, and how.

Source: reference/orchestrator_interface.txt, reference/ceph_contract.md 3.2 (DriveGroupSpec).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any, Callable, ClassVar, Dict, List, Optional, Type, TypeVar, Union

from .checks import declare, is_number, refuse, shown
from .device_selection import DeviceSelection
from .errors import DriveGroupValidationError, SpecValidationError
from .host_placement import HostPattern
from .placement import PlacementSpec
from .specs.arguments import ArgumentSpec, CustomConfig
from .specs.base import ServiceSpec
from .specs.fields import NO_PLACEMENT, register

DriveGroupT = TypeVar("DriveGroupT", bound="DriveGroupSpec")

_SELECTIONS = ("data_devices", "db_devices", "wal_devices", "journal_devices")
_SIZES = ("block_db_size", "block_wal_size", "journal_size")
_COUNTS = ("osds_per_device", "db_slots", "wal_slots")


class OSDMethod(str, enum.Enum):
    """How OSDs are made: on logical volumes, or on the devices themselves."""

    raw = "raw"
    lvm = "lvm"

    def to_json(self) -> str:
        """Give the text."""
        return str(self.value)


declare(OSDMethod, "lvm or raw")


@register("osd")
@dataclass(eq=False, repr=False)
class DriveGroupSpec(ServiceSpec):
    """OSDs on all devices that the selections choose, on all hosts of the placement.

    ``data_devices`` hold the data; ``db_devices`` and ``wal_devices`` (faster ones) the metadata
    of several OSDs each. ``osds_per_device`` OSDs share a data device. ``encrypted`` uses
    dm-crypt, ``tpm2`` keeps its key in the TPM. ``block_db_size`` and ``block_wal_size`` are
    bytes, or text such as ``60G``; ``data_allocate_fraction`` (0 to 1) is how much of a data
    device is used. ``osd_id_claims`` names ids of destroyed OSDs to use again:
    ``{host: ["3"]}``. ``filter_logic``: a device has to match all (``AND``) or any (``OR``) of
    the filters. ``method`` is ``lvm`` or ``raw``. ``crush_device_class`` is the class of OSDs
    whose path gives none. ``journal_*``, ``data_directories``, ``db_slots`` and ``wal_slots``
    are read and have no effect. Raises ``DriveGroupValidationError``.
    """

    _readers: ClassVar[Dict[str, Callable[[Any], Any]]] = {
        **ServiceSpec._readers,
        **dict.fromkeys(_SELECTIONS, DeviceSelection.from_json),
    }

    placement: PlacementSpec = NO_PLACEMENT
    service_id: Optional[str] = None
    data_devices: Optional[DeviceSelection] = None
    db_devices: Optional[DeviceSelection] = None
    wal_devices: Optional[DeviceSelection] = None
    journal_devices: Optional[DeviceSelection] = None
    data_directories: Optional[List[str]] = None
    osds_per_device: Optional[int] = None
    objectstore: str = "bluestore"
    encrypted: bool = False
    tpm2: bool = False
    db_slots: Optional[int] = None
    wal_slots: Optional[int] = None
    osd_id_claims: Union[Dict[str, List[Any]], List[Any], None] = None
    block_db_size: Union[int, str, None] = None
    block_wal_size: Union[int, str, None] = None
    journal_size: Union[int, str, None] = None
    service_type: str = "osd"
    unmanaged: bool = False
    filter_logic: str = "AND"
    preview_only: bool = False
    extra_container_args: Optional[List[ArgumentSpec]] = None
    extra_entrypoint_args: Optional[List[ArgumentSpec]] = None
    data_allocate_fraction: Union[int, float, None] = None
    method: Optional[str] = None
    config: Optional[Dict[str, Any]] = None
    custom_configs: Optional[List[CustomConfig]] = None
    crush_device_class: Optional[str] = None

    def __post_init__(self) -> None:
        """Bring logic and method into their normal form."""
        self.service_type = self.service_type or "osd"
        super().__post_init__()
        if isinstance(self.filter_logic, str):
            self.filter_logic = self.filter_logic.upper()
        if self.method in ("lvm", "raw"):
            self.method = OSDMethod(self.method)

    @classmethod
    def _from_json_impl(cls: Type[DriveGroupT], data: Dict[str, Any]) -> DriveGroupT:
        pattern = data.pop("host_pattern", None)
        try:
            if pattern is not None:
                HostPattern.from_json(pattern)
                placement = data.setdefault("placement", {"host_pattern": pattern})
                if placement != {"host_pattern": pattern}:
                    refuse("host_pattern", pattern, f"one placement: it is {shown(placement)} too")
            return super()._from_json_impl(data)
        except DriveGroupValidationError:
            raise
        except SpecValidationError as error:
            name = data.get("service_id")
            raise DriveGroupValidationError(
                name if isinstance(name, str) else None, str(error)
            ) from None

    def validate(self) -> None:
        """Raise ``DriveGroupValidationError`` that names the field, its value, what is allowed."""
        try:
            super().validate()
        except DriveGroupValidationError:
            raise
        except SpecValidationError as error:
            raise DriveGroupValidationError(self.service_id, str(error)) from None

    def _validate_values(self) -> None:
        try:
            super()._validate_values()
            self._validate_group()
        except DriveGroupValidationError:
            raise
        except SpecValidationError as error:
            raise DriveGroupValidationError(self.service_id, str(error)) from None

    def _validate_group(self) -> None:
        if self.placement.is_empty():
            self._missing("placement", "hosts, label, host_pattern or count")
        if self.data_devices is None:
            self._missing("data_devices", "a selection of devices, such as {all: true}")
        for name in _SELECTIONS:
            selection = getattr(self, name)
            if selection is not None:
                selection.validate(f"{self.service_id or ''}.{name}")
                if selection.all and name != "data_devices":
                    self._refuse(name, "no `all`: it is for data_devices only", selection.to_json())
        if self.objectstore != "bluestore":
            self._refuse("objectstore", "bluestore")
        if self.filter_logic not in ("AND", "OR"):
            self._refuse("filter_logic", "AND, OR")
        if self.method is not None and self.method not in ("lvm", "raw"):
            self._refuse("method", "lvm, raw")
        self._validate_numbers()

    def _validate_numbers(self) -> None:
        for name in _COUNTS:
            value = getattr(self, name)
            if value is not None and value < 0:
                self._refuse(name, "an integer of at least 0")
        for name in _SIZES:
            value = getattr(self, name)
            if is_number(value) and value < 0:
                self._refuse(name, "a number of bytes, or text such as 60G")
        fraction = self.data_allocate_fraction
        if fraction is not None and not 0 <= fraction <= 1:
            self._refuse("data_allocate_fraction", "a number from 0 to 1")
