"""Object gateways (RADOS Gateway)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Union

from ..placement import PlacementSpec
from .arguments import ArgumentSpec, CustomConfig
from .base import ServiceSpec
from .fields import NO_PLACEMENT, NO_STRINGS, register


@register("rgw")
@dataclass(eq=False, repr=False)
class RGWSpec(ServiceSpec):
    """Object gateways of one realm and zone.

    Without ``service_id`` it is named after realm and zone. ``rgw_frontend_port`` is 80, or 443
    with ``ssl``, if not given. ``rgw_frontend_ssl_certificate`` is a certificate with its key,
    as text or as lines. ``generate_cert`` makes one instead. ``rgw_realm_token`` joins another
    site's realm, ``update_endpoints`` and ``zone_endpoints`` say how the zone is reached.
    ``data_pool_attributes``: ``type`` ec (with ``k`` and ``m``) or replicated, and options of the
    pool. ``rgw_exit_timeout_secs`` is how long a stopping gateway may finish requests.
    """

    service_type: str = "rgw"
    service_id: Optional[str] = None
    placement: PlacementSpec = NO_PLACEMENT
    rgw_realm: Optional[str] = None
    rgw_zonegroup: Optional[str] = None
    rgw_zone: Optional[str] = None
    rgw_frontend_port: Optional[int] = None
    rgw_frontend_ssl_certificate: Union[str, List[str], None] = None
    rgw_frontend_type: Optional[str] = None
    rgw_frontend_extra_args: Optional[List[str]] = None
    unmanaged: bool = False
    ssl: bool = False
    preview_only: bool = False
    config: Optional[Dict[str, Any]] = None
    networks: List[str] = NO_STRINGS
    subcluster: Optional[str] = None
    extra_container_args: Optional[List[ArgumentSpec]] = None
    extra_entrypoint_args: Optional[List[ArgumentSpec]] = None
    custom_configs: Optional[List[CustomConfig]] = None
    only_bind_port_on_networks: bool = False
    rgw_realm_token: Optional[str] = None
    update_endpoints: Optional[bool] = False
    zone_endpoints: Optional[str] = None
    zonegroup_hostnames: Optional[List[str]] = None
    data_pool_attributes: Optional[Dict[str, Any]] = None
    rgw_user_counters_cache: Optional[bool] = False
    rgw_user_counters_cache_size: Optional[int] = None
    rgw_bucket_counters_cache: Optional[bool] = False
    rgw_bucket_counters_cache_size: Optional[int] = None
    generate_cert: bool = False
    disable_multisite_sync_traffic: Optional[bool] = None
    wildcard_enabled: Optional[bool] = False
    rgw_exit_timeout_secs: int = 120

    def __post_init__(self) -> None:
        """Name the service after realm and zone if it has no name."""
        super().__post_init__()
        if not self.service_id and self.rgw_realm and self.rgw_zone:
            self.service_id = f"{self.rgw_realm}.{self.rgw_zone}"

    def get_port_start(self) -> List[int]:
        """Give the ports that the gateways listen on."""
        return self.get_port()

    def get_port(self) -> List[int]:
        """Give the port, and with ssl the port that ``ssl_port=`` in the extra arguments names."""
        ports = [self.rgw_frontend_port] if self.rgw_frontend_port else []
        if self.ssl:
            for argument in self.rgw_frontend_extra_args or []:
                key, _, value = argument.partition("=")
                if key == "ssl_port" and value.isdecimal():
                    ports.append(int(value))
                    break
        return ports or [443 if self.ssl else 80]

    def _validate_values(self) -> None:
        super()._validate_values()
        if self.rgw_realm and not self.rgw_zone:
            self._refuse("rgw_realm", "a realm together with rgw_zone")
        if self.rgw_zone and not self.rgw_realm:
            self._refuse("rgw_zone", "a zone together with rgw_realm")
        self._one_of("rgw_frontend_type", "beast", "civetweb")
        if self.generate_cert:
            if not self.ssl:
                self._refuse("generate_cert", "only with ssl: true")
            if self.rgw_frontend_ssl_certificate:
                self._refuse("generate_cert", "only without rgw_frontend_ssl_certificate")
        if self.data_pool_attributes:
            self._validate_pool(self.data_pool_attributes)

    def _validate_pool(self, attributes: Dict[str, Any]) -> None:
        if attributes.get("type", "ec") == "ec" and not (
            attributes.get("k") and attributes.get("m")
        ):
            self._refuse("data_pool_attributes", "k and m for an ec pool (the default type is ec)")
        if "erasure_code_profile" in attributes:
            self._refuse("data_pool_attributes", "no erasure_code_profile: it is made from k and m")
