"""The tuned profiles that are wanted: one record per profile in the store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Tuple

from adapter.cluster.fields import Fields
from adapter.cluster.store import Store, Unusable, read_records
from adapter.cluster.tuned_settings import Settings, check_name, check_settings
from adapter.errors import UnknownName, UnreadableRecord
from adapter.interface import PlacementSpec, TunedProfileSpec

KIND = "tuned_profile"
# What is behind a profile's name in that of its file on hosts.
SUFFIX = "-ceph-orch-ansible.conf"
WRITES_ANEW = (
    "`ceph orch tuned-profile apply` writes it anew, `ceph orch tuned-profile rm` removes it."
)


@dataclass(frozen=True)
class TunedProfile:
    """Kernel settings, all texts, that the hosts of a placement shall have."""

    name: str
    placement: PlacementSpec
    settings: Settings

    def to_json(self) -> Dict[str, Any]:
        """Return the record."""
        return {
            "name": self.name,
            "placement": self.placement.to_json(),
            "settings": self.settings,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> TunedProfile:
        """Read what ``to_json`` wrote, or raise."""
        read = Fields(data)
        settings = check_settings(read.mapping("settings"))
        if not settings:
            raise Unusable("it has no settings")
        return cls(
            check_name(read.text("name")),
            PlacementSpec.from_json(dict(read.mapping("placement"))),
            settings,
        )

    def to_spec(self) -> TunedProfileSpec:
        """Return the profile as the interface has it."""
        placement = PlacementSpec.from_json(self.placement.to_json())
        return TunedProfileSpec(self.name, placement, dict(self.settings))


class TunedProfiles:
    """All tuned profiles. Callers hold the orchestrator's lock."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._profiles: Dict[str, TunedProfile] = {}
        self.problems: Dict[str, str] = {}
        self.serial = 0
        self.reload()

    def reload(self) -> None:
        """Read all records; one that cannot be used is named in ``problems`` and kept."""
        self._profiles, self.problems = read_records(self._store, KIND, _read)
        self.serial += 1

    def all(self) -> List[TunedProfile]:
        """Return the profiles by name."""
        return [self._profiles[name] for name in sorted(self._profiles)]

    def has(self, name: str) -> bool:
        """Tell whether there is a profile of this name, also one whose record cannot be used."""
        return name in self._profiles or name in self.problems

    def get(self, name: str) -> TunedProfile:
        """Return a profile; raises ``UnknownName``, ``UnreadableRecord``."""
        if name in self.problems:
            key = f"{KIND}.{name}"
            remedy = f"{self._store.shown_by(key)} shows it; {WRITES_ANEW}"
            raise UnreadableRecord(key, self.problems[name], remedy)
        if name not in self._profiles:
            raise UnknownName("tuned profile", name, "`ceph orch tuned-profile ls` lists them.")
        return self._profiles[name]

    def save(self, profile: TunedProfile) -> None:
        """Keep a profile; raises ``NotKept``."""
        self._store.set(f"{KIND}.{profile.name}", profile.to_json())
        self._profiles[profile.name] = profile
        self.problems.pop(profile.name, None)
        self.serial += 1

    def remove(self, name: str) -> None:
        """Forget a profile, readable or not; raises ``NotKept``, ``UnknownName``."""
        if name not in self.problems:
            self.get(name)
        self._store.set(f"{KIND}.{name}", None)
        self._profiles.pop(name, None)
        self.problems.pop(name, None)
        self.serial += 1


def _read(name: str, record: Mapping[str, Any]) -> TunedProfile:
    profile = TunedProfile.from_json(record)
    if profile.name != name:
        raise Unusable(f"it is the profile {profile.name}")
    return profile


def clashes(profiles: Mapping[str, Settings]) -> List[Tuple[str, str, str]]:
    """Return which settings two profiles of a host want otherwise: key, profile, who wins.

    The one whose file is read last wins: its name is the last in the order of their files' names.
    """
    found, winners = [], {}
    order = sorted(profiles, key=lambda name: f"{name}{SUFFIX}")
    for name in order:
        winners.update(dict.fromkeys(profiles[name], name))
    for name in order:
        for key, value in sorted(profiles[name].items()):
            winner = winners[key]
            if winner != name and profiles[winner][key] != value:
                found.append((key, name, winner))
    return found
