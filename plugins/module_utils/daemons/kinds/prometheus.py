"""Prometheus: each host has one at most. Its data stays when it is removed."""

from __future__ import annotations

from typing import List

from ..shapes import WantedShape
from .program import Program
from .program_parts import OwnFile, listen_address


class Prometheus(Program):
    """A Prometheus server."""

    name = "prometheus"
    unit = "prometheus.service"
    program = "prometheus"
    path = "/-/ready"
    user = "prometheus"
    store = "lib/prometheus/ceph-orch"
    files = (
        OwnFile("prometheus.yml", ("promtool", "check", "config")),
        OwnFile("custom_alerts.yml"),
        OwnFile("orchestrator_alerts.yml"),
        # It looks itself whether these have changed.
        OwnFile("ceph.json", reload=False),
        OwnFile("node.json", reload=False),
        OwnFile("ceph-exporter.json", reload=False),
        OwnFile("orchestrator.json", reload=False),
        OwnFile("alertmanager.json", reload=False),
        OwnFile("federate.json", reload=False),
    )

    def command(self, folder: str, store: str, wanted: WantedShape) -> List[str]:
        """Return the command."""
        return [
            "/usr/bin/prometheus",
            f"--config.file={folder}/prometheus.yml",
            f"--storage.tsdb.path={store}",
            f"--web.listen-address={listen_address(wanted)}",
        ]


KIND = Prometheus()
