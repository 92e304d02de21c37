"""Ingress: one address in front of the gateways of another service (haproxy, keepalived)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional

from ..placement import PlacementSpec
from .arguments import ArgumentSpec, CustomConfig
from .base import ServiceSpec
from .fields import NO_PLACEMENT, NO_STRINGS, register

_INTERVAL = re.compile(r"[0-9]{1,9}[smh]")


@register("ingress")
@dataclass(eq=False, repr=False)
class IngressSpec(ServiceSpec):
    """The way in to ``backend_service`` (for example ``rgw.web``).

    Clients use ``frontend_port`` at ``virtual_ip`` (with prefix length, ``10.0.0.9/24``) or at
    each of ``virtual_ips_list``; ``monitor_port`` shows haproxy's state, to ``monitor_user`` with
    ``monitor_password``. ``virtual_interface_networks`` finds the interface for an address.
    ``first_virtual_router_id`` is keepalived's first VRRP id, 1 to 255. ``keepalive_only`` runs
    no haproxy. ``health_check_interval`` is for example ``2s``. ``ssl`` with ``ssl_cert`` and
    ``ssl_key`` ends TLS here.
    """

    service_type: str = "ingress"
    service_id: Optional[str] = None
    config: Optional[Dict[str, Any]] = None
    networks: List[str] = NO_STRINGS
    placement: PlacementSpec = NO_PLACEMENT
    backend_service: Optional[str] = None
    frontend_port: Optional[int] = None
    ssl_cert: Optional[str] = None
    ssl_key: Optional[str] = None
    ssl_dh_param: Optional[str] = None
    ssl_ciphers: Optional[List[str]] = None
    ssl_options: Optional[List[str]] = None
    monitor_port: Optional[int] = None
    monitor_user: Optional[str] = None
    monitor_password: Optional[str] = None
    enable_stats: Optional[bool] = None
    keepalived_password: Optional[str] = None
    virtual_ip: Optional[str] = None
    virtual_ips_list: Optional[List[str]] = None
    virtual_interface_networks: Optional[List[str]] = field(default_factory=list)
    use_keepalived_multicast: Optional[bool] = False
    vrrp_interface_network: Optional[str] = None
    first_virtual_router_id: Optional[int] = 50
    unmanaged: bool = False
    ssl: bool = False
    keepalive_only: bool = False
    enable_haproxy_protocol: bool = False
    extra_container_args: Optional[List[ArgumentSpec]] = None
    extra_entrypoint_args: Optional[List[ArgumentSpec]] = None
    custom_configs: Optional[List[CustomConfig]] = None
    health_check_interval: Optional[str] = None
    preview_only: bool = False

    def __post_init__(self) -> None:
        """Let there be a list of networks."""
        super().__post_init__()
        if self.virtual_interface_networks is None:
            self.virtual_interface_networks = []

    def get_port_start(self) -> List[int]:
        """Give the ports that are set."""
        return [port for port in (self.frontend_port, self.monitor_port) if port is not None]

    def get_virtual_ip(self) -> Optional[str]:
        """Give the virtual address."""
        return self.virtual_ip

    def _validate_values(self) -> None:
        super()._validate_values()
        if not self.backend_service:
            self._missing("backend_service", "the name of a service")
        if not self.keepalive_only:
            for name in ("frontend_port", "monitor_port"):
                if not getattr(self, name):
                    self._missing(name, "a port, 1 to 65535")
        if self.virtual_ip and self.virtual_ips_list:
            self._refuse("virtual_ip", "virtual_ip or virtual_ips_list, not both")
        if not self.virtual_ip and not self.virtual_ips_list:
            self._missing("virtual_ip", "an address such as 10.0.0.9/24, or virtual_ips_list")
        if self.health_check_interval and not _INTERVAL.fullmatch(self.health_check_interval):
            self._refuse("health_check_interval", "a number and s, m or h, such as 2s")
