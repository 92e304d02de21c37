"""Which host has which daemon: the rows of all reports, each with the judgement whose it is.

Kept up to date by what changed: a report that came, a host, what the cluster says. At 1,000 hosts
only the rows of the host that reported are looked at again, and of those that share a name with it.
"""

from __future__ import annotations

from typing import Any, Dict, FrozenSet, Iterator, List, Mapping, Optional, Sequence, Set, Tuple

from adapter.cluster.daemon_identity import ClusterNames, Foreign, Identities
from adapter.cluster.host_names import NOBODY, HostNames, names_of
from adapter.cluster.hosts import Hosts
from adapter.cluster.reports import Reports

Row = Dict[str, Any]
NONE: Mapping[str, Foreign] = {}


class DaemonPlaces:
    """Tell a host's own daemons from others' names. Callers hold the orchestrator's lock."""

    def __init__(self, hosts: Hosts, reports: Reports) -> None:
        self._hosts, self._reports = hosts, reports
        self._cluster = ClusterNames()
        self._host_names = HostNames({})
        self._identities = Identities(self._cluster, self._host_names, {})
        self._seen: Tuple[int, int] = (-1, -1)
        self._names: Dict[str, FrozenSet[str]] = {}
        self._addresses: Dict[str, str] = {}
        self._stale = True
        # By host the serial of its report and its rows by name; by name the rows by host.
        self._taken: Dict[str, int] = {}
        self._rows: Dict[str, Dict[str, Row]] = {}
        self._shared: Dict[str, Dict[str, Row]] = {}
        self._foreign: Dict[str, Mapping[str, Foreign]] = {}
        self._serial = 0
        # Grows when the cluster says something else.
        self.learned = 0

    def host_of(self, name: str) -> Optional[str]:
        """Return the managed host that a name means which an OSD or CRUSH uses, or None."""
        self._follow()
        return self._host_names.host_of(name)

    def names_of(self, hostname: str) -> FrozenSet[str]:
        """Return the names of a host: its record's, and those that it reported."""
        self._follow()
        return self._names.get(hostname, NOBODY)

    def learn(self, cluster: ClusterNames) -> None:
        """Take over where the cluster says that daemons are."""
        if cluster != self._cluster:
            self._cluster = cluster
            self._stale = True
            self.learned += 1

    def is_said(self, daemon: str) -> bool:
        """Tell whether the cluster itself names a daemon, as it does while one is at work."""
        return daemon in self._cluster.hosts

    def told_of(self, kind: str) -> Dict[str, FrozenSet[str]]:
        """Return the daemons of a kind that the cluster names, each with the host names it has."""
        told = self._cluster.hosts.items()
        return {daemon: names for daemon, names in told if daemon.partition(".")[0] == kind}

    def said(self) -> Mapping[str, FrozenSet[str]]:
        """Return the host names that the cluster has by daemon; it is not to be changed."""
        return self._cluster.hosts

    def meant_by_cluster(self, daemon: str) -> FrozenSet[str]:
        """Return the managed hosts that the cluster can mean with what it says of a daemon."""
        self._follow()
        addresses = self._cluster.addresses.get(daemon, ())
        there = {self._addresses[each] for each in addresses if each in self._addresses}
        named = self._cluster.hosts.get(daemon, ())
        return frozenset(there or (h for name in named for h in self._host_names.meant(name)))

    def said_on(self, hostname: str) -> List[str]:
        """Return the daemons (``mon.h1``) that the cluster says are on a host."""
        self._follow()
        return sorted(
            daemon
            for daemon, names in self._cluster.hosts.items()
            if any(self._host_names.host_of(name) == hostname for name in names)
        )

    @property
    def serial(self) -> int:
        """Return a number that grows when a judgement changes."""
        self._follow()
        return self._serial

    def foreign_by_host(self) -> Mapping[str, Mapping[str, Foreign]]:
        """Return by host and daemon the rows of reports that are not their host's own.

        Only hosts that have some are named. It is not to be changed.
        """
        self._follow()
        return self._foreign

    def foreign(self) -> List[Foreign]:
        """Return all rows that are not their host's own."""
        return [each for found in self.foreign_by_host().values() for each in found.values()]

    def own(self) -> Iterator[Tuple[str, Row]]:
        """Yield the rows of all reports that are their host's own daemons, with the host."""
        foreign = self.foreign_by_host()
        for host in self._hosts.all():
            hostname = host.hostname
            report = self._reports.get(hostname)
            for row in own_rows(report.daemons if report else (), foreign.get(hostname, NONE)):
                yield hostname, row

    def hosts_of(self, daemon: str) -> List[str]:
        """Return the hosts that report a daemon (``mon.h1``) as their own."""
        self._follow()
        rows = self._shared.get(daemon, {})
        return sorted(host for host in rows if daemon not in self._foreign.get(host, NONE))

    def hosts_with(self, daemon: str) -> List[str]:
        """Return the managed hosts that have a daemon: by reports, else by what the cluster says.

        A host that has not reported yet has what the cluster says of it.
        """
        found = self.hosts_of(daemon)
        named = () if found else self._cluster.hosts.get(daemon, ())
        meant = (self._host_names.host_of(name) for name in named)
        return found or sorted({host for host in meant if host})

    def row(self, hostname: str, daemon: str) -> Row:
        """Return what a host reports of a daemon, which it has."""
        self._follow()
        return self._rows[hostname][daemon]

    def by_unit(self, hostname: str) -> Dict[str, str]:
        """Return the daemons (``mon.h1``) that a host reports, by their units."""
        self._follow()
        rows = self._rows.get(hostname, {})
        return {str(row["unit"]): name for name, row in rows.items() if row.get("unit")}

    def reports(self, hostname: str, daemon: str) -> bool:
        """Tell whether a host reports a daemon, in whatever state and whosever it is."""
        self._follow()
        return daemon in self._rows.get(hostname, NONE)

    def judge(self, hostname: str, daemon: str) -> Optional[Foreign]:
        """Return why a daemon is not this host's, whether it reports it or not; None if it is."""
        self._follow()
        kind, _, daemon_id = daemon.partition(".")
        rows = self._shared.get(daemon, {})
        return self._identities.foreign(hostname, kind, daemon_id, rows)

    def _follow(self) -> None:
        """Take over what changed since the last time."""
        state = (self._reports.serial, self._hosts.serial)
        if state == self._seen and not self._stale:
            return
        self._seen = state
        changed, shared = self._take_rows()
        if self._take_names(changed) or self._stale:
            self._stale = False
            self._host_names = HostNames(self._names)
            self._identities = Identities(self._cluster, self._host_names, self._addresses)
            again: Set[str] = set(self._rows)
        else:
            again = changed | {host for name in shared for host in self._shared.get(name, ())}
        for hostname in again:
            self._judge_host(hostname)

    def _take_rows(self) -> Tuple[Set[str], Set[str]]:
        """Return the hosts whose reports are new, and the names that more than one host has."""
        changed: Set[str] = set()
        touched: Set[str] = set()
        known = [host.hostname for host in self._hosts.all()]
        for hostname in known:
            report = self._reports.get(hostname)
            serial = report.serial if report else 0
            if self._taken.get(hostname) != serial:
                self._taken[hostname] = serial
                changed.add(hostname)
                touched |= self._replace(hostname, report.daemons if report else [])
        for hostname in self._taken.keys() - set(known):
            touched |= self._replace(hostname, [])
            for kept in (self._taken, self._rows, self._foreign):
                kept.pop(hostname, None)
        return changed, touched

    def _replace(self, hostname: str, rows: List[Row]) -> Set[str]:
        """Take over the rows of a host; return the names that others have or had with it."""
        before = self._rows.get(hostname, {})
        now = {_name(row): row for row in rows}
        for name in before.keys() - now.keys():
            sharing = self._shared[name]
            del sharing[hostname]
            if not sharing:
                del self._shared[name]
        for name, row in now.items():
            self._shared.setdefault(name, {})[hostname] = row
        self._rows[hostname] = now
        return {name for name in {*before, *now} if self._shared.get(name, {}).keys() - {hostname}}

    def _take_names(self, changed: Set[str]) -> bool:
        """Tell whether the hosts' names or addresses are other ones than before."""
        names: Dict[str, FrozenSet[str]] = {}
        addresses: Dict[str, str] = {}
        for host in self._hosts.all():
            name = host.hostname
            if name in changed or name not in self._names:
                report = self._reports.get(name)
                names[name] = names_of(name, report.identity if report else {})
            else:
                names[name] = self._names[name]
            addresses[host.addr] = name
        if names == self._names and addresses == self._addresses:
            return False
        self._names, self._addresses = names, addresses
        return True

    def _judge_host(self, hostname: str) -> None:
        found: Dict[str, Foreign] = {}
        for name, row in self._rows.get(hostname, {}).items():
            foreign = self._identities.foreign(
                hostname, str(row["daemon_type"]), str(row["daemon_id"]), self._shared[name]
            )
            if foreign is not None:
                found[name] = foreign
        if found != self._foreign.get(hostname, NONE):
            self._serial += 1
            self._foreign.pop(hostname, None)
            if found:
                self._foreign[hostname] = found


def own_rows(rows: Sequence[Row], foreign: Mapping[str, Foreign]) -> Sequence[Row]:
    """Return the rows of a report without those that are not its host's own."""
    return [row for row in rows if _name(row) not in foreign] if foreign else rows


def _name(row: Row) -> str:
    return f"{row['daemon_type']}.{row['daemon_id']}"
