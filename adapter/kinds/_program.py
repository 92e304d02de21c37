"""Kinds of daemons that are none of Ceph's."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Dict, FrozenSet, List, Tuple

from adapter.errors import InvalidValue
from adapter.interface import ServiceSpec
from adapter.kinds._kind import Kind

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# With these it would not answer what it is asked.
_UNANSWERED = ("web.config.file", "web.config", "web.route-prefix")
# The fields that all servers have.
BOUND = ("port", "networks", "only_bind_port_on_networks", "extra_entrypoint_args")
_FLAG = re.compile(r"--?(?:no-)?([A-Za-z0-9._-]+)")


class Program(Kind):
    """A daemon that is none of Ceph's: it has no key, and a port of the spec's."""

    is_ceph = False
    has_own_key = False
    named_by_host = True
    addressed = True
    reads: FrozenSet[str] = frozenset()
    # The port, if a spec names none.
    port: int = 0
    # What its command always has, by the field or the reason.
    own_flags: ClassVar[Dict[str, str]] = {}

    def check(self, spec: ServiceSpec) -> None:
        """Raise ``InvalidValue`` for arguments that it cannot be given."""
        for word in arguments_of(spec):
            flag = _FLAG.match(word)
            said = self.own_flags.get(flag.group(1)) if flag is not None else None
            if _CONTROL.search(word):
                reason, remedy = "it has control characters", "Remove them."
            elif flag is not None and flag.group(1) in _UNANSWERED:
                reason, remedy = (
                    "its health is asked without TLS, password and path",
                    "Leave it out.",
                )
            elif said is not None:
                reason, remedy = f"it follows from {said}", f"Set {said}, and leave this out."
            else:
                continue
            raise InvalidValue("extra_entrypoint_args", word, reason, remedy)

    def host_settings(self, spec: ServiceSpec) -> Dict[str, Any]:
        """Return its port and its further arguments."""
        return {"port": self.port_of(spec), "args": arguments_of(spec)}

    def port_of(self, spec: ServiceSpec) -> int:
        """Return the port that it listens on."""
        return int(getattr(spec, "port", None) or self.port)

    def ports(self, spec: ServiceSpec, count: int) -> Tuple[int, ...]:
        """Return the ports that it takes."""
        return (self.port_of(spec),)


class Server(Program):
    """One of which a few hosts have one; `networks` choose the hosts, and may bind it."""

    def check(self, spec: Any) -> None:
        """Raise ``InvalidValue`` for arguments that it cannot be given, or no network to bind."""
        super().check(spec)
        if spec.only_bind_port_on_networks and not spec.networks:
            raise InvalidValue(
                "only_bind_port_on_networks",
                True,
                "the spec names no networks",
                "Name them, or leave it out.",
            )

    def binds(self, spec: ServiceSpec) -> bool:
        """Tell whether it listens in the spec's networks alone; else they only choose hosts."""
        named = any(each.network for each in spec.placement.hosts or ())
        return named or bool(getattr(spec, "only_bind_port_on_networks", False))


def arguments_of(spec: ServiceSpec) -> List[str]:
    """Return the further arguments of a spec, word by word."""
    given = getattr(spec, "extra_entrypoint_args", None) or ()
    return [word for each in given for word in each.to_args()]
