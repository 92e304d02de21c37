"""NVMe over Fabrics gateways."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Dict, List, Optional, Union

from ..placement import PlacementSpec
from .arguments import ArgumentSpec, CustomConfig
from .base import ServiceSpec
from .fields import NO_PLACEMENT, NO_STRINGS, register

_LOG_LEVELS = ("debug", "info", "warning", "error", "critical")
_SPDK_LOG_LEVELS = ("debug", "info", "warning", "error", "notice")
_POSITIVE = frozenset(
    [
        "allowed_consecutive_spdk_ping_failures",
        "bdevs_per_cluster",
        "cluster_connections",
        "flat_bdevs_per_cluster",
        "max_hosts",
        "max_hosts_per_subsystem",
        "max_message_length_in_mb",
        "max_namespaces",
        "max_namespaces_per_subsystem",
        "max_subsystems",
        "spdk_huge_pages",
        "spdk_mem_size",
        "spdk_ping_interval_in_seconds",
    ]
)
_ANY_SIGN = frozenset(["conn_retries", "discovery_bind_retries_limit"])
_CONNECTIONS = ("bdevs_per_cluster", "flat_bdevs_per_cluster", "cluster_connections")
_AUTH = ("server_key", "server_cert", "client_key", "client_cert", "root_ca_cert")
_GATEWAY = "/usr/local/bin/nvmf_tgt"


def _tcp_options() -> Dict[str, int]:
    return {"in_capsule_data_size": 8192, "max_io_qpairs_per_ctrlr": 7}


@register("nvmeof")
@dataclass(eq=False, repr=False)
class NvmeofServiceSpec(ServiceSpec):
    """Gateways of one ``group`` that offer images of ``pool`` to NVMe/TCP initiators.

    The fields are the settings of the gateway's own configuration file, with its names, units
    and defaults. ``enable_auth`` needs all of server_key, server_cert, client_key, client_cert
    and root_ca_cert. One of ``bdevs_per_cluster``, ``flat_bdevs_per_cluster`` and
    ``cluster_connections`` (32, if none is set) says how devices share connections to Ceph.
    ``timeout``, which 18.2 has, is read as ``spdk_timeout``.
    """

    _renamed: ClassVar[Dict[str, str]] = {"timeout": "spdk_timeout"}
    _resting: ClassVar[Dict[str, Any]] = {
        **ServiceSpec._resting,
        "cluster_connections": 32,
        "discovery_port": 8009,
        "port": 5500,
        "spdk_path": _GATEWAY,
        "tgt_path": _GATEWAY,
    }

    service_type: str = "nvmeof"
    service_id: Optional[str] = None
    name: Optional[str] = None
    group: Optional[str] = None
    addr: Optional[str] = None
    addr_map: Optional[Dict[str, str]] = None
    port: Optional[int] = None
    pool: Optional[str] = None
    enable_auth: bool = False
    state_update_notify: Optional[bool] = True
    state_update_interval_sec: Optional[int] = 5
    break_update_interval_sec: Optional[int] = 25
    enable_spdk_discovery_controller: Optional[bool] = False
    encryption_key: Optional[str] = None
    rebalance_period_sec: Optional[int] = 7
    max_gws_in_grp: Optional[int] = 16
    max_ns_to_change_lb_grp: Optional[int] = 8
    abort_on_errors: Optional[bool] = True
    abort_on_update_error: Optional[bool] = True
    omap_file_ignore_unlock_errors: Optional[bool] = False
    omap_file_lock_on_read: Optional[bool] = True
    omap_file_lock_duration: Optional[int] = 20
    omap_file_lock_retries: Optional[int] = 30
    omap_file_lock_retry_sleep_interval: Optional[float] = 1.0
    omap_file_update_reloads: Optional[int] = 10
    enable_prometheus_exporter: Optional[bool] = True
    prometheus_port: Optional[int] = 10008
    prometheus_stats_interval: Optional[int] = 10
    prometheus_startup_delay: Optional[int] = 240
    prometheus_connection_list_cache_expiration: Optional[int] = 60
    bdevs_per_cluster: Optional[int] = None
    flat_bdevs_per_cluster: Optional[int] = None
    cluster_connections: Optional[int] = None
    verify_nqns: Optional[bool] = True
    verify_keys: Optional[bool] = True
    verify_listener_ip: Optional[bool] = True
    allowed_consecutive_spdk_ping_failures: Optional[int] = 1
    spdk_ping_interval_in_seconds: Optional[float] = 2.0
    ping_spdk_under_lock: Optional[bool] = False
    max_hosts_per_namespace: Optional[int] = 16
    max_namespaces_with_netmask: Optional[int] = 1000
    max_subsystems: Optional[int] = 128
    max_hosts: Optional[int] = 2048
    max_namespaces: Optional[int] = 4096
    max_namespaces_per_subsystem: Optional[int] = 512
    max_hosts_per_subsystem: Optional[int] = 128
    subsystem_cache_expiration: Union[int, float, None] = 5
    force_tls: Optional[bool] = False
    max_message_length_in_mb: Optional[int] = 4
    io_stats_enabled: Optional[bool] = True
    degrade_namespace_on_kmip_error: Optional[bool] = True
    server_key: Optional[str] = None
    server_cert: Optional[str] = None
    client_key: Optional[str] = None
    client_cert: Optional[str] = None
    root_ca_cert: Optional[str] = None
    spdk_path: Optional[str] = None
    spdk_mem_size: Optional[int] = None
    spdk_huge_pages: Optional[int] = None
    tgt_path: Optional[str] = None
    spdk_timeout: Optional[float] = 60.0
    spdk_log_level: Optional[str] = ""
    spdk_protocol_log_level: Optional[str] = "WARNING"
    spdk_log_file_dir: Optional[str] = ""
    rpc_socket_dir: Optional[str] = "/var/tmp/"  # noqa: S108 - the interface's default
    rpc_socket_name: Optional[str] = "spdk.sock"
    conn_retries: Optional[int] = 10
    transports: Optional[str] = "tcp"
    transport_tcp_options: Optional[Dict[str, int]] = field(default_factory=_tcp_options)
    enable_dsa_acceleration: bool = False
    rbd_with_crc32c: bool = True
    tgt_cmd_extra_args: Optional[str] = None
    iobuf_options: Optional[Dict[str, int]] = None
    qos_timeslice_in_usecs: Optional[int] = 0
    notifications_interval: Optional[int] = 60
    discovery_addr: Optional[str] = None
    discovery_addr_map: Optional[Dict[str, str]] = None
    discovery_port: Optional[int] = None
    discovery_bind_retries_limit: Optional[int] = 10
    discovery_bind_sleep_interval: Optional[float] = 0.5
    abort_discovery_on_errors: Optional[bool] = True
    log_level: Optional[str] = "INFO"
    log_files_enabled: Optional[bool] = True
    log_files_rotation_enabled: Optional[bool] = True
    verbose_log_messages: Optional[bool] = True
    max_log_file_size_in_mb: Optional[int] = 10
    max_log_files_count: Optional[int] = 20
    max_log_directory_backups: Optional[int] = 10
    log_directory: Optional[str] = "/var/log/ceph/"
    monitor_timeout: Optional[float] = 1.0
    enable_monitor_client: bool = True
    monitor_client_log_file_dir: Optional[str] = ""
    kmip_cert_dir: Optional[str] = "./certs/kmip/{server_name}"
    placement: PlacementSpec = NO_PLACEMENT
    unmanaged: bool = False
    preview_only: bool = False
    config: Optional[Dict[str, Any]] = None
    networks: List[str] = NO_STRINGS
    extra_container_args: Optional[List[ArgumentSpec]] = None
    extra_entrypoint_args: Optional[List[ArgumentSpec]] = None
    custom_configs: Optional[List[CustomConfig]] = None

    def __post_init__(self) -> None:
        """Set what depends on other fields."""
        super().__post_init__()
        self.port = self.port or 5500
        self.log_level = self.log_level or "INFO"
        self.discovery_port = self.discovery_port or 8009
        self.spdk_path = self.spdk_path or _GATEWAY
        self.tgt_path = self.tgt_path or _GATEWAY
        if all(getattr(self, name) is None for name in _CONNECTIONS):
            self.cluster_connections = 32

    def get_port_start(self) -> List[int]:
        """Give the ports of the gateway, of I/O, of discovery and of the metrics."""
        return [self.port or 5500, 4420, self.discovery_port or 8009, self.prometheus_port or 10008]

    def verify_spdk_ceph_connection_allocation(self) -> None:
        """Raise ``SpecValidationError`` unless exactly one way to share connections is set."""
        given = [name for name in _CONNECTIONS if getattr(self, name) is not None]
        if len(given) != 1:
            self._refuse(given[0], f"exactly one of {', '.join(_CONNECTIONS)}")

    def _validate_values(self) -> None:
        super()._validate_values()
        if not self.pool:
            self._missing("pool", "the name of a pool")
        if self.enable_auth:
            missing = [name for name in _AUTH if not getattr(self, name)]
            if missing:
                self._missing(", ".join(missing), "PEM text, all of them with enable_auth")
        if self.transports != "tcp":
            self._refuse("transports", "tcp")
        self._validate_level("log_level", _LOG_LEVELS)
        self._validate_level("spdk_log_level", _SPDK_LOG_LEVELS)
        self._validate_level("spdk_protocol_log_level", _SPDK_LOG_LEVELS)
        self.verify_spdk_ceph_connection_allocation()
        if self.spdk_mem_size is not None and self.spdk_huge_pages is not None:
            self._refuse("spdk_mem_size", "spdk_mem_size or spdk_huge_pages, not both")
        values = vars(self)
        for name in self._fields.numbers:
            value = values[name]
            if value is not None and value < 1 and name not in _ANY_SIGN:
                if name in _POSITIVE:
                    self._refuse(name, "a number of at least 1")
                if value < 0:
                    self._refuse(name, "a number of at least 0")

    def _validate_level(self, name: str, allowed: Any) -> None:
        value = getattr(self, name)
        if value and value.lower() not in allowed:
            self._refuse(name, ", ".join(allowed))
