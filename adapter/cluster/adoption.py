"""What adoption proposes: hosts, services, and what is left alone, as data and as a file of specs.

The file is one that `ceph orch apply -i` and `orch-ansible apply -i` take; all that is said beside
the specs is a comment in it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass, field
from typing import Any, Dict, List, Sequence, Tuple

import yaml

from adapter.cluster.adoption_hosts import LeftOut
from adapter.cluster.report_rows import text
from adapter.tables import table

# What becomes of a daemon's service: a spec of it is written, or one is kept, or it has none.
WRITTEN, UNMANAGED, KEPT, NONE = "written", "written, unmanaged", "kept already", "none"
_HEAD = ("HOST", "DAEMON", "STATE", "SERVICE", "SPEC")


@dataclass(frozen=True)
class ProposedHost:
    """A host to be added; ``keys`` are the ssh host keys that it showed."""

    hostname: str
    addr: str
    labels: Tuple[str, ...] = ()
    keys: Tuple[str, ...] = ()
    notes: Tuple[str, ...] = ()

    def to_spec(self) -> Dict[str, Any]:
        """Return the document that adds it."""
        spec: Dict[str, Any] = {"service_type": "host", "hostname": self.hostname}
        spec["addr"] = self.addr
        return {**spec, "labels": list(self.labels)} if self.labels else spec


@dataclass(frozen=True)
class ProposedService:
    """A service as it runs; ``held`` says what managing it would change, empty for nothing."""

    name: str
    spec: Dict[str, Any]
    held: str = ""

    def to_spec(self) -> Dict[str, Any]:
        """Return the document that keeps it."""
        return {**self.spec, "unmanaged": True} if self.held else self.spec


@dataclass(frozen=True)
class DaemonRow:
    """A daemon that a host runs, and whose it is; ``service`` is empty for nobody's."""

    host: str
    daemon: str
    state: str
    unit: str
    service: str = ""
    spec: str = NONE

    def to_json(self) -> Dict[str, str]:
        """Return the row as data."""
        return dict(vars(self))


@dataclass(frozen=True)
class Proposal:
    """Everything that adoption proposes. Nothing of it is kept anywhere."""

    cluster: str
    hosts: Tuple[ProposedHost, ...] = ()
    services: Tuple[ProposedService, ...] = ()
    daemons: Tuple[DaemonRow, ...] = ()
    left_out: Tuple[LeftOut, ...] = ()
    managed: Tuple[str, ...] = ()
    notes: Tuple[str, ...] = field(default=())

    def to_json(self) -> Dict[str, Any]:
        """Return all of it as data."""
        return {
            "cluster": self.cluster,
            "specs": [
                *(each.to_spec() for each in self.hosts),
                *(each.to_spec() for each in self.services),
            ],
            "host_keys": {each.hostname: list(each.keys) for each in self.hosts},
            "managed_hosts": list(self.managed),
            "daemons": [each.to_json() for each in self.daemons],
            "unmanaged": {each.name: each.held for each in self.services if each.held},
            "left_alone": [
                {"what": each.what, "host": each.host, "why": each.why} for each in self.left_out
            ],
            "notes": list(self.notes),
        }

    def to_file(self, apply: str, check: str) -> str:
        """Return the file of specs; ``apply`` takes it, ``check`` shows what it does."""
        parts = [_commented(self._head(apply, check))]
        for host in self.hosts:
            keys = [
                f"ssh host key {fingerprint(key)}, pinned when it is applied" for key in host.keys
            ]
            parts.append(_document(host.to_spec(), [*host.notes, *keys]))
        for service in self.services:
            words = [f"unmanaged; a managed service would {service.held}"]
            parts.append(_document(service.to_spec(), words if service.held else []))
        return "".join(parts)

    def _head(self, apply: str, check: str) -> List[str]:
        lines = [
            f"Adoption of cluster {self.cluster}: {len(self.hosts)} host(s), "
            f"{len(self.services)} service(s). Nothing has been changed, and nothing is kept.",
        ]
        if self.hosts or self.services:
            lines += [f"`{check}` shows what it would do, `{apply}` takes it over."]
        else:
            lines += ["There is nothing to be taken over."]
        if self.managed:
            lines += ["", f"Managed already: {', '.join(self.managed)}."]
        if self.daemons:
            rows = [
                (each.host, each.daemon, each.state, each.service or "nobody's", each.spec)
                for each in self.daemons
            ]
            lines += ["", "What runs, and whose it is:", *table(_HEAD, rows).splitlines()]
        if self.left_out:
            lines += ["", "Left alone:"]
            lines += _by_reason(self.left_out)
        if self.notes:
            lines += ["", "Note:", *self.notes]
        return lines


def _by_reason(left_out: Sequence[LeftOut]) -> List[str]:
    """Return a line for each reason, with all that it holds for."""
    found: Dict[str, List[str]] = {}
    for each in left_out:
        found.setdefault(each.why, []).append(_where(each))
    return [f"{', '.join(named)}: {why}" for why, named in found.items()]


def _where(left: LeftOut) -> str:
    return f"{left.what} on {left.host}" if left.host else left.what


def _commented(lines: List[str]) -> str:
    return "".join(f"# {text(line, 2000)}".rstrip() + "\n" for line in lines)


def _document(spec: Dict[str, Any], comments: List[str]) -> str:
    dumped = yaml.safe_dump(spec, sort_keys=False, default_flow_style=False)
    return f"---\n{_commented(comments)}{dumped}"


def fingerprint(key: str) -> str:
    """Return an ssh host key as `ssh-keygen -l` shows it."""
    kind, _, blob = key.partition(" ")
    try:
        digest = hashlib.sha256(base64.b64decode(blob, validate=True)).digest()
    except (binascii.Error, ValueError):
        return f"{kind} (not readable)"
    return f"{kind} SHA256:{base64.b64encode(digest).decode('ascii').rstrip('=')}"
