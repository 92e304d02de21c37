"""The files of Grafana: its configuration, data sources, providers of dashboards.

They say what Ceph's dashboard needs of Grafana: readers who do not log in, its pages in frames, and
data sources by the names ``Dashboard1``, ``Dashboard2``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List

from adapter.kinds._view import ClusterView, ViewedDaemon, target

_HEAD = "# Written by ceph-orch-ansible, and written anew when it changes.\n"
# Where hosts have the files, and where the package ceph-grafana-dashboards has its own.
_FOLDER = "/etc/ceph-orch-ansible/grafana"
_CEPHS = "/etc/grafana/dashboards/ceph-dashboard"
PASSWORD = "admin_password"  # noqa: S105 - the name of a file
_OURS = Path(__file__).parent / "monitoring" / "orchestrator_dashboard.json"
# How often it looks whether a dashboard's file is another one (seconds).
_LOOK = 60


def grafana_files(spec: Any, view: ClusterView, daemon: ViewedDaemon) -> Dict[str, str]:
    """Return the texts by name."""
    found = {
        "grafana.ini": _HEAD + _ini(_settings(spec, daemon)),
        "provisioning/datasources/ceph.yml": _HEAD + _text(_sources(view)),
        "provisioning/dashboards/ceph.yml": _HEAD + _text(_providers()),
        "dashboards/orchestrator.json": _OURS.read_text(encoding="utf-8"),
    }
    if spec.initial_admin_password:
        found[PASSWORD] = spec.initial_admin_password + "\n"
    return found


def _settings(spec: Any, daemon: ViewedDaemon) -> Dict[str, Dict[str, str]]:
    """Return the configuration by section: where the host has it, its command says what else."""
    tls = spec.protocol != "http"
    first = {"disable_initial_admin_creation": "true"}
    if spec.initial_admin_password:
        first = {"admin_user": "admin", "admin_password": f"$__file{{{_FOLDER}/{PASSWORD}}}"}
    return {
        "server": {"domain": daemon.address},
        "users": {"default_theme": "light"},
        "auth.anonymous": {
            "enabled": "true" if spec.anonymous_access else "false",
            "org_name": "Main Org.",
            "org_role": "Viewer",
        },
        "security": {
            **first,
            "allow_embedding": "true",
            # A browser takes a cookie in a frame of another site with TLS only.
            "cookie_secure": "true" if tls else "false",
            "cookie_samesite": "none" if tls else "lax",
        },
        "snapshots": {"external_enabled": "false"},
        "analytics": {
            "reporting_enabled": "false",
            "check_for_updates": "false",
            "check_for_plugin_updates": "false",
        },
    }


def _sources(view: ClusterView) -> Dict[str, Any]:
    """Return the Prometheus servers; the first one is what dashboards ask unless told otherwise."""
    servers = [each for each in view.expected("prometheus") if each.port]
    return {
        "apiVersion": 1,
        # Those of a Prometheus that has gone are taken away.
        "prune": True,
        "datasources": [
            {
                "name": f"Dashboard{number}",
                "type": "prometheus",
                "access": "proxy",
                "orgId": 1,
                "url": f"http://{target(each.address, each.port)}",
                "isDefault": number == 1,
                "editable": False,
            }
            for number, each in enumerate(servers, 1)
        ],
    }


def _providers() -> Dict[str, Any]:
    folders = {"Ceph Dashboard": _CEPHS, "Ceph Orchestrator": f"{_FOLDER}/dashboards"}
    return {
        "apiVersion": 1,
        "providers": [
            {
                "name": name,
                "orgId": 1,
                "folder": "",
                "type": "file",
                "disableDeletion": False,
                "editable": False,
                "updateIntervalSeconds": _LOOK,
                "options": {"path": path},
            }
            for name, path in folders.items()
        ],
    }


def _ini(sections: Dict[str, Dict[str, str]]) -> str:
    lines: List[str] = []
    for name, settings in sections.items():
        lines += [f"[{name}]", *(f"{key} = {value}" for key, value in settings.items()), ""]
    return "\n".join(lines)


def _text(data: Any) -> str:
    return json.dumps(data, indent=1) + "\n"
