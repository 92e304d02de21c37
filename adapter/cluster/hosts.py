"""The hosts under management, as the orchestrator remembers them."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import Any, Collection, Dict, List, Mapping, Optional, Sequence, Tuple

from adapter import names
from adapter.cluster.drains import Drain
from adapter.cluster.fields import Fields
from adapter.cluster.store import UNUSABLE, Records, Store, why_unusable
from adapter.engine.model import Target
from adapter.engine.ssh_files import check_key_line, check_target
from adapter.errors import UnknownName, UnreadableRecord, some_of

log = logging.getLogger(__name__)

KIND = "host"
MAINTENANCE = "maintenance"
WRITES_ANEW = (
    "`ceph orch host add NAME ADDR` writes it anew, `ceph orch host rm NAME --offline --force` "
    "removes it."
)


@dataclass(frozen=True)
class Host:
    """A host: what the operator said, and what was learnt when it was added.

    ``keys`` are the pinned ssh host keys (``type base64``). ``machine_id`` is
    ``/etc/machine-id`` there, ``python`` its interpreter. ``status`` is ``""`` or
    ``maintenance``; whether the host answers is not kept but seen (``adapter.cluster.liveness``).
    ``connection`` is ``ssh``, or ``local`` for the machine that the command itself runs on.
    ``spec_labels`` are those that its spec gave it: what a later one leaves out goes. ``added`` is
    when it was, in epoch seconds, and ``dropped_labels`` are those that were taken from it since.
    ``drain`` says that it is being emptied, or is empty, and what that did to its labels.
    """

    hostname: str
    addr: str
    labels: Tuple[str, ...] = ()
    status: str = ""
    keys: Tuple[str, ...] = ()
    machine_id: str = ""
    python: str = ""
    location: Optional[Mapping[str, str]] = None
    connection: str = "ssh"
    spec_labels: Tuple[str, ...] = ()
    added: float = 0.0
    dropped_labels: Tuple[str, ...] = ()
    drain: Optional[Drain] = None

    @property
    def is_draining(self) -> bool:
        """Tell whether the host is being emptied, and is not empty yet."""
        return self.drain is not None and not self.drain.done

    def without_labels(self, labels: Collection[str]) -> Host:
        """Return the host without these labels, and with the memory that they were taken."""
        dropped = [each for each in self.labels if each in labels]
        return replace(
            self,
            labels=tuple(each for each in self.labels if each not in labels),
            spec_labels=tuple(each for each in self.spec_labels if each not in labels),
            dropped_labels=tuple(dict.fromkeys([*self.dropped_labels, *dropped])),
            drain=self.drain.without_labels(labels) if self.drain else None,
        )

    def target(self, user: str, *, invoker: bool = False) -> Target:
        """Return how the engine reaches the host."""
        python = self.python or "/usr/bin/python3"
        return Target(
            name=self.hostname,
            addr=self.addr,
            user=user,
            python=python,
            connection=self.connection,
            invoker=invoker and self.connection == "ssh",
        )

    def to_record(self) -> Dict[str, Any]:
        """Return the record for the store."""
        record: Dict[str, Any] = {
            "hostname": self.hostname,
            "addr": self.addr,
            "labels": list(self.labels),
            "status": self.status,
            "keys": list(self.keys),
            "machine_id": self.machine_id,
            "python": self.python,
        }
        if self.location:
            record["location"] = dict(self.location)
        if self.connection != "ssh":
            record["connection"] = self.connection
        if self.spec_labels:
            record["spec_labels"] = list(self.spec_labels)
        if self.added:
            record["added"] = self.added
        if self.dropped_labels:
            record["dropped_labels"] = list(self.dropped_labels)
        if self.drain:
            record["drain"] = self.drain.to_json()
        return record

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Host:
        """Read a record, which a person may have edited; raises ``InvalidValue``, ``Unusable``."""
        hostname = names.check_hostname(record.get("hostname"))
        read = Fields(record)
        location, drain = read.mapping("location", {}), read.mapping("drain", None)
        host = cls(
            hostname=hostname,
            addr=names.check_address(read.text("addr", "") or hostname),
            labels=tuple(names.check_labels(read.texts("labels"))),
            status=read.choice("status", ("", MAINTENANCE), ""),
            keys=read.texts("keys"),
            machine_id=read.text("machine_id", ""),
            python=read.text("python", ""),
            location=dict(location) or None,
            connection=read.choice("connection", ("ssh", "local"), "ssh"),
            spec_labels=tuple(names.check_labels(read.texts("spec_labels"))),
            added=read.time("added"),
            dropped_labels=tuple(names.check_labels(read.texts("dropped_labels"))),
            drain=Drain.from_json(drain) if drain is not None else None,
        )
        check_target(host.target("root"))
        for key in host.keys:
            check_key_line(key)
        return host


class Hosts:
    """The registry: what the store holds, kept in memory.

    Callers hold the orchestrator's lock. ``reload`` notices what another program (a playbook run
    by hand, an editor) changed in the store. ``serial`` grows with every change.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.serial = 0
        self._hosts: Dict[str, Host] = {}
        self._records = Records()
        self.problems: Dict[str, str] = {}
        self.reload()

    def reload(self) -> bool:
        """Read the store again; tell whether anything changed.

        A record that cannot be used is left out, and named in ``problems``: its host is there, and
        nobody knows what it is like.
        """
        records, before = self._store.items(KIND), self._records
        if (records, records.unreadable) == (before, before.unreadable):
            return False
        self.serial += 1
        self._records = records
        self._hosts, self.problems = {}, dict(records.unreadable)
        for name, record in sorted(records.items()):
            try:
                host = Host.from_record(record)
            except UNUSABLE as error:
                self.problems[name] = why_unusable(error)
                continue
            if host.hostname == name:
                self._hosts[name] = host
            else:
                self.problems[name] = f"it is the record of host {host.hostname}"
        for name, reason in self.problems.items():
            log.error("host record %r is left out: %s", name, reason)
        return True

    def __len__(self) -> int:
        return len(self._hosts)

    def __contains__(self, hostname: object) -> bool:
        return hostname in self._hosts

    def all(self) -> List[Host]:
        """Return all hosts by name."""
        return list(self._hosts.values())

    def get(self, hostname: str) -> Host:
        """Return a host; raises ``UnknownName`` that says which there are.

        Raises ``UnreadableRecord`` for one whose record cannot be used.
        """
        self.check_readable(hostname)
        try:
            return self._hosts[hostname]
        except (KeyError, TypeError):
            known = some_of(self._hosts, 8) or "none yet"
            raise UnknownName("host", hostname, f"Known hosts: {known}.") from None

    def check_readable(self, hostname: str) -> None:
        """Raise ``UnreadableRecord`` for a host whose record cannot be used."""
        if isinstance(hostname, str) and hostname in self.problems:
            key = f"{KIND}.{hostname}"
            remedy = f"{self._store.shown_by(key)} shows it; {WRITES_ANEW}"
            raise UnreadableRecord(key, self.problems[hostname], remedy)

    def save(self, host: Host) -> Host:
        """Keep a host, new or changed; raises ``InvalidValue`` for what could not be read again."""
        record = host.to_record()
        Host.from_record(record)
        self._store.set(f"{KIND}.{host.hostname}", record)
        self.serial += 1
        self._records[host.hostname] = record
        self._records.unreadable.pop(host.hostname, None)
        self.problems.pop(host.hostname, None)
        self._hosts[host.hostname] = host
        self._hosts = dict(sorted(self._hosts.items()))
        return host

    def remove(self, hostname: str) -> None:
        """Forget a host."""
        self._store.set(f"{KIND}.{hostname}", None)
        self.serial += 1
        self._records.pop(hostname, None)
        self._records.unreadable.pop(hostname, None)
        self.problems.pop(hostname, None)
        self._hosts.pop(hostname, None)

    def with_labels(self, hostname: str, labels: Sequence[str]) -> Host:
        """Replace a host's labels and keep it."""
        return self.save(replace(self.get(hostname), labels=tuple(labels)))
