"""Prometheus: it scrapes all others, and evaluates Ceph's alerts."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Dict, FrozenSet

from adapter.errors import InvalidValue
from adapter.kinds._program import BOUND, Server
from adapter.kinds._prometheus_files import prometheus_files
from adapter.kinds._view import ClusterView, ViewedDaemon

_KEEPS = "15d"
_TARGET = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_][A-Za-z0-9_.-]*):([0-9]{1,5})")


class Prometheus(Server):
    """Prometheus with Ceph's rules; its targets follow the cluster."""

    service_type = "prometheus"
    plural = "Prometheus servers"
    unit = "prometheus"
    fields: FrozenSet[str] = frozenset((*BOUND, "retention_time", "retention_size", "targets"))
    port = 9095
    has_files = True
    has_rules = True
    is_asked = True
    needs_modules = ("prometheus",)
    dashboard_option = "PROMETHEUS_API_HOST"
    own_flags: ClassVar[Dict[str, str]] = {
        "web.listen-address": "`port` and `networks`",
        "storage.tsdb.retention.time": "`retention_time`",
        "storage.tsdb.retention.size": "`retention_size`",
        "storage.tsdb.path": "the place that it has on each host",
        "config.file": "the place that it has on each host",
    }

    def check(self, spec: Any) -> None:
        """Raise ``InvalidValue`` for what it would not start with, or could not do."""
        super().check(spec)
        for each in spec.targets or ():
            found = _TARGET.fullmatch(each) if isinstance(each, str) else None
            if found is None or not 0 < int(found.group(2)) < 65536:
                raise InvalidValue(
                    "targets",
                    each,
                    "it is not HOST:PORT",
                    "Give address and port of another Prometheus, e.g. 10.0.0.9:9095.",
                )

    def host_settings(self, spec: Any) -> Dict[str, Any]:
        """Return port and arguments; how long data is kept is one of them."""
        told = super().host_settings(spec)
        keeps = [f"--storage.tsdb.retention.time={spec.retention_time or _KEEPS}"]
        if spec.retention_size:
            keeps.append(f"--storage.tsdb.retention.size={spec.retention_size}")
        return {**told, "args": [*keeps, *told["args"]]}

    def files(self, spec: Any, view: ClusterView, daemon: ViewedDaemon) -> Dict[str, str]:
        """Return its configuration, and a file of targets for each job."""
        rules = view.rules.get(daemon.service, "")
        return prometheus_files(view, spec.targets or (), rules)


KIND = Prometheus()
