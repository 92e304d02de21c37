"""Daemons that were deployed from here: whose they are and what they got last, a record per host.

A daemon is written before the job that deploys it is asked for, so that one that comes up after
its manager has ended, or after its job has failed, is still known. What it got last is written when
it is there. It goes when the daemon is removed, and nothing of it is left.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Tuple

from adapter.cluster.fields import Fields
from adapter.cluster.store import Store, Unusable, read_records
from adapter.errors import UnreadableRecord, shown
from adapter.kinds import DAEMONS
from adapter.names import DAEMON_ID

KIND = "deployed"
REMEDY = "`ceph orch redeploy` of the host's services writes it anew once it is removed"
_NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True)
class Deployment:
    """A daemon of one host, which is known with it.

    ``service`` is the name of the spec that it was made for. ``ports`` and ``addr`` are what it was
    told to listen on. ``options`` are those of its own section of the monitors' configuration.
    ``digest`` stands for all that it got when it was configured last, at ``configured`` (seconds
    since the epoch); it is empty until then. ``found`` tells that it was there before
    anything of it was kept: its host was added with it. ``files`` stands for the files that it was
    given last, where it has any. ``rank`` is its number among the daemons of its service, -1 where
    they have none.
    """

    daemon_type: str
    daemon_id: str
    service: str
    ports: Tuple[int, ...] = ()
    addr: str = ""
    options: Tuple[str, ...] = ()
    digest: str = ""
    configured: float = 0.0
    found: bool = False
    files: str = ""
    rank: int = -1

    @property
    def daemon(self) -> str:
        """Return the daemon's name."""
        return f"{self.daemon_type}.{self.daemon_id}"

    def to_json(self) -> Dict[str, Any]:
        """Return its part of the record."""
        return {
            "daemon_type": self.daemon_type,
            "daemon_id": self.daemon_id,
            "service": self.service,
            "ports": list(self.ports),
            "addr": self.addr,
            "options": list(self.options),
            "digest": self.digest,
            "configured": self.configured,
            "found": self.found,
            **({"files": self.files} if self.files else {}),
            **({"rank": self.rank} if self.rank >= 0 else {}),
        }

    @classmethod
    def read(cls, read: Fields) -> Deployment:
        """Read what ``to_json`` wrote, or raise ``Unusable``."""
        found = cls(
            read.choice("daemon_type", DAEMONS),
            read.text("daemon_id", empty=False),
            read.text("service", empty=False),
            read.wholes("ports", most=65535),
            read.text("addr", ""),
            read.texts("options"),
            read.text("digest", ""),
            read.time("configured"),
            read.flag("found", False),
            read.text("files", ""),
            read.whole("rank", -1),
        )
        if not DAEMON_ID.fullmatch(found.daemon_id):
            raise Unusable(f"its daemon_id is {shown(found.daemon_id)}, which no daemon can have")
        return found


@dataclass
class Deployments:
    """All daemons that were deployed from here. Callers hold the orchestrator's lock."""

    store: Store
    problems: Dict[str, str] = field(default_factory=dict)
    serial: int = 0
    _hosts: Dict[str, Dict[str, Deployment]] = field(default_factory=dict)
    # By service, as of a serial: there can be very many daemons.
    _services: Tuple[int, Dict[str, List[Tuple[str, Deployment]]]] = (-1, {})

    def __post_init__(self) -> None:
        self.reload()

    def reload(self) -> None:
        """Read all records; one that cannot be read is named in ``problems`` and kept."""
        self._hosts, self.problems = read_records(self.store, KIND, _read)
        self.serial += 1

    def all(self) -> Iterator[Tuple[str, Deployment]]:
        """Yield all daemons, each with its host."""
        for host in sorted(self._hosts):
            for daemon in sorted(self._hosts[host]):
                yield host, self._hosts[host][daemon]

    def get(self, host: str, daemon: str) -> Optional[Deployment]:
        """Return what is known of a host's daemon (``mds.a.h1.abcdef``), or None."""
        return self._hosts.get(host, {}).get(daemon)

    def of_host(self, host: str) -> Mapping[str, Deployment]:
        """Return a host's daemons by name: another mapping after each change, never changed."""
        return self._hosts.get(host, _NOTHING)

    def of_service(self, service: str) -> List[Tuple[str, Deployment]]:
        """Return the daemons that were made for a service, each with its host."""
        if self._services[0] != self.serial:
            found: Dict[str, List[Tuple[str, Deployment]]] = {}
            for host, each in self.all():
                found.setdefault(each.service, []).append((host, each))
            self._services = (self.serial, found)
        return list(self._services[1].get(service, ()))

    def check_readable(self, host: str) -> None:
        """Raise ``UnreadableRecord`` where nobody knows what was deployed on a host."""
        if host in self.problems:
            key = f"{KIND}.{host}"
            remedy = f"{self.store.shown_by(key)} shows it; {REMEDY}."
            raise UnreadableRecord(key, self.problems[host], remedy)

    def save(self, host: str, daemons: Iterable[Deployment]) -> None:
        """Keep what a host's daemons are and got; raises ``UnreadableRecord``, ``NotKept``."""
        known = self._hosts.get(host, {})
        self._write(host, {**known, **{each.daemon: each for each in daemons}})

    def configured(self, host: str, daemon: str, digest: str, when: float, files: str = "") -> None:
        """Keep that a daemon has what ``digest`` and ``files`` stand for, if it is known."""
        known = self.get(host, daemon)
        if known is not None:
            self.save(host, [replace(known, digest=digest, configured=when, files=files)])

    def forget(self, host: str, daemons: Iterable[str]) -> None:
        """Drop daemons that are gone, with all that was theirs."""
        known, gone = self._hosts.get(host, {}), set(daemons)
        self._write(host, {name: each for name, each in known.items() if name not in gone})

    def forget_host(self, host: str) -> None:
        """Drop all daemons of a host that is managed no more, readable or not."""
        if host in self._hosts or host in self.problems:
            self.store.set(f"{KIND}.{host}", None)
            self._hosts.pop(host, None)
            self.problems.pop(host, None)
            self.serial += 1

    def _write(self, host: str, daemons: Dict[str, Deployment]) -> None:
        if daemons == self._hosts.get(host, {}):
            return
        self.check_readable(host)
        rows = [daemons[name].to_json() for name in sorted(daemons)]
        self.store.set(f"{KIND}.{host}", {"daemons": rows} if rows else None)
        if daemons:
            self._hosts[host] = daemons
        else:
            self._hosts.pop(host, None)
        self.serial += 1


def _read(host: str, record: Mapping[str, Any]) -> Dict[str, Deployment]:
    rows = Fields(record).rows("daemons", Deployment.read)
    return {each.daemon: each for each in rows}
