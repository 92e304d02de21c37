"""Tracing: Jaeger and the Elasticsearch that it writes to."""

from __future__ import annotations

from typing import Any, ClassVar, Dict, List, Optional

from ..placement import PlacementSpec
from .base import ServiceSpec
from .fields import NO_PLACEMENT, NO_STRINGS, register

_PORTS = {
    "elasticsearch": 9200,
    "jaeger-agent": 6799,
    "jaeger-collector": 14250,
    "jaeger-query": 16686,
}


@register("elasticsearch", "jaeger-agent", "jaeger-collector", "jaeger-query", "jaeger-tracing")
class TracingSpec(ServiceSpec):
    """A service of the tracing stack, or (``jaeger-tracing``) all of them.

    ``es_nodes`` are the addresses of an Elasticsearch that exists, separated by commas;
    ``without_query`` leaves the user interface out.
    """

    SERVICE_TYPES: ClassVar[List[str]] = [*_PORTS, "jaeger-tracing"]

    es_nodes: Optional[str]
    without_query: bool

    def __init__(
        self,
        service_type: str,
        es_nodes: Optional[str] = None,
        without_query: bool = False,
        service_id: Optional[str] = None,
        config: Optional[Dict[str, Any]] = None,
        networks: List[str] = NO_STRINGS,
        placement: PlacementSpec = NO_PLACEMENT,
        unmanaged: bool = False,
        preview_only: bool = False,
    ) -> None:
        self.es_nodes = es_nodes
        self.without_query = without_query
        super().__init__(
            service_type,
            service_id,
            placement=placement,
            config=config,
            unmanaged=unmanaged,
            preview_only=preview_only,
            networks=networks,
        )

    def get_port_start(self) -> List[int]:
        """Give the port; ``jaeger-tracing`` itself has none."""
        return [self.get_port()] if self.service_type in _PORTS else []

    def get_port(self) -> int:
        """Give the port of this type of service."""
        if self.service_type not in _PORTS:
            self._refuse("service_type", ", ".join(_PORTS))
        return _PORTS[self.service_type]

    def get_tracing_specs(self) -> List[ServiceSpec]:
        """Give the specs of the services that ``jaeger-tracing`` stands for.

        The placement is the collector's; Elasticsearch is left out if ``es_nodes`` names one.
        """
        if self.service_type != "jaeger-tracing":
            self._refuse("service_type", "jaeger-tracing")
        types = ["elasticsearch", "jaeger-collector", "jaeger-query", "jaeger-agent"]
        if self.es_nodes:
            types.remove("elasticsearch")
        if self.without_query:
            types.remove("jaeger-query")
        return [
            TracingSpec(
                name,
                es_nodes=self.es_nodes,
                unmanaged=self.unmanaged,
                preview_only=self.preview_only,
                placement=self.placement if name == "jaeger-collector" else PlacementSpec(),
            )
            for name in types
        ]

    def _validate_values(self) -> None:
        super()._validate_values()
        self._one_of("service_type", *self.SERVICE_TYPES)
