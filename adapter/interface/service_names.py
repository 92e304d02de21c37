"""The types of services and daemons, and which daemon belongs to which service.

Source: reference/ceph_contract.md 3.2 (KNOWN_SERVICE_TYPES of 20.2).
"""

from __future__ import annotations

from typing import Dict, List

from .errors import OrchestratorValidationError

KNOWN_SERVICE_TYPES: List[str] = [
    "agent",
    "alertmanager",
    "ceph-exporter",
    "cephfs-mirror",
    "container",
    "crash",
    "elasticsearch",
    "grafana",
    "ingress",
    "iscsi",
    "jaeger-agent",
    "jaeger-collector",
    "jaeger-query",
    "jaeger-tracing",
    "loki",
    "mds",
    "mgmt-gateway",
    "mgr",
    "mon",
    "nfs",
    "node-exporter",
    "node-proxy",
    "nvmeof",
    "oauth2-proxy",
    "osd",
    "prometheus",
    "promtail",
    "rbd-mirror",
    "rgw",
    "smb",
    "snmp-gateway",
]
"""The service types of 20.2."""

REQUIRES_SERVICE_ID: List[str] = [
    "container",
    "ingress",
    "iscsi",
    "mds",
    "nfs",
    "nvmeof",
    "rgw",
    "smb",
]
"""The service types of which there can be several, each with an id."""

_SEVERAL_DAEMON_TYPES: Dict[str, List[str]] = {
    "ingress": ["haproxy", "keepalived"],
    "jaeger-tracing": ["elasticsearch", "jaeger-query", "jaeger-collector", "jaeger-agent"],
}

_SERVICE_OF_DAEMON: Dict[str, str] = {
    **{name: name for name in KNOWN_SERVICE_TYPES if name not in ("ingress", "jaeger-tracing")},
    "haproxy": "ingress",
    "keepalived": "ingress",
    "crashcollector": "crash",
}

KNOWN_DAEMON_TYPES: List[str] = sorted(_SERVICE_OF_DAEMON)
"""The daemon types of 20.2."""


def daemon_type_to_service(dtype: str) -> str:
    """Name the service type to which a daemon type belongs.

    Raises ``OrchestratorValidationError`` for an unknown type.
    """
    try:
        return _SERVICE_OF_DAEMON[dtype]
    except KeyError:
        raise OrchestratorValidationError(
            f"daemon type {dtype!r} is not known; allowed: {', '.join(KNOWN_DAEMON_TYPES)}"
        ) from None


def service_to_daemon_types(stype: str) -> List[str]:
    """Name the daemon types of a service type.

    Raises ``OrchestratorValidationError`` for an unknown type.
    """
    if stype in _SEVERAL_DAEMON_TYPES:
        return list(_SEVERAL_DAEMON_TYPES[stype])
    if stype in KNOWN_SERVICE_TYPES:
        return [stype]
    raise OrchestratorValidationError(
        f"service type {stype!r} is not known; allowed: {', '.join(KNOWN_SERVICE_TYPES)}"
    )
