"""NFS gateways (NFS-Ganesha)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Dict, List, Optional, Sequence

from ..placement import PlacementSpec
from .arguments import ArgumentSpec, CustomConfig
from .base import ServiceSpec
from .fields import NO_PLACEMENT, NO_STRINGS, register


@register("nfs")
@dataclass(eq=False, repr=False)
class NFSServiceSpec(ServiceSpec):
    """NFS gateways that share one set of exports.

    ``port`` is where they listen (2049 if not given), ``monitoring_port`` where they give
    metrics. ``virtual_ip`` is one address for all, with ``enable_haproxy_protocol`` behind an
    ingress that tells the client's address. ``enable_nlm`` and ``enable_nfsv3`` are for NFS
    version 3. ``idmap_conf`` is the content of idmapd.conf, a mapping of sections.

    ``pool`` and ``namespace``, which specs had until 16.2, are read and left out: the pool is
    always ``.nfs`` and the namespace the service's id.
    """

    _ignored: ClassVar[Sequence[str]] = ("pool", "namespace")

    service_type: str = "nfs"
    service_id: Optional[str] = None
    placement: PlacementSpec = NO_PLACEMENT
    unmanaged: bool = False
    preview_only: bool = False
    config: Optional[Dict[str, Any]] = None
    networks: List[str] = NO_STRINGS
    port: Optional[int] = None
    monitoring_port: Optional[int] = None
    virtual_ip: Optional[str] = None
    enable_nlm: bool = False
    enable_haproxy_protocol: bool = False
    extra_container_args: Optional[List[ArgumentSpec]] = None
    extra_entrypoint_args: Optional[List[ArgumentSpec]] = None
    idmap_conf: Optional[Dict[str, Dict[str, Any]]] = None
    custom_configs: Optional[List[CustomConfig]] = None
    enable_nfsv3: bool = False

    def get_port_start(self) -> List[int]:
        """Give the port, if the spec names one."""
        return [self.port] if self.port else []

    def rados_config_name(self) -> str:
        """Name the object that holds the gateways' configuration."""
        return f"conf-{self.service_name()}"
