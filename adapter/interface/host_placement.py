"""Naming hosts in a placement: one host with its network, or a pattern that selects hosts."""

from __future__ import annotations

import enum
import fnmatch
import re
from typing import Any, Dict, List, NamedTuple, Optional, Union

from .addresses import is_ip, is_network
from .checks import check_fields, checkers_for, refuse, require_mapping, shown
from .errors import SpecValidationError
from .hosts import assert_valid_host

_NETWORK_ALLOWED = "an IP address, a network (10.0.0.0/24) or [v2:ADDRESS:PORT,v1:ADDRESS:PORT]"
_NAME = re.compile(r"[A-Za-z0-9_.-]*", re.ASCII)
_BLANKS = re.compile(r"[\s;]")
_MAX_PATTERN = 512


class HostPlacementSpec(NamedTuple):
    """A host, the network its daemon shall use, and the name its daemon shall have.

    As text ``HOST:NETWORK=NAME``; network and name may be absent (empty).
    """

    hostname: str
    network: str
    name: str

    @classmethod
    def parse(cls, host: str, require_network: bool = True) -> HostPlacementSpec:
        """Read ``HOST[:NETWORK][=NAME]``; raises ``SpecValidationError``.

        Without ``require_network`` the parts are taken as they are; ``validate`` checks them.
        """
        if not isinstance(host, str):
            refuse("placement: hosts", host, "HOST[:NETWORK][=NAME]")
        before, _, name = host.partition("=")
        hostname, _, network = before.partition(":")
        spec = cls(hostname, network, name)
        if require_network:
            spec.validate()
        return spec

    def validate(self) -> None:
        """Raise ``SpecValidationError`` unless host, network and name are possible ones."""
        assert_valid_host(self.hostname)
        for part in self.network.split(","):
            if self.network and not _is_network_part(part):
                refuse(f"placement: network of host {self.hostname}", part, _NETWORK_ALLOWED)
        if not _NAME.fullmatch(self.name):
            refuse(f"placement: name on host {self.hostname}", self.name, "a-z, A-Z, 0-9, _ . -")

    def to_json(self) -> str:
        """Give the text form."""
        return str(self)

    @classmethod
    def from_json(cls, data: Union[str, Dict[str, str]]) -> HostPlacementSpec:
        """Read the text form, or a mapping of hostname, network and name."""
        if isinstance(data, str):
            return cls.parse(data)
        values = require_mapping(data, "placement: hosts")
        check_fields(values, _HOST_FIELDS, SpecValidationError, "placement: hosts")
        if "hostname" not in values:
            raise SpecValidationError("placement: hosts: hostname is missing")
        spec = cls(values["hostname"], values.get("network", ""), values.get("name", ""))
        spec.validate()
        return spec

    def __str__(self) -> str:
        text = self.hostname
        if self.network:
            text += f":{self.network}"
        if self.name:
            text += f"={self.name}"
        return text


_HOST_FIELDS = checkers_for({"hostname": "str", "network": "str", "name": "str"})


def _is_network_part(part: str) -> bool:
    if part.startswith(("v", "[v")):
        # v1 or v2, address, port: an IPv6 address holds colons too
        part = part.strip("[]").partition(":")[2].rpartition(":")[0]
    return is_network(part) if "/" in part else is_ip(part)


class PatternType(enum.Enum):
    """How a host pattern is meant."""

    fnmatch = "fnmatch"
    regex = "regex"


