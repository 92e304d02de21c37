"""The files of Prometheus: its configuration, and the targets of each job.

Names of jobs and labels are those that Ceph's own rules and dashboards ask for: the jobs ``ceph``,
``node`` and ``ceph-exporter``, the label ``cluster`` on all of them, and as ``instance`` the bare
name of the host, or ``ceph_cluster`` for what managers say of the whole cluster. The job
``ceph-orch-ansible`` asks for the figures of this backend.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, Iterable, List, Mapping, Sequence

from adapter.kinds._managers import figures_of, metrics_of
from adapter.kinds._view import ClusterView, ViewedDaemon, targets

# Ceph's rules, where the package ceph-prometheus-alerts has them.
_RULES = "/etc/prometheus/ceph/ceph_default_alerts.yml"
_OWN_RULES = "custom_alerts.yml"
# Those on the figures of this backend, whose job has another name than its file.
_OUR_RULES = "orchestrator_alerts.yml"
_OUR_TEXT = (Path(__file__).parent / "monitoring" / _OUR_RULES).read_text(encoding="utf-8")
_OUR_JOB = "ceph-orch-ansible"
_INTERVAL = "10s"
_HEAD = "# Written by ceph-orch-ansible, and written anew when it changes.\n"
_FEDERATED = ("ceph", "node", "haproxy", "ceph-exporter", _OUR_JOB)


def prometheus_files(view: ClusterView, others: Sequence[str], rules: str) -> Dict[str, str]:
    """Return the texts by name. ``others`` are Prometheus servers that it federates.

    ``rules`` are alert rules of an administrator's own.
    """
    found = {
        "prometheus.yml": _HEAD + _text(_configuration(view, bool(others), bool(rules))),
        "ceph.json": _text(_managers(view, metrics_of(view))),
        "orchestrator.json": _text(_managers(view, figures_of(view))),
        _OUR_RULES: _OUR_TEXT,
        "node.json": _text(_by_host(view, view.expected("node-exporter"))),
        "ceph-exporter.json": _text(_by_host(view, view.expected("ceph-exporter"))),
        "alertmanager.json": _text(_plain(targets(view.expected("alertmanager")))),
    }
    if others:
        found["federate.json"] = _text(_plain(others))
    if rules:
        found[_OWN_RULES] = rules
    return found


def _configuration(view: ClusterView, federates: bool, has_rules: bool) -> Mapping[str, Any]:
    """Return the configuration. Paths are below the file's own directory."""
    jobs: List[Dict[str, Any]] = [
        {"job_name": "ceph", "honor_labels": True, **_from_file("ceph")},
        {"job_name": "node", **_from_file("node")},
        {"job_name": "ceph-exporter", "honor_labels": True, **_from_file("ceph-exporter")},
        {"job_name": _OUR_JOB, **_from_file("orchestrator")},
    ]
    if federates:
        jobs.append(
            {
                "job_name": "federate",
                "honor_labels": True,
                "metrics_path": "/federate",
                "params": {"match[]": [f'{{job="{name}"}}' for name in _FEDERATED]},
                **_from_file("federate"),
            }
        )
    return {
        "global": {
            "scrape_interval": _INTERVAL,
            "evaluation_interval": _INTERVAL,
            "external_labels": {"cluster": view.fsid},
        },
        "rule_files": [_RULES, _OUR_RULES, *([_OWN_RULES] if has_rules else [])],
        "alerting": {"alertmanagers": [_from_file("alertmanager")]},
        "scrape_configs": jobs,
    }


def _from_file(name: str) -> Dict[str, Any]:
    """Return where the targets of a job are: Prometheus sees by itself that the file changes."""
    return {"file_sd_configs": [{"files": [f"{name}.json"]}]}


def _managers(view: ClusterView, found: Sequence[str]) -> List[Dict[str, Any]]:
    """Return managers that answer: each gives the metrics of the cluster, not its own."""
    labels = {"instance": "ceph_cluster", "cluster": view.fsid}
    return [{"targets": list(found), "labels": labels}] if found else []


def _by_host(view: ClusterView, daemons: Iterable[ViewedDaemon]) -> List[Dict[str, Any]]:
    return [
        {
            "targets": targets([each]),
            "labels": {"instance": each.hostname, "cluster": view.fsid},
        }
        for each in daemons
        if each.port
    ]


def _plain(found: Sequence[str]) -> List[Dict[str, Any]]:
    return [{"targets": list(found)}] if found else []


def _text(data: Any) -> str:
    """Return JSON, which is YAML as well, with a line for each target."""
    return json.dumps(data, indent=1) + "\n"
