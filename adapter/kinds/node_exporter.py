"""The exporters of hosts' metrics."""

from __future__ import annotations

from typing import ClassVar, Dict

from adapter.kinds._program import Program


class NodeExporters(Program):
    """The exporter of a host's metrics: one on each host."""

    service_type = "node-exporter"
    plural = "exporters of hosts' metrics"
    unit = "prometheus-node-exporter"
    count = None
    is_asked = True
    fields = frozenset(("port", "networks", "extra_entrypoint_args"))
    port = 9100
    own_flags: ClassVar[Dict[str, str]] = {"web.listen-address": "`port` and `networks`"}


KIND = NodeExporters()
