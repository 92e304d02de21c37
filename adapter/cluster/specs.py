"""The services that are wanted: one record per service in the store.

A record is the spec as it was applied, when, and for drive groups which disks it may take: see
``OsdClaims``. Records that cannot be read are named in ``problems`` and never lost.
"""

from __future__ import annotations

import copy
import functools
import secrets
import string
from dataclasses import dataclass, field, replace
from typing import Any, Dict, FrozenSet, Iterable, List, Mapping, Optional, Tuple

from adapter.cluster.fields import Fields, are_texts
from adapter.cluster.store import Store, Unusable, read_records
from adapter.errors import UnknownName, UnreadableRecord
from adapter.interface import ServiceSpec
from adapter.kinds import kind_of

KIND = "spec"
# As many as a password of VRRP has.
PASSWORD_LENGTH = 8
_LETTERS = string.ascii_letters + string.digits
WRITES_ANEW = (
    "`ceph orch apply` of this service writes it anew, `ceph orch rm` of it removes the record and "
    "leaves its daemons."
)


@dataclass(frozen=True)
class OsdClaims:
    """Which disks a drive group may take, each as ``host`` and a disk's key.

    In a record they stand by host: the host's name once, then its disks. ``only`` are the disks
    that were free when a spec with ``all`` was applied: later ones are
    nobody's choice and are left alone. ``unheard`` are hosts that had not said then which disks
    they have: those that are free in their first report are added. ``released`` are disks whose
    OSD was removed since: they are taken again only when the spec is applied again.
    """

    only: Optional[FrozenSet[Tuple[str, str]]] = None
    released: FrozenSet[Tuple[str, str]] = frozenset()
    unheard: FrozenSet[str] = frozenset()

    @functools.cached_property
    def _short(self) -> FrozenSet[Tuple[str, str]]:
        return frozenset((host.partition(".")[0], key) for host, key in self.released)

    def is_released(self, host: str, key: str) -> bool:
        """Tell whether a disk's OSD was removed since, also where its host has its long name now.

        Disks of virtual machines have the same names on all of them: the name of a disk alone
        says nothing.
        """
        return (host.partition(".")[0], key) in self._short

    def allow(self, host: str, key: str) -> bool:
        """Tell whether the disk may be taken."""
        if self.is_released(host, key):
            return False
        return self.only is None or (host, key) in self.only

    def to_json(self) -> Dict[str, Any]:
        """Return the claims as JSON data."""
        record = {
            "only": None if self.only is None else _by_host(self.only),
            "released": _by_host(self.released),
        }
        return {**record, "unheard": sorted(self.unheard)} if self.unheard else record

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> OsdClaims:
        """Read what ``to_json`` wrote, or raise."""
        only, released = data.get("only"), data.get("released")
        unheard = data.get("unheard") or []
        if not are_texts(unheard):
            raise Unusable("the hosts that had not said which disks they have are not texts")
        return cls(
            None if only is None else _pairs(only),
            frozenset() if released is None else _pairs(released),
            frozenset(unheard),
        )

    def heard(self, host: str, keys: Iterable[str]) -> OsdClaims:
        """Return the claims when a host has said which of its disks are free."""
        only = (self.only or frozenset()) | {(host, key) for key in keys}
        return replace(self, only=only, unheard=self.unheard - {host})

    def without(self, hostname: str) -> OsdClaims:
        """Return the claims when a host is removed: one of that name that comes has no claim."""
        only = self.only and frozenset(pair for pair in self.only if pair[0] != hostname)
        return replace(self, only=only, unheard=self.unheard - {hostname})


# With 24,000 disks it takes a fifth of a second, and one disk that is released changes one of two.
@functools.lru_cache(maxsize=8)
def _by_host(pairs: FrozenSet[Tuple[str, str]]) -> Dict[str, List[str]]:
    """Return the disks by host; it is shared and not to be changed."""
    found: Dict[str, List[str]] = {}
    for host, key in sorted(pairs):
        found.setdefault(host, []).append(key)
    return found


def _pairs(rows: Any) -> FrozenSet[Tuple[str, str]]:
    """Read the disks by host, or as pairs of host and disk, as they stood there before."""
    if isinstance(rows, dict):
        if not all(map(are_texts, rows.values())):
            raise Unusable("the disks of a host are not a list of texts")
        return frozenset((str(host), key) for host, keys in rows.items() for key in keys)
    if not isinstance(rows, list) or not all(are_texts(row) and len(row) == 2 for row in rows):
        raise Unusable("its claims are neither disks by host nor pairs of host and disk")
    return frozenset((host, key) for host, key in rows)


