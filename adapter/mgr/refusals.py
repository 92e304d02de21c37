"""Methods that only refuse, each with the reason; they are not in the feature set."""

from __future__ import annotations

from typing import Dict

_OPEN = (
    "Prometheus and Alertmanager have no password here: the dashboard asks a backend that is not "
    "called cephadm without one, and could not show them. Let them listen in a network of the "
    "cluster alone (`networks`, `only_bind_port_on_networks`)."
)
_NO_CERTIFICATES = (
    "this backend has no certificate authority, and what it deploys for monitoring has no TLS."
)
# By method of the interface.
REASONS: Dict[str, str] = {
    "get_prometheus_access_info": _OPEN,
    "set_prometheus_access_info": _OPEN,
    "get_alertmanager_access_info": _OPEN,
    "set_alertmanager_access_info": _OPEN,
    "service_discovery_dump_cert": (
        "this backend has no server for service discovery, and so no certificate of one: targets "
        "of Prometheus are files on its host, below /etc/ceph-orch-ansible/prometheus."
    ),
    "generate_certificates": _NO_CERTIFICATES,
}
