"""Hosts: what the orchestrator knows about one, and which names are names of hosts.

Source: reference/orchestrator_interface.txt "Host management", reference/ceph_contract.md 3.2.
"""

from __future__ import annotations

import re
from typing import Any, Dict, List, Optional

from .checks import check_fields, checkers_for, refuse, require_mapping, shown
from .errors import SpecValidationError

_COMPONENT = re.compile(r"[A-Za-z0-9-]{1,63}", re.ASCII)
_NAME_ALLOWED = (
    "a host name of at most 250 characters, its dot-separated parts 1 to 63 characters"
    " of a-z, A-Z, 0-9 and -"
)


def assert_valid_host(name: str) -> None:
    """Raise ``SpecValidationError`` unless ``name`` can be the name of a host."""
    if not isinstance(name, str) or not 0 < len(name) <= 250:
        refuse("hostname", name, _NAME_ALLOWED)
    for part in name.split("."):
        if not _COMPONENT.fullmatch(part):
            raise SpecValidationError(
                f"hostname: {shown(name)} is not allowed because of {shown(part)};"
                f" allowed: {_NAME_ALLOWED}"
            )


def assert_valid_oob(oob: Dict[str, Any]) -> None:
    """Raise ``SpecValidationError`` unless ``oob`` has a username and a password."""
    missing = [key for key in ("username", "password") if not oob.get(key)]
    if missing:
        raise SpecValidationError(
            f"oob: {' and '.join(missing)} is missing;"
            " allowed: a mapping with username and password"
        )


def _without_repeats(labels: List[str]) -> List[str]:
    return list(dict.fromkeys(labels))


class HostSpec:
    """A host of the orchestrator.

    ``hostname`` is the name by which daemons and placements refer to it (as ``hostname`` on the
    host prints it). ``addr`` is the IP address or DNS name by which it is reached, the host name
    if absent. ``labels`` are the operator's tags. ``status`` is ``""``, ``"maintenance"`` or
    ``"Offline"``. ``location`` is its place in the CRUSH map (bucket type to bucket name), used
    when the host is added. ``oob`` is the access to its management controller (``addr``,
    ``username``, ``password``, ...).

    The constructor takes names as they are; ``validate`` refuses the impossible ones.
    ``names_labels`` tells whether it says which labels there shall be; an empty list in its JSON
    form does, a host that is made without any does not.
    """

    _no_labels = False
    _CHECKERS = checkers_for(
        {
            "service_type": "str",
            "hostname": "str",
            "addr": "Optional[str]",
            "labels": "Union[None, str, List[str]]",
            "status": "Optional[str]",
            "location": "Optional[Dict[str, str]]",
            "oob": "Optional[Dict[str, Any]]",
        }
    )

    def __init__(
        self,
        hostname: str,
        addr: Optional[str] = None,
        labels: Optional[List[str]] = None,
        status: Optional[str] = None,
        location: Optional[Dict[str, str]] = None,
        oob: Optional[Dict[str, Any]] = None,
    ) -> None:
        self.service_type = "host"
        self.hostname = hostname
        self.addr = addr or hostname
        self.labels: List[str] = _without_repeats(labels) if labels else []
        self.status = status or ""
        self.location = location or None
        self.oob = oob or None

    @property
    def names_labels(self) -> bool:
        """Tell whether it says which labels the host shall have."""
        return bool(self.labels) or self._no_labels

    def validate(self) -> None:
        """Raise ``SpecValidationError`` if the host cannot be one."""
        assert_valid_host(self.hostname)
        fields = {name: value for name, value in vars(self).items() if name != "_no_labels"}
        check_fields(fields, self._CHECKERS, SpecValidationError, "host spec")
        if self.oob:
            assert_valid_oob(self.oob)

    def to_json(self) -> Dict[str, Any]:
        """Give the JSON form; ``location`` and ``oob`` only where they are set."""
        data: Dict[str, Any] = {
            "hostname": self.hostname,
            "addr": self.addr,
            "labels": list(self.labels),
            "status": self.status,
        }
        if self.location:
            data["location"] = self.location
        if self.oob:
            data["oob"] = self.oob
        return data

    @staticmethod
    def normalize_json(host_spec: Dict[str, Any]) -> Dict[str, Any]:
        """Check the types of a host's JSON form and make a single label a list of one."""
        data = dict(require_mapping(host_spec, "host spec"))
        if data.get("hostname") is None:
            raise SpecValidationError('host spec: "hostname" is missing; allowed: a host name')
        check_fields(data, HostSpec._CHECKERS, SpecValidationError, "host spec")
        service_type = data.pop("service_type", "host")
        if service_type != "host":
            refuse("host spec: service_type", service_type, "host")
        labels = data.get("labels")
        if isinstance(labels, str):
            labels = [labels] if labels else []
        data["labels"] = _without_repeats(labels or [])
        return data

    @classmethod
    def from_json(cls, host_spec: Dict[str, Any]) -> HostSpec:
        """Read the JSON form; raises ``SpecValidationError``. Call ``validate`` for the names."""
        spec = cls(**cls.normalize_json(host_spec))
        if host_spec.get("labels") == []:
            spec._no_labels = True
        return spec

    @staticmethod
    def yaml_representer(dumper: Any, data: HostSpec) -> Any:
        """Represent it for a PyYAML dumper."""
        return dumper.represent_dict(data.to_json().items())

    def __repr__(self) -> str:
        args = [f"{self.hostname!r}"]
        if self.addr and self.addr != self.hostname:
            args.append(f"addr={self.addr!r}")
        for name in ("labels", "status", "location"):
            value = getattr(self, name)
            if value:
                args.append(f"{name}={value!r}")
        return f"HostSpec({', '.join(args)})"

    def __str__(self) -> str:
        if self.hostname != self.addr:
            return f"{self.hostname} ({self.addr})"
        return self.hostname

    def __eq__(self, other: object) -> bool:
        """Compare what identifies and describes the host; its momentary status does not."""
        if not isinstance(other, HostSpec):
            return NotImplemented
        return (self.hostname, self.addr, self.labels, self.location, self.oob) == (
            other.hostname,
            other.addr,
            other.labels,
            other.location,
            other.oob,
        )

    def __hash__(self) -> int:
        return hash((self.hostname, self.addr))
