"""Tell how a lab is."""

from __future__ import annotations

import json
from typing import Any

from ceph_lab import access, cluster, network, nspawn
from ceph_lab.errors import LabError
from ceph_lab.model import Host, Lab

CEPH_SECONDS = 15


def host_record(lab: Lab, host: Host) -> dict[str, Any]:
    """Return one host as plain data: address, state, process, disks, ssh access."""
    pid = nspawn.find(lab, host)
    inner = nspawn.leader(pid) if pid is not None else None
    return {
        "name": host.name,
        "addr": host.addr,
        "image": host.image,
        "state": _state(host, inner),
        "link": _link(inner),
        "pid": pid,
        "leader": inner,
        "root": str(lab.host_root(host)),
        "console_log": str(nspawn.log_file(lab, host)),
        "ssh_user": "root",
        "ssh_key": str(access.key_path(lab)),
        "ssh_config": str(access.config_path(lab)),
        "disks": [
            {"path": disk.loop, "serial": disk.serial, "size": disk.size, "file": disk.file}
            for disk in host.disks
        ],
    }


def host_records(lab: Lab) -> list[dict[str, Any]]:
    """Return all hosts of a lab as plain data."""
    return [host_record(lab, host) for host in lab.hosts]


def lab_record(lab: Lab) -> dict[str, Any]:
    """Return a lab as plain data, its cluster's health included."""
    return {
        "name": lab.name,
        "phase": lab.phase,
        "release": lab.release,
        "bridge": lab.bridge,
        "subnet": lab.subnet,
        "gateway": lab.gateway,
        "directory": str(lab.directory),
        "repository": lab.repository,
        "ssh_key": str(access.key_path(lab)),
        "ssh_config": str(access.config_path(lab)),
        "hosts": host_records(lab),
        "cluster": _cluster_record(lab) if lab.cluster else None,
    }


def table(record: dict[str, Any]) -> str:
    """Return a lab's record as text for a person."""
    rows: list[tuple[str, ...]] = [("HOST", "ADDRESS", "IMAGE", "STATE", "LINK", "PID", "DISKS")]
    for host in record["hosts"]:
        disks = " ".join(f"{disk['path']}({disk['serial']})" for disk in host["disks"])
        fields = ("name", "addr", "image", "state", "link", "pid")
        rows.append((*(str(host[key] or "-") for key in fields), disks or "-"))
    lines = [
        f"lab {record['name']}: {record['phase']}, {record['release']}, "
        f"bridge {record['bridge']} {record['subnet']}",
        *_aligned(rows),
        f"ssh:       ssh -F {record['ssh_config']} h1",
    ]
    ceph = record["cluster"]
    if ceph:
        checks = "".join(f"; {text}" for text in ceph["checks"])
        lines.append(f"cluster:   {ceph['health']}{checks}")
    if ceph and ceph["dashboard"]:
        dashboard = ceph["dashboard"]
        lines.append(
            f"dashboard: {dashboard['url']} user {dashboard['user']} "
            f"password {dashboard['password']}"
        )
    return "\n".join(lines)


def _state(host: Host, leader: int | None) -> str:
    if leader is None:
        return "off"
    return "up" if access.answers(host) else "no ssh"


def _link(leader: int | None) -> str | None:
    if leader is None:
        return None
    try:
        return "up" if network.link_is_up(leader) else "down"
    except LabError:
        # The host ended, or has not got its network yet, while we looked.
        return None


def _cluster_record(lab: Lab) -> dict[str, Any]:
    health, checks = _health(lab)
    return {
        "host": lab.hosts[0].name,
        "health": health,
        "checks": checks,
        "dashboard": _dashboard_record(lab) if lab.dashboard else None,
    }


def _dashboard_record(lab: Lab) -> dict[str, str]:
    password = cluster.password_path(lab)
    return {
        "url": cluster.dashboard_url(lab),
        "user": cluster.DASHBOARD_USER,
        "password": password.read_text(encoding="utf-8").strip() if password.exists() else "",
    }


def _health(lab: Lab) -> tuple[str, list[str]]:
    argv = ["ceph", f"--connect-timeout={CEPH_SECONDS - 5}", "health", "--format", "json"]
    try:
        report = json.loads(access.remote(lab, lab.hosts[0], argv, timeout=CEPH_SECONDS))
    except (LabError, ValueError) as error:
        return "unknown", [str(error)]
    checks = [f"{name}: {check['summary']['message']}" for name, check in report["checks"].items()]
    return str(report["status"]), checks


def _aligned(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
