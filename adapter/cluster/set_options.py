"""Which options of the monitors' configuration were set from here: a record per service.

Only what stands here is ever removed again: what somebody else has set is left alone. A record is
written before an option is set, and an option goes out of it after it was removed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, FrozenSet, Iterable, List, Mapping, Tuple

from adapter.cluster.fields import Fields
from adapter.cluster.store import Store, Unusable, read_records

KIND = "settings"
# Section and option, as in ``("client.rgw.a", "rgw_zone")``.
Pair = Tuple[str, str]


@dataclass(frozen=True)
class ServiceSettings:
    """The options of a service that were set; ``changed`` is when last (epoch seconds)."""

    service: str
    options: FrozenSet[Pair] = frozenset()
    changed: float = 0.0

    def to_json(self) -> Dict[str, Any]:
        """Return the record."""
        sections: Dict[str, List[str]] = {}
        for section, option in sorted(self.options):
            sections.setdefault(section, []).append(option)
        return {"sections": sections, "changed": self.changed}

    @classmethod
    def from_json(cls, service: str, data: Mapping[str, Any]) -> ServiceSettings:
        """Read what ``to_json`` wrote, or raise ``Unusable``."""
        read = Fields(data)
        sections = Fields(read.mapping("sections"), "sections")
        pairs = {
            (section, option) for section in sections.others() for option in sections.texts(section)
        }
        if not all(section and option for section, option in pairs):
            raise Unusable("a section or an option has no name")
        return cls(service, frozenset(pairs), read.time("changed"))


@dataclass
class SetOptions:
    """The options that were set, by service. Callers hold the orchestrator's lock."""

    store: Store
    problems: Dict[str, str] = field(default_factory=dict)
    serial: int = 0
    # When the options of a service were changed last; another mapping after each change.
    changed: Mapping[str, float] = field(default_factory=dict)
    _all: Dict[str, ServiceSettings] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.reload()

    def reload(self) -> None:
        """Read all records; one that cannot be read is named in ``problems`` and kept."""
        self._all, self.problems = read_records(self.store, KIND, ServiceSettings.from_json)
        self._follow()

    def all(self) -> List[ServiceSettings]:
        """Return what was set, by service."""
        return [self._all[name] for name in sorted(self._all)]

    def get(self, service: str) -> ServiceSettings:
        """Return what was set for a service; nothing where nothing was."""
        return self._all.get(service) or ServiceSettings(service)

    def save(self, service: str, options: Iterable[Pair], changed: float) -> None:
        """Keep what is set for a service; raises ``NotKept``."""
        settings = ServiceSettings(service, frozenset(options), changed)
        if settings == self.get(service):
            return
        self.store.set(f"{KIND}.{service}", settings.to_json())
        self._all[service] = settings
        self.problems.pop(service, None)
        self._follow()

    def forget(self, service: str) -> None:
        """Drop a service of which nothing is left."""
        if service in self._all or service in self.problems:
            self.store.set(f"{KIND}.{service}", None)
            self._all.pop(service, None)
            self.problems.pop(service, None)
            self._follow()

    def _follow(self) -> None:
        self.serial += 1
        self.changed = {name: each.changed for name, each in self._all.items()}
