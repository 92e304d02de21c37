"""The exporter of a host's metrics: each host has one at most."""

from __future__ import annotations

from typing import List

from ..shapes import WantedShape
from .program import Program
from .program_parts import listen_address


class NodeExporter(Program):
    """An exporter of a host's metrics."""

    name = "node-exporter"
    unit = "prometheus-node-exporter.service"
    program = "prometheus-node-exporter"
    user = "prometheus"

    def command(self, folder: str, store: str, wanted: WantedShape) -> List[str]:
        """Return the command: the state of the clock is left out, as Ceph's alerts expect."""
        del folder, store
        return [
            "/usr/bin/prometheus-node-exporter",
            "--no-collector.timex",
            f"--web.listen-address={listen_address(wanted)}",
        ]


KIND = NodeExporter()
