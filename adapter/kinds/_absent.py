"""Kinds of services that are not deployed, nearly all for want of a package of their program.

Each with the program, and what an administrator can do without it.
"""

from __future__ import annotations

from typing import Dict, Sequence, Tuple

from adapter.errors import InvalidValue

_OWN = "Run it beside the cluster, from packages of its makers or its image in the kind `container`"
_TRACES = (
    f"{_OWN}, with an agent on each host: daemons send it their traces at `jaeger_agent_port` "
    "while `jaeger_tracing_enable` is set."
)
_ABSENT: Dict[str, Tuple[str, str]] = {
    "loki": (
        "Loki (Debian's package loki is a program for genetics)",
        f"{_OWN}, or have journald or syslog collect the logs of hosts.",
    ),
    "promtail": (
        "Promtail",
        f"{_OWN}, or have journald or syslog collect the logs of hosts.",
    ),
    "snmp-gateway": (
        "snmp_notifier (prometheus-snmp-exporter is for the other direction)",
        f"{_OWN}, and name it in `default_webhook_urls` of alertmanager: http://HOST:9464/alerts.",
    ),
    "jaeger-tracing": ("Jaeger and Elasticsearch", _TRACES),
    "jaeger-agent": ("Jaeger", _TRACES),
    "jaeger-collector": ("Jaeger", _TRACES),
    "jaeger-query": ("Jaeger", _TRACES),
    "elasticsearch": ("Elasticsearch", _TRACES),
    "nvmeof": (
        "the NVMe-oF gateway (ceph-nvmeof, with SPDK)",
        f"{_OWN}; `ceph nvme-gw create ID POOL GROUP` tells the monitors of it.",
    ),
    "oauth2-proxy": (
        "oauth2-proxy",
        f"{_OWN}; `ceph dashboard sso setup saml2` lets users log in to the dashboard without it.",
    ),
}
# Those that are not deployed for another reason.
_OTHERS: Dict[str, Tuple[str, str]] = {
    "mgmt-gateway": (
        "it needs a certificate authority, which this backend does not have",
        "Put a proxy of your own, such as nginx, before the dashboards of the managers.",
    ),
    "iscsi": (
        "Debian 14 has no package ceph-iscsi, and its python3-rtslib-fb is too new for older ones",
        "Run it beside the cluster on hosts of an older release; `ceph dashboard iscsi-gateway-add "
        "-i FILE NAME` lets the dashboard show it.",
    ),
}


def not_deployed(service_type: str, deployed: Sequence[str]) -> InvalidValue:
    """Return the error for a service that is not deployed; ``deployed`` are those that are."""
    reason, remedy = "", ""
    if service_type in _OTHERS:
        reason, remedy = _OTHERS[service_type]
    elif service_type in _ABSENT:
        program, remedy = _ABSENT[service_type]
        reason = f"no distribution has a package of {program}"
    return InvalidValue(
        "service_type",
        service_type,
        f"this backend does not deploy it{': ' if reason else ''}{reason}",
        remedy or f"It deploys: {', '.join(deployed)}; other daemons are shown as they are.",
    )
