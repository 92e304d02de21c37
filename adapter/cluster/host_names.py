"""Which managed host a name means that somebody else used: a daemon's metadata, a daemon's id.

A host has the name of its record, which the operator chose, and those that it reports of itself,
which nobody has checked. So a reported name counts only where no other host has it, and never
where it is the name of another host's record. Pure functions over plain data.
"""

from __future__ import annotations

from typing import Any, Dict, FrozenSet, Mapping, Optional, Set

NOBODY: FrozenSet[str] = frozenset()
# What hosts call themselves that were never given a name.
_NAMELESS = ("localhost", "localdomain")


def names_of(hostname: str, identity: Mapping[str, Any]) -> FrozenSet[str]:
    """Return the names of a host: its record's, and the host name and FQDN that it reported."""
    reported = (identity.get(key) for key in ("hostname", "fqdn"))
    named = {each for each in reported if isinstance(each, str) and each}
    return frozenset((hostname, *(each for each in named if _short(each) not in _NAMELESS)))


class HostNames:
    """The names of all hosts, made ready for many questions.

    ``hosts`` are the names (``names_of``) of each host by its record's name.
    """

    def __init__(self, hosts: Mapping[str, FrozenSet[str]]) -> None:
        self._records = frozenset(hosts)
        self._exact: Dict[str, Set[str]] = {}
        self._short: Dict[str, Set[str]] = {}
        for host, named in hosts.items():
            for name in named:
                if name == host or name not in hosts:
                    self._exact.setdefault(name, set()).add(host)
                    self._short.setdefault(_short(name), set()).add(host)

    def host_of(self, name: str) -> Optional[str]:
        """Return the managed host that a name means, or None for none or more than one."""
        meant = self.meant(name)
        return next(iter(meant)) if len(meant) == 1 else None

    def meant(self, name: str) -> FrozenSet[str]:
        """Return the managed hosts that a name can mean.

        The name of a record means that host. Then come the names that hosts reported, and then
        what is before the first dot. Two names with different domains are two hosts.
        """
        if name in self._records:
            return frozenset((name,))
        found = self._exact.get(name) or self._exact_below(name) or ()
        return frozenset(found)

    def _exact_below(self, name: str) -> Set[str]:
        if "." in name:
            return self._exact.get(_short(name), set())
        return self._short.get(name, set())


def _short(name: str) -> str:
    return name.partition(".")[0]
