"""Metadata servers (MDS) and monitors (MON)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Optional

from ..errors import SpecValidationError
from ..hosts import assert_valid_host
from ..placement import PlacementSpec
from .arguments import ArgumentSpec, CustomConfig
from .base import ServiceSpec
from .fields import NO_PLACEMENT, NO_STRINGS, register


@register("mds")
@dataclass(eq=False, repr=False)
class MDSSpec(ServiceSpec):
    """Metadata servers of the file system that ``service_id`` names."""

    service_type: str = "mds"
    service_id: Optional[str] = None
    placement: PlacementSpec = NO_PLACEMENT
    config: Optional[Dict[str, Any]] = None
    unmanaged: bool = False
    preview_only: bool = False
    extra_container_args: Optional[List[ArgumentSpec]] = None
    extra_entrypoint_args: Optional[List[ArgumentSpec]] = None
    custom_configs: Optional[List[CustomConfig]] = None

    def _validate_values(self) -> None:
        super()._validate_values()
        if self.service_id and self.service_id[0].isdecimal():
            self._refuse("service_id", "an id that does not begin with a digit")


@register("mon")
@dataclass(eq=False, repr=False)
class MONSpec(ServiceSpec):
    """Monitors; ``crush_locations`` says where hosts are: ``{host: ["datacenter=a"]}``."""

    service_type: str
    service_id: Optional[str] = None
    placement: PlacementSpec = NO_PLACEMENT
    count: Optional[int] = None
    config: Optional[Dict[str, Any]] = None
    unmanaged: bool = False
    preview_only: bool = False
    networks: List[str] = NO_STRINGS
    extra_container_args: Optional[List[ArgumentSpec]] = None
    extra_entrypoint_args: Optional[List[ArgumentSpec]] = None
    custom_configs: Optional[List[CustomConfig]] = None
    crush_locations: Optional[Dict[str, List[str]]] = None

    def _validate_values(self) -> None:
        super()._validate_values()
        for host, locations in (self.crush_locations or {}).items():
            try:
                assert_valid_host(host)
            except SpecValidationError as error:
                raise SpecValidationError(f"mon: crush_locations: {error}") from None
            for location in locations:
                bucket, _, name = location.partition("=")
                if not bucket or not name:
                    self._refuse("crush_locations", "BUCKET=LOCATION", location)
