"""The services that are wanted: one record per service in the store.

A record is the spec as it was applied, when, and for drive groups which disks it may take: see
``OsdClaims``. Records that cannot be read are named in ``problems`` and never lost.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Dict, FrozenSet, List, Mapping, Optional, Tuple

from adapter.cluster.store import Store
from adapter.errors import UnknownName
from adapter.interface import OrchestratorError, ServiceSpec

KIND = "spec"


@dataclass(frozen=True)
class OsdClaims:
    """Which disks a drive group may take, each as ``host`` and a disk's key.

    ``only`` are the disks that were free when a spec with ``all`` was applied: later ones are
    nobody's choice and are left alone. ``released`` are disks whose OSD was removed since: they
    are taken again only when the spec is applied again.
    """

    only: Optional[FrozenSet[Tuple[str, str]]] = None
    released: FrozenSet[Tuple[str, str]] = frozenset()

    def allow(self, host: str, key: str) -> bool:
        """Tell whether the disk may be taken."""
        if (host, key) in self.released:
            return False
        return self.only is None or (host, key) in self.only

    def to_json(self) -> Dict[str, Any]:
        """Return the claims as JSON data."""
        return {
            "only": None if self.only is None else sorted(map(list, self.only)),
            "released": sorted(map(list, self.released)),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> OsdClaims:
        """Read what ``to_json`` wrote."""
        only = data.get("only")
        return cls(None if only is None else _pairs(only), _pairs(data.get("released") or ()))


def _pairs(rows: Any) -> FrozenSet[Tuple[str, str]]:
    return frozenset((str(host), str(key)) for host, key in rows)


@dataclass(frozen=True)
class Wanted:
    """A service that is wanted. Times are seconds since the epoch.

    ``deleted`` is when its removal was asked for: its daemons go, then the record. ``had`` is the
    largest number of daemons that it had since somebody applied it.
    """

    spec: ServiceSpec
    created: float = 0.0
    deleted: float = 0.0
    claims: OsdClaims = field(default_factory=OsdClaims)
    had: int = 0

    @property
    def name(self) -> str:
        """Return the service's name, e.g. ``osd.big-disks``."""
        return str(self.spec.service_name())

    def to_json(self) -> Dict[str, Any]:
        """Return the record."""
        spec = dict(self.spec.to_json())
        spec.pop("preview_only", None)
        if isinstance(spec.get("spec"), dict):
            spec["spec"] = {k: v for k, v in spec["spec"].items() if k != "preview_only"}
        record = {"spec": spec, "created": self.created, "claims": self.claims.to_json()}
        more = {"deleted": self.deleted, "had": self.had}
        return {**record, **{key: value for key, value in more.items() if value}}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Wanted:
        """Read what ``to_json`` wrote; raises what a wrong spec raises."""
        return cls(
            spec=ServiceSpec.from_json(dict(data["spec"])),
            created=float(data.get("created") or 0.0),
            deleted=float(data.get("deleted") or 0.0),
            claims=OsdClaims.from_json(data.get("claims") or {}),
            had=int(data.get("had") or 0),
        )


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
        wanted: Dict[str, Wanted] = {}
        problems: Dict[str, str] = {}
        for name, record in self._store.items(KIND).items():
            try:
                wanted[name] = Wanted.from_json(record)
            except (OrchestratorError, ValueError, KeyError, TypeError, AttributeError) as error:
                problems[name] = " ".join(str(error).split()) or type(error).__name__
        self._wanted, self.problems = wanted, problems
        self.serial += 1

    def all(self) -> List[Wanted]:
        """Return the services by name."""
        return [self._wanted[name] for name in sorted(self._wanted)]

    def find(self, name: str) -> Optional[Wanted]:
        """Return a service, or None."""
        return self._wanted.get(name)

    def get(self, name: str) -> Wanted:
        """Return a service; raises ``UnknownName``."""
        found = self._wanted.get(name)
        if found is None:
            raise UnknownName("service", name, "`ceph orch ls` shows those that there are.")
        return found

    def save(self, wanted: Wanted) -> None:
        """Keep a service."""
        self._store.set(f"{KIND}.{wanted.name}", wanted.to_json())
        self._wanted[wanted.name] = wanted
        self.serial += 1
        self.problems.pop(wanted.name, None)

    def remove(self, name: str) -> None:
        """Forget a service."""
        self._store.set(f"{KIND}.{name}", None)
        self._wanted.pop(name, None)
        self.serial += 1

    def release(self, host: str, keys: List[str]) -> None:
        """Let no drive group take these disks again by itself."""
        pairs = frozenset((host, key) for key in keys)
        for wanted in self.all():
            if wanted.spec.service_type == "osd" and not pairs <= wanted.claims.released:
                claims = replace(wanted.claims, released=wanted.claims.released | pairs)
                self.save(replace(wanted, claims=claims))
