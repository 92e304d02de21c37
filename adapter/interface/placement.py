"""Placements: on which hosts, and how often, a service runs.

Source: reference/orchestrator_interface.txt "Placement", reference/ceph_contract.md 3.2.
"""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, Iterable, List, Optional, Sequence, Union

from .checks import check_fields, checkers_for, is_int, refuse, require_mapping
from .errors import SpecValidationError
from .host_placement import HostPattern, HostPlacementSpec, PatternType
from .hosts import HostSpec

_DIGITS = re.compile(r"[0-9]{1,18}")
_LABEL = re.compile(r"[^\s;,]+")
_SEPARATORS = re.compile(r"[\s;]+")
_GLOB = re.compile(r"[\[\]?*]")
_COUNT_ALLOWED = "an integer of at least 1"


class PlacementSpec:
    """Selects hosts for the daemons of a service.

    Either ``hosts`` (by name, each with network and daemon name if wished), or ``label`` and
    ``host_pattern`` (both: hosts that have the label and match). ``count`` is how many daemons in
    all, ``count_per_host`` how many on each of the hosts; without both it is one on each. An
    empty placement selects all hosts. Raises ``SpecValidationError``.
    """

    def __init__(
        self,
        label: Optional[str] = None,
        hosts: Union[List[str], List[HostPlacementSpec], None] = None,
        count: Optional[int] = None,
        count_per_host: Optional[int] = None,
        host_pattern: Union[HostPattern, str, None] = None,
    ) -> None:
        self.label = None if label == "" else label
        self.hosts: List[HostPlacementSpec] = []
        if hosts:
            self.set_hosts(hosts)
        self.count = count
        self.count_per_host = count_per_host
        self.host_pattern: HostPattern = (
            host_pattern if isinstance(host_pattern, HostPattern) else HostPattern(host_pattern)
        )
        if self.label is not None or hosts or count is not None or count_per_host is not None:
            self.validate()

    def is_empty(self) -> bool:
        """Say whether nothing is selected or counted."""
        return not (
            self.hosts
            or self.host_pattern
            or self.label is not None
            or self.count is not None
            or self.count_per_host is not None
        )

    def set_hosts(self, hosts: Union[Sequence[str], Sequence[HostPlacementSpec]]) -> None:
        """Replace the hosts, given as text or as ``HostPlacementSpec``."""
        if not isinstance(hosts, (list, tuple)):
            refuse("placement: hosts", hosts, "a list of HOST[:NETWORK][=NAME]")
        self.hosts = [
            host if isinstance(host, HostPlacementSpec) else HostPlacementSpec.parse(host)
            for host in hosts
        ]

    def filter_matching_hosts(
        self, _get_hosts_func: Callable[..., Iterable[HostSpec]]
    ) -> List[str]:
        """Give the names of the selected hosts; ``_get_hosts_func`` gives all that there are."""
        return self.filter_matching_hostspecs(_get_hosts_func())

    def filter_matching_hostspecs(self, hostspecs: Iterable[HostSpec]) -> List[str]:
        """Give the names of those hosts that are selected.

        Listed hosts come in the placement's order, unknown ones are left out. Labels such as
        ``_no_schedule``, maintenance and offline hosts are not considered here.
        """
        known = list(hostspecs)
        if self.hosts:
            names = {host.hostname for host in known}
            return [host.hostname for host in self.hosts if host.hostname in names]
        if self.label:
            known = [host for host in known if self.label in host.labels]
        selected = [host.hostname for host in known]
        if self.host_pattern:
            selected = self.host_pattern.filter_hosts(selected)
        return selected

    def get_target_count(self, hostspecs: Iterable[HostSpec]) -> int:
        """Say how many daemons there shall be on these hosts."""
        if self.count:
            return self.count
        return len(self.filter_matching_hostspecs(hostspecs)) * (self.count_per_host or 1)

    def validate(self) -> None:
        """Raise ``SpecValidationError`` if the parts do not go together."""
        self._validate_selection()
        for field, count in (("count", self.count), ("count_per_host", self.count_per_host)):
            if count is not None and (not is_int(count) or count < 1):
                refuse(f"placement: {field}", count, _COUNT_ALLOWED)
        if self.count_per_host is None:
            return
        if self.count is not None:
            refuse("placement: count_per_host", self.count_per_host, "only without count")
        if not (self.label or self.hosts or self.host_pattern):
            refuse(
                "placement: count_per_host",
                self.count_per_host,
                "only with label, hosts or host_pattern",
            )
        if any(host.network or host.name for host in self.hosts):
            refuse(
                "placement: count_per_host",
                self.count_per_host,
                "only with hosts that have no network and no name",
            )

    def _validate_selection(self) -> None:
        if self.label is not None:
            if not isinstance(self.label, str) or not _LABEL.fullmatch(self.label):
                refuse("placement: label", self.label, "a label without blanks, comma and ;")
            if self.hosts:
                refuse("placement: label", self.label, "a label or hosts, not both")
        if self.hosts and self.host_pattern:
            refuse(
                "placement: host_pattern",
                self.host_pattern.pattern,
                "a host pattern or hosts, not both",
            )
        for host in self.hosts:
            host.validate()

    def pretty_str(self) -> str:
        """Give the text form: ``PlacementSpec.from_string(ps.pretty_str()) == ps``."""
        parts = [str(host) for host in self.hosts]
        if parts and _DIGITS.fullmatch(parts[0]):
            parts[0] += ":"  # it would be read as a count
        if self.count:
            parts.append(f"count:{self.count}")
        if self.count_per_host:
            parts.append(f"count-per-host:{self.count_per_host}")
        if self.label:
            parts.append(f"label:{self.label}")
        if self.host_pattern:
            parts.append(self.host_pattern.pretty_str())
        text = ";".join(parts)
        if len(parts) == 1 and "," in text and "[" not in text:
            text += ";"  # the comma is inside a network or a pattern and separates nothing
        return text

    def to_json(self) -> Dict[str, Any]:
        """Give the JSON form, without what is empty."""
        data: Dict[str, Any] = {}
        if self.label:
            data["label"] = self.label
        if self.hosts:
            data["hosts"] = [str(host) for host in self.hosts]
        if self.count:
            data["count"] = self.count
        if self.count_per_host:
            data["count_per_host"] = self.count_per_host
        if self.host_pattern:
            data["host_pattern"] = self.host_pattern.to_json()
        return data

    @classmethod
    def from_json(cls, data: Optional[Dict[str, Any]]) -> PlacementSpec:
        """Read the JSON form; None is an empty placement. Raises ``SpecValidationError``."""
        if data is None:
            return cls()
        values = require_mapping(data, "placement")
        check_fields(values, _FIELDS, SpecValidationError, "placement")
        hosts = values.get("hosts")
        return cls(
            label=values.get("label"),
            hosts=[HostPlacementSpec.from_json(host) for host in hosts] if hosts else None,
            count=_count(values.get("count"), "count"),
            count_per_host=_count(values.get("count_per_host"), "count_per_host"),
            host_pattern=HostPattern.from_json(values.get("host_pattern")),
        )

    @classmethod
    def from_string(cls, arg: Optional[str]) -> PlacementSpec:
        """Read the text form; raises ``SpecValidationError``.

        Parts are separated by blanks, by ``;`` or by ``,``: a count (``3`` or ``count:3``, the
        bare number first), ``count-per-host:2``, ``label:LABEL``, one pattern (``data[1-3]``,
        ``regex:REGEX`` or ``fnmatch:PATTERN``), or hosts (``HOST[:NETWORK][=NAME]``).
        """
        if arg is None:
            return cls()
        if not isinstance(arg, str):
            refuse("placement", arg, "text such as '3 host1 host2' or 'label:mon'")
        return _Parts(_split(arg)).placement(cls)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PlacementSpec):
            return NotImplemented
        return (
            self.label == other.label
            and self.hosts == other.hosts
            and self.count == other.count
            and self.count_per_host == other.count_per_host
            and self.host_pattern == other.host_pattern
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        parts = []
        if self.count:
            parts.append(f"count={self.count!r}")
        if self.count_per_host:
            parts.append(f"count_per_host={self.count_per_host!r}")
        if self.label:
            parts.append(f"label={self.label!r}")
        if self.hosts:
            parts.append(f"hosts={self.hosts!r}")
        if self.host_pattern:
            parts.append(f"host_pattern={self.host_pattern!r}")
        return f"PlacementSpec({', '.join(parts)})"


_FIELDS = checkers_for(
    {
        "label": "Optional[str]",
        "hosts": "Optional[list]",
        "count": "Any",
        "count_per_host": "Any",
        "host_pattern": "Union[None, str, dict]",
    }
)


def _count(value: Any, field: str) -> Optional[int]:
    """Read a count; text of digits and whole floats are taken as the integer they show."""
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        return int(value)
    if isinstance(value, float) and value.is_integer() and 0 < value < 1e9:
        return int(value)
    if value is not None and not is_int(value):
        refuse(f"placement: {field}", value, _COUNT_ALLOWED)
    return value  # type: ignore[no-any-return]  # None or an integer


def _split(text: str) -> List[str]:
    """Split the text form at blanks and ``;``, or else at commas (a pattern may hold commas)."""
    parts = [part for part in _SEPARATORS.split(text) if part]
    if len(parts) == 1 and ";" not in text:
        whole = parts[0]
        if "[" not in whole and not whole.startswith("regex:"):
            return [part for part in whole.split(",") if part]
    return parts


class _Parts:
    """The parts of a placement's text form, sorted by what they are."""

    def __init__(self, parts: List[str]) -> None:
        self.prefixed: Dict[str, str] = {}
        self.hosts: List[str] = []
        for index, part in enumerate(parts):
            if index == 0 and _DIGITS.fullmatch(part):
                self._take("count", part)
            else:
                self._sort(part)

    def _sort(self, part: str) -> None:
        prefix, colon, rest = part.partition(":")
        if colon and prefix in ("count", "count-per-host", "label"):
            self._take(prefix, rest)
        elif colon and prefix in ("regex", "fnmatch"):
            self._take("pattern", part)
        elif ":" in part or "=" in part or not _GLOB.search(part):
            self.hosts.append(part)
        else:
            self._take("pattern", f"fnmatch:{part}")

    def _take(self, name: str, text: str) -> None:
        if name in self.prefixed:
            refuse(f"placement: {name}", text, f"only one {name}")
        self.prefixed[name] = text

    def _number(self, name: str) -> Optional[int]:
        text = self.prefixed.get(name)
        if text is not None and not _DIGITS.fullmatch(text):
            refuse(f"placement: {name}", text, _COUNT_ALLOWED)
        return None if text is None else int(text)

    def placement(self, cls: Any) -> PlacementSpec:
        """Make the placement."""
        made: PlacementSpec = cls(
            label=self.prefixed.get("label"),
            hosts=self.hosts or None,
            count=self._number("count"),
            count_per_host=self._number("count-per-host"),
            host_pattern=self._pattern(),
        )
        return made

    def _pattern(self) -> Optional[HostPattern]:
        if "pattern" not in self.prefixed:
            return None
        kind, _, pattern = self.prefixed["pattern"].partition(":")
        return HostPattern(pattern, PatternType(kind))
