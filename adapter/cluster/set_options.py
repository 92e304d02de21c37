"""Which options of the monitors' configuration were set from here: a record per service.

Only what stands here is ever removed again: what somebody else has set is left alone. Where an
option had a value before it was set from here for the first time, the record keeps it, and it is
put back in place of the removal; it may be a password, and is shown nowhere. A record is written
before an option is set, and an option goes out of it after it was removed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Collection, Dict, FrozenSet, Iterable, List, Mapping, Tuple

from adapter.cluster.fields import TEXT_LENGTH, Fields
from adapter.cluster.store import Store, Unusable, read_records
from adapter.errors import shown

KIND = "settings"
# Section and option, as in ``("client.rgw.a", "rgw_zone")``.
Pair = Tuple[str, str]


@dataclass(frozen=True)
class ServiceSettings:
    """The options of a service that were set; ``changed`` is when last (epoch seconds).

    ``before`` has the values that somebody else had given to some of them.
    """

    service: str
    options: FrozenSet[Pair] = frozenset()
    changed: float = 0.0
    before: Mapping[Pair, str] = field(default_factory=dict, repr=False)

    def to_json(self) -> Dict[str, Any]:
        """Return the record."""
        sections: Dict[str, List[str]] = {}
        for section, option in sorted(self.options):
            sections.setdefault(section, []).append(option)
        record = {"sections": sections, "changed": self.changed}
        before: Dict[str, Dict[str, str]] = {}
        for (section, option), value in sorted(self.before.items()):
            before.setdefault(section, {})[option] = value
        return {**record, "before": before} if before else record

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
        before = _read_before(data.get("before"), pairs)
        return cls(service, frozenset(pairs), read.time("changed"), before)


def _read_before(rows: Any, pairs: Collection[Pair]) -> Dict[Pair, str]:
    """Return the values that options had before; no message shows one: it may be a password."""
    if rows is None:
        return {}
    if not isinstance(rows, Mapping) or not all(
        isinstance(each, Mapping) for each in rows.values()
    ):
        raise Unusable("its before is not a mapping of sections to options")
    found = {
        (section, option): rows[section][option] for section in rows for option in rows[section]
    }
    for (section, option), value in found.items():
        name = f"{shown(option)} of {shown(section)}"
        if (section, option) not in pairs:
            raise Unusable(f"its before names {name}, which its sections do not name")
        if not isinstance(value, str) or len(value) > TEXT_LENGTH:
            raise Unusable(
                f"its before of {name} is not a text of at most {TEXT_LENGTH} characters"
            )
    return found


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

    def set_for_others(self, service: str) -> FrozenSet[Pair]:
        """Return what was set for all services but this one."""
        others = (each.options for name, each in self._all.items() if name != service)
        return frozenset().union(*others)

    def save(
        self,
        service: str,
        options: Iterable[Pair],
        changed: float,
        before: Mapping[Pair, str] = MappingProxyType({}),
    ) -> None:
        """Keep what is set for a service, and what was there before; raises ``NotKept``."""
        pairs = frozenset(options)
        kept = {pair: value for pair, value in before.items() if pair in pairs}
        settings = ServiceSettings(service, pairs, changed, kept)
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
