"""The monitoring stack: Prometheus, Alertmanager, Grafana, Loki, exporters."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar, Dict, List, Optional

from ..placement import PlacementSpec
from .arguments import ArgumentSpec, CustomConfig
from .base import ServiceSpec
from .fields import NO_PLACEMENT, NO_STRINGS, register

_PORTS = {
    "alertmanager": 9093,
    "grafana": 3000,
    "loki": 3100,
    "node-exporter": 9100,
    "prometheus": 9095,
    "promtail": 9080,
}
_CLUSTER_PORT = 9094
_RETENTION_TIME = re.compile(r"[0-9]{1,12}[ywdhms]")
_RETENTION_SIZE = re.compile(r"[0-9]{1,12}(B|KB|MB|GB|TB|PB|EB)")


@register("node-exporter", "loki", "promtail")
class MonitoringSpec(ServiceSpec):
    """A service of the monitoring stack; ``port`` is the usual one if not given."""

    port: Optional[int]

    def __init__(
        self,
        service_type: str,
        service_id: Optional[str] = None,
        config: Optional[Dict[str, Any]] = None,
        networks: List[str] = NO_STRINGS,
        placement: PlacementSpec = NO_PLACEMENT,
        unmanaged: bool = False,
        preview_only: bool = False,
        port: Optional[int] = None,
        targets: List[str] = NO_STRINGS,
        extra_container_args: Optional[List[ArgumentSpec]] = None,
        extra_entrypoint_args: Optional[List[ArgumentSpec]] = None,
        custom_configs: Optional[List[CustomConfig]] = None,
    ) -> None:
        self.port = port
        super().__init__(
            service_type,
            service_id,
            placement=placement,
            config=config,
            unmanaged=unmanaged,
            preview_only=preview_only,
            networks=networks,
            targets=targets,
            extra_container_args=extra_container_args,
            extra_entrypoint_args=extra_entrypoint_args,
            custom_configs=custom_configs,
        )

    def get_port_start(self) -> List[int]:
        """Give the port."""
        return [self.get_port()]

    def get_port(self) -> int:
        """Give the port, the usual one if the spec names none."""
        return self.port or _PORTS[self.service_type]

    def _validate_values(self) -> None:
        super()._validate_values()
        self._one_of("service_type", *_PORTS)


@register("alertmanager")
@dataclass(eq=False, repr=False)
class AlertManagerSpec(MonitoringSpec):
    """Alertmanager; ``user_data`` (``default_webhook_urls``, ...) goes into its configuration.

    ``secure`` turns on TLS and authentication, ``only_bind_port_on_networks`` binds to
    ``networks`` only.
    """

    _resting: ClassVar[Dict[str, Any]] = {"user_data": {}}

    service_type: str = "alertmanager"
    service_id: Optional[str] = None
    placement: PlacementSpec = NO_PLACEMENT
    unmanaged: bool = False
    preview_only: bool = False
    user_data: Optional[Dict[str, Any]] = None
    config: Optional[Dict[str, Any]] = None
    networks: List[str] = NO_STRINGS
    only_bind_port_on_networks: bool = False
    port: Optional[int] = None
    secure: bool = False
    extra_container_args: Optional[List[ArgumentSpec]] = None
    extra_entrypoint_args: Optional[List[ArgumentSpec]] = None
    custom_configs: Optional[List[CustomConfig]] = None

    def __post_init__(self) -> None:
        """Let there be user data."""
        super().__post_init__()
        self.user_data = self.user_data or {}

    def get_port_start(self) -> List[int]:
        """Give the port, and the one by which several of them talk to each other."""
        return [self.get_port(), _CLUSTER_PORT]

    def _validate_values(self) -> None:
        super()._validate_values()
        if self.port == _CLUSTER_PORT:
            self._refuse("port", f"another port: {_CLUSTER_PORT} is for the cluster of them")


@register("grafana")
@dataclass(eq=False, repr=False)
class GrafanaSpec(MonitoringSpec):
    """Grafana; without ``anonymous_access`` it needs ``initial_admin_password``."""

    service_type: str = "grafana"
    service_id: Optional[str] = None
    placement: PlacementSpec = NO_PLACEMENT
    unmanaged: bool = False
    preview_only: bool = False
    config: Optional[Dict[str, Any]] = None
    networks: List[str] = NO_STRINGS
    only_bind_port_on_networks: bool = False
    port: Optional[int] = None
    protocol: Optional[str] = "https"
    initial_admin_password: Optional[str] = None
    anonymous_access: bool = True
    extra_container_args: Optional[List[ArgumentSpec]] = None
    extra_entrypoint_args: Optional[List[ArgumentSpec]] = None
    custom_configs: Optional[List[CustomConfig]] = None

    def _validate_values(self) -> None:
        super()._validate_values()
        if self.protocol not in ("http", "https"):
            self._refuse("protocol", "http, https")
        if not self.anonymous_access and not self.initial_admin_password:
            self._refuse("anonymous_access", "false only with initial_admin_password")


@register("prometheus")
@dataclass(eq=False, repr=False)
class PrometheusSpec(MonitoringSpec):
    """Prometheus; it keeps data for ``retention_time`` (``15d``), at most ``retention_size``."""

    service_type: str = "prometheus"
    service_id: Optional[str] = None
    placement: PlacementSpec = NO_PLACEMENT
    unmanaged: bool = False
    preview_only: bool = False
    config: Optional[Dict[str, Any]] = None
    networks: List[str] = NO_STRINGS
    only_bind_port_on_networks: bool = False
    port: Optional[int] = None
    retention_time: Optional[str] = None
    retention_size: Optional[str] = None
    targets: List[str] = NO_STRINGS
    extra_container_args: Optional[List[ArgumentSpec]] = None
    extra_entrypoint_args: Optional[List[ArgumentSpec]] = None
    custom_configs: Optional[List[CustomConfig]] = None

    def _validate_values(self) -> None:
        super()._validate_values()
        if self.retention_time and not _RETENTION_TIME.fullmatch(self.retention_time):
            self._refuse("retention_time", "a number and y, w, d, h, m or s, such as 15d")
        if self.retention_size and not _RETENTION_SIZE.fullmatch(self.retention_size):
            self._refuse("retention_size", "a number and B, KB, MB, GB, TB, PB or EB, such as 40GB")


@register("ceph-exporter")
@dataclass(eq=False, repr=False)
class CephExporterSpec(ServiceSpec):
    """Exporters of the daemons' counters, one for each host.

    ``sock_dir`` is where the daemons' sockets are, ``addrs`` and ``port`` where it listens,
    ``prio_limit`` the least priority of counters to give, ``stats_period`` the seconds between
    two readings.
    """

    service_type: str = "ceph-exporter"
    sock_dir: Optional[str] = None
    addrs: str = ""
    port: Optional[int] = None
    prio_limit: Optional[int] = 5
    stats_period: Optional[int] = 5
    placement: PlacementSpec = NO_PLACEMENT
    unmanaged: bool = False
    preview_only: bool = False
    extra_container_args: Optional[List[ArgumentSpec]] = None
    extra_entrypoint_args: Optional[List[ArgumentSpec]] = None

    def get_port_start(self) -> List[int]:
        """Give the port."""
        return [self.port or 9926]
