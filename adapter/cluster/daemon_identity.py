"""Whether a daemon that a host reports is that host's own. Pure functions.

A host reports what systemd there knows: the unit of a cloned image or of a disk that has moved is
a row too, and a host that means ill can report what it likes. So a row is only a claim to a name.
Whose the name is says the cluster (where the daemon of that name is, as it said itself when it
authenticated); where the cluster knows nothing, the name itself, if it is made of a host's name;
and at last the one host on which it runs.

Sources: the answers of `node ls`, `mon dump` and `service dump` of Ceph 18.2 and 20.2.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Collection, Dict, FrozenSet, List, Mapping, Optional, Set, Tuple

from adapter.cluster.host_names import NOBODY, HostNames
from adapter.cluster.osd_map import read_json
from adapter.kinds import KINDS, kind_of

_LETTERS = re.compile(r"[a-z]{6}")
_UNIT = re.compile(r"[A-Za-z0-9@._:-]+")

Row = Mapping[str, Any]


@dataclass(frozen=True)
class ClusterNames:
    """What the cluster says: the host names of each daemon (``mon.h1``), and mons' addresses."""

    hosts: Mapping[str, FrozenSet[str]] = field(default_factory=dict)
    addresses: Mapping[str, FrozenSet[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Foreign:
    """A row of a host's report that is not that host's own daemon.

    ``owner`` is the host that has the daemon, empty where that is not settled; ``others`` are the
    other hosts that report it. ``active`` says that the unit runs or would start with the host,
    ``is_renamed`` that it runs, and that the owner is no managed host: this one may have had that
    name when the daemon was started.
    """

    host: str
    daemon: str
    unit: str
    why: str
    owner: str = ""
    others: Tuple[str, ...] = ()
    active: bool = True
    is_renamed: bool = False

    @property
    def name(self) -> str:
        """Return the name under which it is shown, which no daemon has."""
        return f"{self.daemon}@{self.host}"

    def in_short(self) -> str:
        """Return whose it is, in a few words."""
        return f"belongs to {self.owner}" if self.owner else f"also on {', '.join(self.others)}"

    def describe(self) -> str:
        """Return what is wrong, with both hosts and the unit, and the remedy."""
        unit = self.unit if _UNIT.fullmatch(self.unit) else "its unit"
        what = f"{self.daemon} on host {self.host} ({unit})"
        if not self.owner:
            return (
                f"{what} is reported by {', '.join(self.others)} too: {self.why}. None of them is "
                f"acted on. Stop and disable {unit} where it does not belong."
            )
        if self.is_renamed:
            return (
                f"{what} runs, and the cluster has it on {self.owner}, which is no managed host: "
                "it is not counted and not acted on. "
                f"If {self.host} was called {self.owner} when the daemon was started, `systemctl "
                f"restart {unit}` lets it say the new name; one daemon after the other. If "
                f"{self.owner} is another host, stop and disable the unit where it does not belong."
            )
        return (
            f"{what} belongs to host {self.owner}: {self.why}. It is not counted and not acted on. "
            f"Remove what is left on {self.host}: `systemctl disable --now {unit}`, and move its "
            "directory below /var/lib/ceph away."
        )


def read_names(node_ls: str, mon_dump: str, service_map: Mapping[str, Any]) -> ClusterNames:
    """Return where daemons are, from the monitors' answers; raises ``NotReady``."""
    hosts: Dict[str, Set[str]] = {}
    for kind, by_host in _mapping(read_json(node_ls, "node ls")).items():
        for hostname, daemons in _mapping(by_host).items():
            for each in daemons if isinstance(daemons, list) else ():
                hosts.setdefault(f"{kind}.{each}", set()).add(str(hostname))
    services = _mapping(service_map.get("services"))
    for kind in (name for name, each in KINDS.items() if each.in_service_map):
        daemons = _mapping(_mapping(services.get(kind)).get("daemons"))
        for name, each in daemons.items():
            said = _mapping(_mapping(each).get("metadata"))
            if said.get("hostname"):
                daemon = without_kind(kind, str(said.get("id") or name))
                hosts.setdefault(f"{kind}.{daemon}", set()).add(str(said["hostname"]))
    known = {name: frozenset(where) for name, where in hosts.items()}
    return ClusterNames(known, read_mon_addresses(mon_dump))


def read_mon_addresses(mon_dump: str) -> Dict[str, FrozenSet[str]]:
    """Return the addresses of all mons (``mon.h1``), from `mon dump`."""
    found: Dict[str, FrozenSet[str]] = {}
    for mon in read_json(mon_dump, "mon dump").get("mons") or ():
        vector = (mon.get("public_addrs") or {}).get("addrvec") or [{"addr": mon.get("addr", "")}]
        texts = (str(each["addr"]).partition("/")[0] for each in vector)
        found[f"mon.{mon['name']}"] = frozenset(
            text.rpartition(":")[0].strip("[]") for text in texts
        )
    return found


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def without_kind(kind: str, daemon_id: str) -> str:
    """Return an id as the units have it: some say their kind in front of it."""
    for prefix in (f"client.{kind}.", f"{kind}."):
        if daemon_id.startswith(prefix):
            return daemon_id[len(prefix) :]
    return daemon_id


class Identities:
    """What decides about rows: what the cluster says, the hosts' names and their addresses.

    ``addresses`` are the hosts by the addresses of their records.
    """

    def __init__(
        self, cluster: ClusterNames, names: HostNames, addresses: Mapping[str, str]
    ) -> None:
        self._cluster = cluster
        self._names = names
        self._addresses = addresses

    def foreign(
        self, host: str, kind: str, daemon_id: str, rows: Mapping[str, Row]
    ) -> Optional[Foreign]:
        """Return why a daemon is not the host's own, or None where it is.

        ``rows`` are the rows of all hosts that report a daemon of this name; the host's own need
        not be among them.
        """
        row = rows.get(host) or {}
        others = tuple(sorted(each for each in rows if each != host))
        owner, why = self._judge(host, kind, daemon_id, rows, others)
        if owner == host:
            return None
        active = row.get("state") != "stopped" or bool(row.get("enabled", True))
        daemon, unit = f"{kind}.{daemon_id}", str(row.get("unit") or "")
        is_managed = not owner or self._names.host_of(owner) is not None
        is_renamed = row.get("state") == "running" and not is_managed and not others
        return Foreign(host, daemon, unit, why, owner, others, active, is_renamed)

    def _judge(
        self, host: str, kind: str, daemon_id: str, rows: Mapping[str, Row], others: Collection[str]
    ) -> Tuple[str, str]:
        """Return the host that has the daemon, or nothing, and why."""
        daemon = f"{kind}.{daemon_id}"
        there = {
            self._addresses[each]
            for each in self._cluster.addresses.get(daemon, ())
            if each in self._addresses
        }
        if there:
            return _one(host, there), "the monitors' map has its address"
        said = self._cluster.hosts.get(daemon, NOBODY)
        if said:
            meant = {name: self._names.meant(name) for name in said}
            if any(where == {host} for where in meant.values()):
                return host, ""
            if not any(host in where for where in meant.values()):
                settled = {next(iter(meant[n])) if len(meant[n]) == 1 else n for n in said}
                return _one(host, settled), "the cluster has it there"
        return self._judge_by_name(host, kind, daemon_id, rows, others)

    def _judge_by_name(
        self, host: str, kind: str, daemon_id: str, rows: Mapping[str, Row], others: Collection[str]
    ) -> Tuple[str, str]:
        named = self._named_after(kind, daemon_id)
        if named and (len(named) == 1 or host not in named):
            return named[0], "it is named after that host, and the cluster knows of no other"
        if not others or not _is_unique(kind):
            return host, ""
        running = [each for each, row in rows.items() if row.get("state") == "running"]
        if len(running) == 1:
            return running[0], "it runs there"
        return "", "the cluster does not say which host has it"

    def _named_after(self, kind: str, daemon_id: str) -> List[str]:
        """Return the hosts whose names end a daemon's id, the longest name first.

        ``fs.b.h2.abcdef`` is a daemon of ``fs`` on b.h2, or one of ``fs.b`` on h2.
        """
        if kind_of(kind).named_by_host:
            named = self._names.host_of(daemon_id)
            return [named] if named else []
        rest, _, letters = daemon_id.rpartition(".")
        if kind == "osd" or not _LETTERS.fullmatch(letters):
            return []
        parts = rest.split(".")
        tails = [".".join(parts[index:]) for index in range(len(parts))]
        return [tail for tail in tails if self._names.host_of(tail) == tail]


def _is_unique(kind: str) -> bool:
    """Tell whether the cluster cannot have two daemons of a kind with one name."""
    known = kind_of(kind)
    return known.in_maps or known.in_service_map or known.named_by_host


def _one(host: str, hosts: Set[str]) -> str:
    return host if host in hosts else min(hosts)


def lines(found: Collection[Foreign]) -> List[str]:
    """Return what a health warning says of rows that run or would start, by daemon and host."""
    shown = [each for each in found if each.active]
    return [each.describe() for each in sorted(shown, key=lambda each: (each.daemon, each.host))]
