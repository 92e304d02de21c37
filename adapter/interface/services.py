"""Services: what the orchestrator reports about one."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Dict, List, Optional

from .checks import check_fields, checkers_for, optional_time, require_list, require_mapping
from .errors import OrchestratorValidationError, SpecValidationError
from .events import OrchestratorEvent
from .specs.base import ServiceSpec
from .times import datetime_to_str, str_to_datetime

_TIMES = ("last_refresh", "created")


class ServiceDescription:
    """A service: its spec, and how much of it runs.

    ``size`` is how many daemons there shall be, ``running`` how many run. ``service_url`` is
    where it is reached, ``virtual_ip`` and ``ports`` too. ``last_refresh`` is when this was seen,
    ``created`` when the spec was given, ``deleted`` when its removal was asked for (kept in
    memory only). All times are aware.
    """

    _STATUS = checkers_for(
        {
            "container_image_id": "Optional[str]",
            "container_image_name": "Optional[str]",
            "service_url": "Optional[str]",
            "size": "Optional[int]",
            "running": "Optional[int]",
            "last_refresh": "Optional[str]",
            "created": "Optional[str]",
            "virtual_ip": "Optional[str]",
            "ports": "Optional[List[int]]",
        }
    )

    def __init__(
        self,
        spec: ServiceSpec,
        container_image_id: Optional[str] = None,
        container_image_name: Optional[str] = None,
        service_url: Optional[str] = None,
        last_refresh: Optional[datetime] = None,
        created: Optional[datetime] = None,
        deleted: Optional[datetime] = None,
        size: int = 0,
        running: int = 0,
        events: Optional[List[OrchestratorEvent]] = None,
        virtual_ip: Optional[str] = None,
        ports: Optional[List[int]] = None,
    ) -> None:
        self.spec = spec
        self.container_image_id = container_image_id
        self.container_image_name = container_image_name
        self.service_url = service_url
        self.last_refresh = last_refresh
        self.created = created
        self.deleted = deleted
        self.size = size
        self.running = running
        self.events: List[OrchestratorEvent] = events or []
        self.virtual_ip = virtual_ip
        self.ports: List[int] = ports or []

    def service_type(self) -> str:
        """Give the service's type."""
        return self.spec.service_type

    def get_port_summary(self) -> str:
        """Give ``address:port,port`` or, without ports, nothing."""
        if not self.ports:
            return ""
        address = (self.virtual_ip or "?").partition("/")[0]
        return f"{address}:{','.join(map(str, self.ports))}"

    def _fields(self) -> Dict[str, Any]:
        out = self.spec.to_json()
        status: Dict[str, Any] = {
            "container_image_id": self.container_image_id,
            "container_image_name": self.container_image_name,
            "service_url": self.service_url,
            "size": self.size,
            "running": self.running,
            "last_refresh": self.last_refresh and datetime_to_str(self.last_refresh),
            "created": self.created and datetime_to_str(self.created),
            "virtual_ip": self.virtual_ip,
            "ports": self.ports or None,
        }
        out["status"] = {name: value for name, value in status.items() if value is not None}
        return out

    def to_json(self) -> Dict[str, Any]:
        """Give the spec's JSON form with ``status`` and, as text, ``events``."""
        out = self._fields()
        if self.events:
            out["events"] = [event.to_json() for event in self.events]
        return out

    def to_dict(self) -> Dict[str, Any]:
        """Give the JSON form with events as mappings, as the dashboard reads it."""
        out = self._fields()
        if self.events:
            out["events"] = [event.to_dict() for event in self.events]
        return out

    @classmethod
    def from_json(cls, data: Dict[str, Any]) -> ServiceDescription:
        """Read the JSON form; raises ``OrchestratorValidationError`` or ``SpecValidationError``."""
        refused = OrchestratorValidationError
        values = require_mapping(data, "service description", refused)
        try:
            spec = ServiceSpec.from_json(values)
        except SpecValidationError as error:
            raise refused(str(error)) from None
        status = dict(require_mapping(values.get("status") or {}, "service: status", refused))
        check_fields(status, cls._STATUS, refused, "service: status")
        for name in _TIMES:
            if name in status:
                status[name] = optional_time(
                    status[name], f"service: {name}", str_to_datetime, refused
                )
        events = require_list(values.get("events") or [], "service: events", refused)
        status = {name: value for name, value in status.items() if value is not None}
        return cls(
            spec=spec, events=[OrchestratorEvent.from_json(event) for event in events], **status
        )

    @staticmethod
    def yaml_representer(dumper: Any, data: ServiceDescription) -> Any:
        """Represent it for a PyYAML dumper."""
        return dumper.represent_dict(data.to_json().items())

    def __repr__(self) -> str:
        return f"<ServiceDescription of {self.spec.one_line_str()}>"

    def __eq__(self, other: object) -> bool:
        """Compare what the JSON form holds."""
        if not isinstance(other, ServiceDescription):
            return NotImplemented
        return self.spec == other.spec and self.to_json() == other.to_json()

    __hash__ = None  # type: ignore[assignment]
