"""The contract: Ceph's orchestrator interface, as types that stand on their own.

A program written for ``orchestrator`` and ``ceph.deployment`` changes only its import line.
Needs the standard library and PyYAML. Source: reference/orchestrator_interface.txt; what that
leaves open is decided by reference/ceph_contract.md, sections 1 to 3.
"""

from __future__ import annotations

from .addresses import is_ipv6, unwrap_ipv6, valid_addr, wrap_ipv6
from .ceph_volume import to_ceph_volume
from .client import OrchestratorClientMixin
from .daemons import DaemonDescription, DaemonDescriptionStatus
from .device_selection import DeviceSelection
from .drive_groups import DriveGroupSpec, OSDMethod
from .drive_selection import DriveSelection
from .errors import (
    DriveGroupValidationError,
    NoOrchestrator,
    OrchestratorError,
    OrchestratorValidationError,
    SpecValidationError,
)
from .events import OrchestratorEvent
from .host_placement import HostPattern, HostPlacementSpec, PatternType
from .hosts import HostSpec, assert_valid_host, assert_valid_oob
from .inventory import Device, DeviceLightLoc, Devices, InventoryFilter, InventoryHost
from .matchers import AllMatcher, EqualityMatcher, Matcher, SizeMatcher, SubstringMatcher
from .orchestrator import APPLY_METHODS, Orchestrator
from .placement import PlacementSpec
from .result import (
    HandleCommandResult,
    OrchResult,
    completion_to_result,
    handle_orch_error,
    raise_if_exception,
    set_exception_subject,
)
from .service_names import (
    KNOWN_DAEMON_TYPES,
    KNOWN_SERVICE_TYPES,
    REQUIRES_SERVICE_ID,
    daemon_type_to_service,
    service_to_daemon_types,
)
from .services import ServiceDescription
from .specs.arguments import (
    ArgumentList,
    ArgumentSpec,
    CustomConfig,
    GeneralArgList,
    OriginalType,
)
from .specs.base import ServiceSpec, service_spec_allow_invalid_from_json
from .specs.container import CustomContainerSpec, InitContainerSpec
from .specs.gateways import MgmtGatewaySpec, OAuth2ProxySpec
from .specs.ingress import IngressSpec
from .specs.iscsi import IscsiServiceSpec
from .specs.mds import MDSSpec, MONSpec
from .specs.monitoring import (
    AlertManagerSpec,
    CephExporterSpec,
    GrafanaSpec,
    MonitoringSpec,
    PrometheusSpec,
)
from .specs.nfs import NFSServiceSpec
from .specs.nvmeof import NvmeofServiceSpec
from .specs.rgw import RGWSpec
from .specs.smb import SMBClusterBindIPSpec, SMBClusterPublicIPSpec, SMBSpec
from .specs.snmp import SNMPGatewaySpec
from .specs.tracing import TracingSpec
from .specs.tuned_profile import TunedProfileSpec
from .streams import (
    GenericSpec,
    YamlLiteralString,
    documents_from_yaml,
    documents_with_lines,
    json_to_generic_spec,
    specs_from_yaml,
    specs_to_yaml,
)
from .times import datetime_now, datetime_to_str, str_to_datetime
from .upgrades import UpgradeStatusSpec

__all__ = [
    "APPLY_METHODS",
    "KNOWN_DAEMON_TYPES",
    "KNOWN_SERVICE_TYPES",
    "REQUIRES_SERVICE_ID",
    "AlertManagerSpec",
    "AllMatcher",
    "ArgumentList",
    "ArgumentSpec",
    "CephExporterSpec",
    "CustomConfig",
    "CustomContainerSpec",
    "DaemonDescription",
    "DaemonDescriptionStatus",
    "Device",
    "DeviceLightLoc",
    "DeviceSelection",
    "Devices",
    "DriveGroupSpec",
    "DriveGroupValidationError",
    "DriveSelection",
    "EqualityMatcher",
    "GeneralArgList",
    "GenericSpec",
    "GrafanaSpec",
    "HandleCommandResult",
    "HostPattern",
    "HostPlacementSpec",
    "HostSpec",
    "IngressSpec",
    "InitContainerSpec",
    "InventoryFilter",
    "InventoryHost",
    "IscsiServiceSpec",
    "MDSSpec",
    "MONSpec",
    "Matcher",
    "MgmtGatewaySpec",
    "MonitoringSpec",
    "NFSServiceSpec",
    "NoOrchestrator",
    "NvmeofServiceSpec",
    "OAuth2ProxySpec",
    "OSDMethod",
    "OrchResult",
    "Orchestrator",
    "OrchestratorClientMixin",
    "OrchestratorError",
    "OrchestratorEvent",
    "OrchestratorValidationError",
    "OriginalType",
    "PatternType",
    "PlacementSpec",
    "PrometheusSpec",
    "RGWSpec",
    "SMBClusterBindIPSpec",
    "SMBClusterPublicIPSpec",
    "SMBSpec",
    "SNMPGatewaySpec",
    "ServiceDescription",
    "ServiceSpec",
    "SizeMatcher",
    "SpecValidationError",
    "SubstringMatcher",
    "TracingSpec",
    "TunedProfileSpec",
    "UpgradeStatusSpec",
    "YamlLiteralString",
    "assert_valid_host",
    "assert_valid_oob",
    "completion_to_result",
    "daemon_type_to_service",
    "datetime_now",
    "datetime_to_str",
    "documents_from_yaml",
    "documents_with_lines",
    "handle_orch_error",
    "is_ipv6",
    "json_to_generic_spec",
    "raise_if_exception",
    "service_spec_allow_invalid_from_json",
    "service_to_daemon_types",
    "set_exception_subject",
    "specs_from_yaml",
    "specs_to_yaml",
    "str_to_datetime",
    "to_ceph_volume",
    "unwrap_ipv6",
    "valid_addr",
    "wrap_ipv6",
]
