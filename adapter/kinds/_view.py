"""What the files of a daemon are made of beside its spec: who is where in the cluster."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Collection, Iterable, List, Mapping, Tuple


@dataclass(frozen=True)
class ViewedDaemon:
    """A daemon and where it listens; ``port`` is 0 where nobody knows, or it has none.

    ``address`` is its own, or its host's where it listens on all. ``runs`` is what its host says.
    ``rank`` is its number among those of its service, -1 where nobody knows it or it has none.
    ``listens`` are all ports on which a manager does: which of its modules answer only they tell.
    """

    kind: str
    daemon_id: str
    service: str
    hostname: str
    address: str
    port: int
    runs: bool = True
    listens: Tuple[int, ...] = ()
    rank: int = -1


@dataclass(frozen=True)
class ClusterView:
    """The cluster at one moment.

    ``daemons`` are those of managed hosts, in order of kind, host and id. ``addresses`` are the
    hosts' by name. ``settings`` is the monitors' configuration by section and option, empty where
    nobody knows it. ``interfaces`` are the hosts', as they reported them; ``virtual`` the addresses
    that services have, and no host for itself. ``specs`` are those of services by name;
    ``modules`` the managers' that are enabled, none where nobody knows them; ``active`` the id of
    the active manager, empty where nobody knows it. ``rules`` are an administrator's alert rules by
    service. ``coming`` are daemons that are to be deployed and that no host has reported yet.
    ``texts`` are what is kept at the places that kinds name (``Kind.sources``); there are passwords
    in them.
    """

    fsid: str
    daemons: Tuple[ViewedDaemon, ...] = ()
    addresses: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[Tuple[str, str], str] = field(default_factory=dict)
    interfaces: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    virtual: Collection[str] = ()
    specs: Mapping[str, Any] = field(default_factory=dict)
    modules: Tuple[str, ...] = ()
    active: str = ""
    rules: Mapping[str, str] = field(default_factory=dict)
    coming: Tuple[ViewedDaemon, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict, repr=False)

    def of_kind(self, *kinds: str) -> List[ViewedDaemon]:
        """Return the daemons of these kinds."""
        return [each for each in self.daemons if each.kind in kinds]

    def expected(self, kind: str) -> List[ViewedDaemon]:
        """Return the daemons of a kind that there are or are to come, in order of host and id."""
        found = [each for each in (*self.daemons, *self.coming) if each.kind == kind]
        return sorted(found, key=lambda each: (each.hostname, each.daemon_id))

    def expected_of(self, service: str) -> List[ViewedDaemon]:
        """Return the daemons of a service that there are or are to come."""
        return [each for each in (*self.daemons, *self.coming) if each.service == service]

    def of_service(self, service: str) -> List[ViewedDaemon]:
        """Return the daemons of a service."""
        return [each for each in self.daemons if each.service == service]


def target(address: str, port: int) -> str:
    """Return address and port as one text."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def targets(daemons: Iterable[ViewedDaemon]) -> List[str]:
    """Return where daemons listen, without those of which nobody knows it."""
    return [target(each.address, each.port) for each in daemons if each.port]
