"""Daemons: what the orchestrator reports about one.

Source: reference/orchestrator_interface.txt "Daemons", reference/ceph_contract.md 3.1 and 3.2.
"""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any, Dict, List, Optional

from .checks import check_fields, checkers_for, optional_time, refuse, require_mapping
from .errors import OrchestratorError, OrchestratorValidationError
from .events import OrchestratorEvent
from .service_names import REQUIRES_SERVICE_ID, daemon_type_to_service
from .times import datetime_to_str, str_to_datetime

_TIMES = ("last_refresh", "created", "started", "last_deployed", "last_configured")


class DaemonDescriptionStatus(enum.IntEnum):
    """The state of a daemon."""

    unknown = -2
    error = -1
    stopped = 0
    running = 1
    starting = 2

    @staticmethod
    def to_str(status: Optional[DaemonDescriptionStatus]) -> str:
        """Name a status as commands show it; None is unknown."""
        if status is None:
            status = DaemonDescriptionStatus.unknown
        return status.name


class DaemonDescription:
    """A daemon, where it runs or shall run, and what was last seen of it.

    ``daemon_type`` and ``daemon_id`` name it (``osd`` and ``3``). ``status`` is its state,
    ``status_desc`` the text for it. Memory is in bytes, ``cpu_percentage`` is text such as
    ``0.48%``. ``last_refresh`` is when this was seen; ``started`` when the process started,
    ``created``, ``last_deployed`` and ``last_configured`` when the orchestrator did that.
    ``service_name`` is the service it belongs to: give it, it can not always be found from the
    daemon's name. ``osdspec_affinity`` is the OSD spec that made an OSD. ``rank`` and
    ``rank_generation`` are its place among numbered daemons (NFS). ``pending_daemon_config``
    says that the daemon has not yet seen its latest configuration. The container fields stay
    None for packaged daemons. All times are aware.
    """

    _CHECKERS = checkers_for(
        {
            "daemon_type": "Optional[str]",
            "daemon_id": "Optional[str]",
            "daemon_name": "Optional[str]",
            "service_name": "Optional[str]",
            "hostname": "Optional[str]",
            "container_id": "Optional[str]",
            "container_image_id": "Optional[str]",
            "container_image_name": "Optional[str]",
            "container_image_digests": "Optional[List[str]]",
            "memory_usage": "Optional[int]",
            "memory_request": "Optional[int]",
            "memory_limit": "Optional[int]",
            "cpu_percentage": "Optional[str]",
            "version": "Optional[str]",
            "status": "Optional[int]",
            "status_desc": "Optional[str]",
            "osdspec_affinity": "Optional[str]",
            "is_active": "Optional[bool]",
            "ports": "Optional[List[int]]",
            "ip": "Optional[str]",
            "rank": "Optional[int]",
            "rank_generation": "Optional[int]",
            "systemd_unit": "Optional[str]",
            "pending_daemon_config": "Optional[bool]",
            "deployed_by": "Optional[List[str]]",
            "extra_container_args": "Optional[list]",
            "extra_entrypoint_args": "Optional[list]",
            "events": "Optional[List[str]]",
            **{name: "Optional[str]" for name in _TIMES},
        }
    )

    def __init__(
        self,
        daemon_type: Optional[str] = None,
        daemon_id: Optional[str] = None,
        hostname: Optional[str] = None,
        container_id: Optional[str] = None,
        container_image_id: Optional[str] = None,
        container_image_name: Optional[str] = None,
        container_image_digests: Optional[List[str]] = None,
        version: Optional[str] = None,
        status: Optional[DaemonDescriptionStatus] = None,
        status_desc: Optional[str] = None,
        last_refresh: Optional[datetime] = None,
        created: Optional[datetime] = None,
        started: Optional[datetime] = None,
        last_configured: Optional[datetime] = None,
        osdspec_affinity: Optional[str] = None,
        last_deployed: Optional[datetime] = None,
        events: Optional[List[OrchestratorEvent]] = None,
        is_active: bool = False,
        memory_usage: Optional[int] = None,
        memory_request: Optional[int] = None,
        memory_limit: Optional[int] = None,
        cpu_percentage: Optional[str] = None,
        service_name: Optional[str] = None,
        ports: Optional[List[int]] = None,
        ip: Optional[str] = None,
        deployed_by: Optional[List[str]] = None,
        systemd_unit: Optional[str] = None,
        rank: Optional[int] = None,
        rank_generation: Optional[int] = None,
        extra_container_args: Optional[List[Any]] = None,
        extra_entrypoint_args: Optional[List[Any]] = None,
        pending_daemon_config: bool = False,
    ) -> None:
        self.daemon_type = daemon_type
        self.daemon_id = daemon_id
        self.daemon_name = f"{daemon_type}.{daemon_id}"
        self.hostname = hostname
        self.container_id = container_id
        self.container_image_id = container_image_id
        self.container_image_name = container_image_name
        self.container_image_digests = container_image_digests
        self.version = version
        self._status = status
        self.status_desc = status_desc
        self.last_refresh = last_refresh
        self.created = created
        self.started = started
        self.last_configured = last_configured
        self.osdspec_affinity = osdspec_affinity
        self.last_deployed = last_deployed
        self.events: List[OrchestratorEvent] = [] if events is None else events
        self.is_active = is_active
        self.memory_usage = memory_usage
        self.memory_request = memory_request
        self.memory_limit = memory_limit
        self.cpu_percentage = cpu_percentage
        self._service_name = service_name
        self.ports = ports
        self.ip = ip
        self.deployed_by = deployed_by
        self.systemd_unit = systemd_unit
        self.rank = rank
        self.rank_generation = rank_generation
        self.extra_container_args = extra_container_args
        self.extra_entrypoint_args = extra_entrypoint_args
        self.pending_daemon_config = pending_daemon_config

    @property
    def status(self) -> Optional[DaemonDescriptionStatus]:
        """The state; setting it sets ``status_desc`` too."""
        return self._status

    @status.setter
    def status(self, new: Optional[DaemonDescriptionStatus]) -> None:
        self._status = new
        self.status_desc = DaemonDescriptionStatus.to_str(new)

    def name(self) -> str:
        """Give ``type.id``."""
        return f"{self.daemon_type}.{self.daemon_id}"

    def get_port_summary(self) -> str:
        """Give ``address:port,port`` or, without ports, nothing."""
        if not self.ports:
            return ""
        return f"{self.ip or '*'}:{','.join(str(port) for port in sorted(self.ports))}"

    def matches_service(self, service_name: Optional[str]) -> bool:
        """Say whether the daemon belongs to this service (False for None)."""
        if not service_name or self.daemon_type is None:
            return False
        if self._service_name is not None:
            return self._service_name == service_name
        own = f"{daemon_type_to_service(self.daemon_type)}.{self.daemon_id}."
        return own.startswith(service_name + ".")

    def matches_digests(self, digests: Optional[List[str]]) -> bool:
        """Say whether the daemon's container image has one of these digests."""
        return bool(set(digests or ()) & set(self.container_image_digests or ()))

    def matches_image_name(self, image_name: Optional[str]) -> bool:
        """Say whether the daemon's container image has this name."""
        return image_name is not None and self.container_image_name == image_name

    def update_pending_daemon_config(self, value: bool) -> None:
        """Note whether the daemon still has to see its latest configuration."""
        self.pending_daemon_config = value

    def service_id(self) -> str:
        """Find the service's id; raises ``OrchestratorError`` where the name does not tell it."""
        if self._service_name is not None:
            return self._service_name.partition(".")[2]
        if self.daemon_type == "osd" and self.osdspec_affinity:
            return self.osdspec_affinity
        if self.daemon_type is None:
            raise self._no_service_id("it has no type")
        if daemon_type_to_service(self.daemon_type) not in REQUIRES_SERVICE_ID:
            return self.daemon_id or ""
        return self._service_id_from_name()

    def _service_id_from_name(self) -> str:
        """Take the host's name, and what follows it, off the daemon's id."""
        if not self.daemon_id or not self.hostname:
            raise self._no_service_id("its id or host is not known")
        host = self.hostname.partition(".")[0]
        if self.daemon_id == host:
            return host
        parts = self.daemon_id.split(".")
        if host in parts[1:]:
            last = len(parts) - 1 - parts[::-1].index(host)
            return ".".join(parts[:last])
        if host in self.daemon_id:
            raise self._no_service_id("the host's name is inside its id, but not a part of it")
        if self.daemon_type == "rgw" and len(parts) > 2:
            return ".".join(parts[:2])
        return self.daemon_id

    def _no_service_id(self, reason: str) -> OrchestratorError:
        return OrchestratorError(
            f"Cannot find the service of daemon {self.name()} on host {self.hostname}: {reason};"
            " give its service_name"
        )

    def service_name(self) -> str:
        """Give the name of the service; raises as ``service_id`` does."""
        if self._service_name is not None:
            return self._service_name
        if self.daemon_type is None:
            raise self._no_service_id("it has no type")
        service_type = daemon_type_to_service(self.daemon_type)
        if service_type in REQUIRES_SERVICE_ID:
            return f"{service_type}.{self.service_id()}"
        return service_type

    def _fields(self) -> Dict[str, Any]:
        """Give what JSON and dict forms share, in the order in which Ceph prints it."""
        status = self._status
        out = {
            "daemon_type": self.daemon_type,
            "daemon_id": self.daemon_id,
            "service_name": self._service_name,
            "daemon_name": self.daemon_name,
            "hostname": self.hostname,
            "container_id": self.container_id,
            "container_image_id": self.container_image_id,
            "container_image_name": self.container_image_name,
            "container_image_digests": self.container_image_digests,
            "memory_usage": self.memory_usage,
            "memory_request": self.memory_request,
            "memory_limit": self.memory_limit,
            "cpu_percentage": self.cpu_percentage,
            "version": self.version,
            "status": None if status is None else int(status),
            "status_desc": self.status_desc,
            "osdspec_affinity": self.osdspec_affinity if self.daemon_type == "osd" else None,
            "is_active": self.is_active,
            "ports": self.ports,
            "ip": self.ip,
            "rank": self.rank,
            "rank_generation": self.rank_generation,
            "systemd_unit": self.systemd_unit,
            "pending_daemon_config": self.pending_daemon_config,
        }
        for name in _TIMES:
            moment = getattr(self, name)
            if moment is not None:
                out[name] = datetime_to_str(moment)
        return {name: value for name, value in out.items() if value is not None}

    def to_json(self) -> Dict[str, Any]:
        """Give the JSON form: without what is None, and without deployment arguments."""
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
    def from_json(cls, data: Dict[str, Any]) -> DaemonDescription:
        """Read the JSON form; raises ``OrchestratorValidationError``."""
        refused = OrchestratorValidationError
        values = dict(require_mapping(data, "daemon", refused))
        check_fields(values, cls._CHECKERS, refused, "daemon")
        values.pop("daemon_name", None)
        for name in _TIMES:
            if name in values:
                values[name] = optional_time(
                    values[name], f"daemon: {name}", str_to_datetime, refused
                )
        status = values.get("status")
        if status is not None:
            try:
                values["status"] = DaemonDescriptionStatus(status)
            except ValueError:
                allowed = ", ".join(f"{int(one)} ({one.name})" for one in DaemonDescriptionStatus)
                refuse("daemon: status", status, allowed, refused)
        events = values.get("events")
        if events:
            values["events"] = [OrchestratorEvent.from_json(event) for event in events]
        service_name = values.get("service_name")
        if service_name and service_name[:4] == "osd." and service_name[4:].isdecimal():
            del values["service_name"]  # old releases took an OSD's own name for its service
        return cls(**values)

    @staticmethod
    def yaml_representer(dumper: Any, data: DaemonDescription) -> Any:
        """Represent it for a PyYAML dumper."""
        return dumper.represent_dict(data.to_json().items())

    def __repr__(self) -> str:
        return f"<DaemonDescription>({self.name()})"

    def __str__(self) -> str:
        return f"{self.name()} in status {self.status_desc} on {self.hostname}"

    def __eq__(self, other: object) -> bool:
        """Compare what the JSON form holds."""
        if not isinstance(other, DaemonDescription):
            return NotImplemented
        return self.to_json() == other.to_json()

    def __hash__(self) -> int:
        return hash((self.daemon_type, self.daemon_id, self.hostname))
