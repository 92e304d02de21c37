"""The files of Alertmanager: who is told of alerts, and who its peers are."""

from __future__ import annotations

import ipaddress
import json
from typing import Any, Dict, List, Sequence

from adapter.kinds._managers import dashboards_of
from adapter.kinds._view import ClusterView, ViewedDaemon

_HEAD = "# Written by ceph-orch-ansible, and written anew when it changes.\n"
_RECEIVER = "/api/prometheus_receiver"
# Alerts of one name are told together, soon, and again after an hour.
_ROUTE = {
    "group_by": ["alertname"],
    "group_wait": "10s",
    "group_interval": "10s",
    "repeat_interval": "1h",
}


def alertmanager_files(
    view: ClusterView, daemon: ViewedDaemon, webhooks: Sequence[str]
) -> Dict[str, str]:
    """Return the texts by name. ``webhooks`` are URLs that are told of alerts, too."""
    return {
        "alertmanager.yml": _HEAD + _text(_configuration(view, webhooks)),
        "peers.json": _text(_peers(view, daemon)),
    }


def _configuration(view: ClusterView, webhooks: Sequence[str]) -> Dict[str, Any]:
    """Return the configuration. Dashboards have certificates of their own making."""
    unchecked = {"tls_config": {"insecure_skip_verify": True}}
    dashboards: List[Dict[str, Any]] = [
        {
            "url": url + _RECEIVER,
            **({"http_config": unchecked} if url.startswith("https:") else {}),
        }
        for url in dashboards_of(view)
    ]
    receivers = {"ceph-dashboard": dashboards, "webhooks": [{"url": url} for url in webhooks]}
    told = {name: hooks for name, hooks in receivers.items() if hooks}
    routes = [{"receiver": name, **_ROUTE, "continue": True} for name in told]
    return {
        "route": {"receiver": "default", "routes": routes},
        "receivers": [
            {"name": "default"},
            *({"name": name, "webhook_configs": hooks} for name, hooks in told.items()),
        ],
    }


def _peers(view: ClusterView, daemon: ViewedDaemon) -> Dict[str, Any]:
    """Return where a daemon is itself, if that is an IP address, and where the others are."""
    peers = [
        _bracketed(each.address)
        for each in view.of_service(daemon.service)
        if each.hostname != daemon.hostname
    ]
    return {"own": _bracketed(daemon.address) if _is_ip(daemon.address) else "", "peers": peers}


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _text(data: Any) -> str:
    return json.dumps(data, indent=1) + "\n"