@dataclass(frozen=True)
class Wanted:
    """A service that is wanted. Times are seconds since the epoch.

    ``deleted`` is when its removal was asked for: its daemons go, then the record. ``had`` is the
    largest number of daemons that it had since somebody applied it. ``applied`` is when that was
    last, ``created`` when it was first. ``made`` are passwords that were made for it once, by the
    field of the spec that may name another one.
    """

    spec: ServiceSpec
    created: float = 0.0
    deleted: float = 0.0
    claims: OsdClaims = field(default_factory=OsdClaims)
    had: int = 0
    applied: float = 0.0
    made: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def asked(self) -> float:
        """Return when somebody asked for it last."""
        return self.applied or self.created

    @property
    def name(self) -> str:
        """Return the service's name, e.g. ``osd.big-disks``."""
        return str(self.spec.service_name())

    def whole_spec(self) -> ServiceSpec:
        """Return the spec with the passwords that were made where it names none."""
        left = {name: text for name, text in self.made.items() if not getattr(self.spec, name)}
        if not left:
            return self.spec
        spec = copy.copy(self.spec)
        for name, text in left.items():
            setattr(spec, name, text)
        return spec

    def to_json(self) -> Dict[str, Any]:
        """Return the record."""
        spec = dict(self.spec.to_json())
        spec.pop("preview_only", None)
        if isinstance(spec.get("spec"), dict):
            spec["spec"] = {k: v for k, v in spec["spec"].items() if k != "preview_only"}
        record = {"spec": spec, "created": self.created, "claims": self.claims.to_json()}
        more: Dict[str, Any] = {"deleted": self.deleted, "had": self.had, "applied": self.applied}
        more["made"] = dict(self.made)
        return {**record, **{key: value for key, value in more.items() if value}}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Wanted:
        """Read what ``to_json`` wrote; raises what a wrong spec raises."""
        read = Fields(data)
        return cls(
            spec=ServiceSpec.from_json(dict(read.mapping("spec"))),
            created=read.time("created"),
            deleted=read.time("deleted"),
            claims=OsdClaims.from_json(read.mapping("claims", {})),
            had=read.whole("had", 0),
            applied=read.time("applied"),
            made=_read_made(read),
        )


def _read_made(read: Fields) -> Dict[str, str]:
    made = dict(read.mapping("made", {}))
    if not are_texts([*made, *made.values()]):
        raise Unusable("the passwords that were made for it are no texts")
    return made


def _password() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(PASSWORD_LENGTH))


def same_spec(one: ServiceSpec, other: ServiceSpec) -> bool:
    """Tell whether two specs want the same; that one is for a preview does not matter."""
    return bool(Wanted(one).to_json()["spec"] == Wanted(other).to_json()["spec"])


def _read(name: str, record: Mapping[str, Any]) -> Wanted:
    wanted = Wanted.from_json(record)
    if wanted.name != name:
        raise Unusable(f"it is the specification of {wanted.name}")
    return wanted


class Specs:
    """All wanted services. Callers hold the orchestrator's lock."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._wanted: Dict[str, Wanted] = {}
        self.problems: Dict[str, str] = {}
        self.serial = 0
        self.reload()

    def reload(self) -> None:
        """Read all records."""
        self._wanted, self.problems = read_records(self._store, KIND, _read)
        self.serial += 1

    def all(self) -> List[Wanted]:
        """Return the services by name."""
        return [self._wanted[name] for name in sorted(self._wanted)]

    def in_turn(self) -> List[Wanted]:
        """Return the services in the order in which they were applied first."""
        return sorted(self._wanted.values(), key=lambda wanted: (wanted.created, wanted.name))

    def find(self, name: str) -> Optional[Wanted]:
        """Return a service, or None."""
        return self._wanted.get(name)

    def get(self, name: str) -> Wanted:
        """Return a service; raises ``UnknownName``, ``UnreadableRecord``."""
        self.check_readable(name)
        found = self._wanted.get(name)
        if found is None:
            raise UnknownName("service", name, "`ceph orch ls` lists the services.")
        return found

    def check_readable(self, name: str) -> None:
        """Raise ``UnreadableRecord`` for a service whose record cannot be used."""
        if name in self.problems:
            key = f"{KIND}.{name}"
            remedy = f"{self._store.shown_by(key)} shows it; {WRITES_ANEW}"
            raise UnreadableRecord(key, self.problems[name], remedy)

    def save(self, wanted: Wanted) -> None:
        """Keep a service, with passwords that are made once where its spec names none."""
        before = self._wanted.get(wanted.name)
        made = {**(before.made if before is not None else {}), **wanted.made}
        for name in kind_of(wanted.spec.service_type).generated:
            made.setdefault(name, _password())
        if made:
            wanted = replace(wanted, made=made)
        self._store.set(f"{KIND}.{wanted.name}", wanted.to_json())
        self._wanted[wanted.name] = wanted
        self.serial += 1
        self.problems.pop(wanted.name, None)

    def remove(self, name: str) -> None:
        """Forget a service."""
        self._store.set(f"{KIND}.{name}", None)
        self._wanted.pop(name, None)
        self.problems.pop(name, None)
        self.serial += 1

    def check_release(self) -> None:
        """Raise ``UnreadableRecord`` where a drive group cannot be told that disks are not its own.

        When its record can be used again, it would take them.
        """
        for name in self.problems:
            if name == "osd" or name.startswith("osd."):
                self.check_readable(name)

    def release(self, host: str, keys: List[str]) -> None:
        """Let no drive group take these disks again by itself; raises as ``check_release``."""
        self.check_release()
        pairs = frozenset((host, key) for key in keys)
        for wanted in self.all():
            if wanted.spec.service_type == "osd" and not pairs <= wanted.claims.released:
                claims = replace(wanted.claims, released=wanted.claims.released | pairs)
                self.save(replace(wanted, claims=claims))

    def forget_host(self, hostname: str) -> List[str]:
        """Let drive groups with ``all`` take no disk of a host that is removed; name them."""
        found = []
        for wanted in self.all():
            claims = wanted.claims.without(hostname)
            if claims != wanted.claims:
                self.save(replace(wanted, claims=claims))
                found.append(wanted.name)
        return sorted(found)
