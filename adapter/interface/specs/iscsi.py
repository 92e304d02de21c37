"""iSCSI gateways."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Union

from ..placement import PlacementSpec
from .arguments import ArgumentSpec, CustomConfig
from .base import ServiceSpec
from .fields import NO_PLACEMENT, NO_STRINGS, register


@register("iscsi")
@dataclass(eq=False, repr=False)
class IscsiServiceSpec(ServiceSpec):
    """iSCSI gateways that keep their configuration in ``pool``.

    ``trusted_ip_list`` are the addresses that may use the API, as a list or separated by commas
    (which it becomes). The API is on ``api_port``, with ``api_user`` and ``api_password``; with
    certificate and key (``ssl_cert``, ``ssl_key``) ``api_secure`` becomes true.
    """

    service_type: str = "iscsi"
    service_id: Optional[str] = None
    pool: Optional[str] = None
    trusted_ip_list: Union[str, List[str], None] = None
    api_port: Optional[int] = 5000
    api_user: Optional[str] = "admin"
    api_password: Optional[str] = "admin"  # noqa: S105 - the interface's default
    api_secure: Optional[bool] = None
    ssl_cert: Optional[str] = None
    ssl_key: Optional[str] = None
    placement: PlacementSpec = NO_PLACEMENT
    unmanaged: bool = False
    preview_only: bool = False
    config: Optional[Dict[str, Any]] = None
    networks: List[str] = NO_STRINGS
    extra_container_args: Optional[List[ArgumentSpec]] = None
    extra_entrypoint_args: Optional[List[ArgumentSpec]] = None
    custom_configs: Optional[List[CustomConfig]] = None

    def __post_init__(self) -> None:
        """Make the API secure if there is a certificate."""
        super().__post_init__()
        trusted = self.trusted_ip_list
        if isinstance(trusted, list) and all(isinstance(each, str) for each in trusted):
            self.trusted_ip_list = ",".join(trusted) or None
        if not self.api_secure and self.ssl_cert and self.ssl_key:
            self.api_secure = True

    def get_port_start(self) -> List[int]:
        """Give the port of the API."""
        return [self.api_port or 5000]

    def _validate_values(self) -> None:
        super()._validate_values()
        if not self.pool:
            self._missing("pool", "the name of a pool")