class HostPattern:
    """A pattern that selects hosts by name.

    ``fnmatch`` (``data[1-3]*``) has to match the whole name, ``regex`` its beginning. Host names
    are ASCII without blanks, so a pattern has no blanks, no ``;`` and no escapes for other
    characters; an fnmatch pattern has no comma. Raises ``SpecValidationError``.
    """

    def __init__(
        self, pattern: Optional[str] = None, pattern_type: PatternType = PatternType.fnmatch
    ) -> None:
        self.pattern = pattern
        self.pattern_type = pattern_type
        if pattern is not None:
            self._check(pattern)

    def _check(self, pattern: str) -> None:
        field = "placement: host_pattern"
        if not isinstance(pattern, str):
            refuse(field, pattern, "an fnmatch pattern or regex:REGEX")
        if not isinstance(self.pattern_type, PatternType):
            refuse("placement: pattern_type", self.pattern_type, "fnmatch or regex")
        if len(pattern) > _MAX_PATTERN:
            refuse(field, pattern, f"at most {_MAX_PATTERN} characters")
        if _BLANKS.search(pattern):
            refuse(field, pattern, "a pattern without blanks and ;")
        if self.pattern_type is PatternType.regex:
            _compiled(pattern)
        elif "," in pattern:
            refuse(field, pattern, "one fnmatch pattern, without comma")

    @classmethod
    def to_host_pattern(cls, arg: Union[HostPattern, str, Dict[str, Any], None]) -> HostPattern:
        """Make a pattern from whatever form it has."""
        return arg if isinstance(arg, HostPattern) else cls.from_json(arg)

    @classmethod
    def from_pretty_str(cls, val: str) -> HostPattern:
        """Read what ``pretty_str`` wrote."""
        prefix, _, rest = val.partition(":")
        if prefix == "regex":
            return cls(rest, PatternType.regex)
        return cls(rest if prefix == "fnmatch" else val)

    def filter_hosts(self, hosts: List[str]) -> List[str]:
        """Give those of the names that match; an empty pattern matches none."""
        if not self.pattern:
            return []
        if self.pattern_type is PatternType.fnmatch:
            return fnmatch.filter(hosts, self.pattern)
        regex = _compiled(self.pattern)
        return [host for host in hosts if regex.match(host)]

    def to_json(self) -> Union[str, Dict[str, str], None]:
        """Give text for an fnmatch pattern, a mapping for a regex."""
        if self.pattern_type is PatternType.fnmatch or self.pattern is None:
            return self.pattern
        return {"pattern": self.pattern, "pattern_type": self.pattern_type.value}

    @classmethod
    def from_json(cls, val: Union[str, Dict[str, Any], None]) -> HostPattern:
        """Read text (fnmatch) or ``{"pattern", "pattern_type"}``."""
        if val is None or isinstance(val, str):
            return cls(val)
        data = require_mapping(val, "placement: host_pattern")
        check_fields(data, _PATTERN_FIELDS, SpecValidationError, "placement: host_pattern")
        kind = data.get("pattern_type") or "fnmatch"
        try:
            return cls(data.get("pattern"), PatternType(kind))
        except ValueError as error:
            if isinstance(error, SpecValidationError):
                raise
            refuse("placement: pattern_type", kind, "fnmatch or regex")

    def pretty_str(self) -> str:
        """Give the form that ``PlacementSpec.from_string`` reads."""
        if self.pattern_type is PatternType.regex:
            return f"regex:{self.pattern}"
        pattern = self.pattern or ""
        if any(char in pattern for char in ":=") or not any(char in pattern for char in "[]?*"):
            return f"fnmatch:{pattern}"  # it would be read as a host
        return pattern

    def __bool__(self) -> bool:
        return bool(self.pattern)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, HostPattern):
            return NotImplemented
        if not self.pattern and not other.pattern:
            return True
        return (self.pattern, self.pattern_type) == (other.pattern, other.pattern_type)

    def __hash__(self) -> int:
        return hash(self.pattern or None)

    def __repr__(self) -> str:
        return f"HostPattern(pattern={self.pattern!r}, pattern_type={self.pattern_type!s})"


_PATTERN_FIELDS = checkers_for({"pattern": "Optional[str]", "pattern_type": "Optional[str]"})
_FOREIGN_ESCAPE = re.compile(r"\\[xuUN]")


def _compiled(pattern: str) -> re.Pattern[str]:
    """Compile a regex; what can take long to compile is refused."""
    if not pattern.isascii() or _FOREIGN_ESCAPE.search(pattern):
        refuse("placement: host_pattern", pattern, r"a regex of ASCII, without \x, \u, \U and \N")
    try:
        return re.compile(pattern)
    except (re.error, OverflowError, RecursionError, Warning) as error:
        raise SpecValidationError(
            f"placement: host_pattern: {shown(pattern)} is not a regular expression: {error}"
        ) from None
