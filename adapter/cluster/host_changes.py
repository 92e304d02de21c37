"""What the spec of a host changes of a host that is there. Pure functions.

A spec adds its labels, and takes away those that the spec before gave and it does not: labels that
were put on a host by themselves are nobody's but their giver's. One without labels says nothing of
them (an empty list does), as one without an address of its own says nothing of the address.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

from adapter import names
from adapter.cluster.hosts import Host
from adapter.errors import InvalidValue
from adapter.interface import HostSpec


@dataclass(frozen=True)
class HostChange:
    """What becomes different; ``given`` are the labels that the spec gives."""

    addr: str = ""
    added: Tuple[str, ...] = ()
    removed: Tuple[str, ...] = ()
    location: Optional[Mapping[str, str]] = None
    given: Tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.addr or self.added or self.removed or self.location)

    def describe(self) -> str:
        """Return what becomes different, nothing where it is nothing."""
        parts = []
        if self.addr:
            parts.append(f"addr '{self.addr}'")
        if self.added:
            parts.append(f"labels added: {', '.join(self.added)}")
        if self.removed:
            parts.append(f"labels removed: {', '.join(self.removed)}")
        if self.location:
            where = (f"{kind}={name}" for kind, name in sorted(self.location.items()))
            parts.append(f"location: {', '.join(where)}")
        return "; ".join(parts)


def change_of(host: Host, spec: HostSpec) -> HostChange:
    """Return what a spec changes of a host; raises ``InvalidValue`` for a name that is none."""
    addr = "" if spec.addr in ("", spec.hostname) else names.check_address(spec.addr)
    labels = tuple(names.check_labels(spec.labels or ()))
    gone = [each for each in host.spec_labels if each not in labels] if spec.names_labels else []
    location = spec.location or None
    return HostChange(
        addr="" if addr == host.addr else addr,
        added=tuple(each for each in labels if each not in host.labels),
        removed=tuple(each for each in gone if each in host.labels),
        location=None if location == (dict(host.location or {}) or None) else location,
        given=labels if set(labels) - set(host.spec_labels) or gone else host.spec_labels,
    )


def changed_host(host: Host, change: HostChange) -> Host:
    """Return a host as a change makes it."""
    left = host.without_labels(change.removed)
    return replace(
        left,
        addr=change.addr or host.addr,
        labels=(*left.labels, *change.added),
        location=change.location or host.location,
        spec_labels=change.given,
    )


class HostsOfFile:
    """The hosts as they are after those specs of a file that were read so far.

    ``hosts`` are those that there are, as the interface has them; ``records`` what is kept of them;
    ``later`` the names of those that the file has further below.
    """

    def __init__(
        self, hosts: Sequence[HostSpec], records: Sequence[Host], later: Sequence[str] = ()
    ) -> None:
        self.later = list(later)
        self._hosts: Dict[str, HostSpec] = {host.hostname: host for host in hosts}
        self._records = {host.hostname: host for host in records}
        self.new: List[str] = []

    def all(self) -> List[HostSpec]:
        """Return all hosts."""
        return list(self._hosts.values())

    def __contains__(self, hostname: object) -> bool:
        return hostname in self._hosts

    def at(self, addr: str, *, but: str) -> Optional[HostSpec]:
        """Return the host that has an address, ``but`` the one of this name."""
        others = (host for host in self._hosts.values() if host.hostname != but)
        return next((host for host in others if host.addr == addr), None)

    def take(self, spec: HostSpec) -> None:
        """Take the spec of a host as applied.

        One that is wrong counts as there too: what is wrong is said once, of its own document.
        """
        name = spec.hostname
        if name in self.later:
            self.later.remove(name)
        known, record = self._hosts.get(name), self._records.get(name)
        if known is None:
            self.new.append(name)
        after = HostSpec(name, addr=spec.addr, labels=list(spec.labels or ()))
        if record is not None and known is not None:
            with contextlib.suppress(InvalidValue):
                record = changed_host(record, change_of(record, spec))
            after = HostSpec(name, record.addr, list(record.labels), status=known.status)
            self._records[name] = record
        self._hosts[name] = after
