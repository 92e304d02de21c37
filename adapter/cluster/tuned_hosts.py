"""What hosts have of tuned profiles against what they shall have. Hosts are not trusted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from adapter.cluster.hosts import MAINTENANCE, Host
from adapter.cluster.reports import HostReport
from adapter.cluster.schedule import NO_SCHEDULE
from adapter.cluster.tuned_profiles import TunedProfile
from adapter.cluster.tuned_settings import Settings
from adapter.cluster.views import host_spec
from adapter.errors import some_of
from adapter.interface import HostSpec

SHOWN = 10
_NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True)
class HostTuning:
    """What a host said of its profiles.

    ``profiles`` are digests by name, ``off`` settings that the kernel has otherwise and what it
    has, ``left`` settings that are not put back yet, ``later`` by setting a file of somebody else
    that is read later, and its value; ``error`` is why its memory cannot be used.
    """

    profiles: Mapping[str, str]
    off: Mapping[str, str]
    left: Tuple[str, ...] = ()
    later: Mapping[str, Tuple[str, str]] = field(default_factory=dict)
    error: str = ""

    @classmethod
    def of(cls, report: Optional[HostReport]) -> Optional[HostTuning]:
        """Return what a report says; None where it says nothing."""
        if report is None or "tuned" not in report.identity:
            return None
        said = report.identity["tuned"]
        said = said if isinstance(said, Mapping) else _NOTHING
        left = said.get("left")
        later = {
            key: (str(each[0]), str(each[1]))
            for key, each in _mapping(said.get("later")).items()
            if isinstance(each, list) and len(each) == 2
        }
        return cls(
            {key: str(value) for key, value in _mapping(said.get("profiles")).items()},
            {key: str(value) for key, value in _mapping(said.get("off")).items()},
            tuple(map(str, left)) if isinstance(left, list) else (),
            later,
            str(said.get("error") or ""),
        )

    def lacks(self, wanted: Mapping[str, str]) -> List[str]:
        """Return in words what is not as it shall be; ``wanted`` are digests by profile."""
        found = [
            f"the tuned profile {name} is not in force"
            for name, digest in sorted(wanted.items())
            if self.profiles.get(name) != digest
        ]
        gone = sorted(set(self.profiles) - set(wanted))
        found += [f"the tuned profile {name} is still there" for name in gone]
        if not found and self.off:
            values = [f"{key} = {value}" for key, value in sorted(self.off.items())]
            found.append(f"the kernel has {some_of(values, SHOWN)}, not what tuned profiles say")
        if not found and self.left:
            found.append(f"{some_of(self.left, SHOWN)} is not put back")
        if not found and self.error:
            found.append(self.error)
        return found


def _mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        return _NOTHING
    return {key: each for key, each in value.items() if isinstance(key, str)}


def hosts_of(profile: TunedProfile, hosts: Sequence[Host]) -> List[str]:
    """Return the hosts that a profile's placement selects, whatever state they are in."""
    return profile.placement.filter_matching_hostspecs(_specs(hosts))


def _specs(hosts: Sequence[Host]) -> List[HostSpec]:
    return [host_spec(host, True) for host in hosts]


def wanted_by_host(
    profiles: Iterable[TunedProfile], hosts: Sequence[Host]
) -> Dict[str, Dict[str, Settings]]:
    """Return by host the profiles that it shall have, each with its settings."""
    found: Dict[str, Dict[str, Settings]] = {host.hostname: {} for host in hosts}
    specs = _specs(hosts)
    for profile in profiles:
        for name in profile.placement.filter_matching_hostspecs(specs):
            found[name][profile.name] = profile.settings
    return found


def rests(host: Host) -> str:
    """Return why nothing is changed on a host, and what ends that; nothing where it may be."""
    if host.status == MAINTENANCE:
        return "the host is in maintenance; `ceph orch host maintenance exit` ends it"
    if NO_SCHEDULE in host.labels:
        return f"the host is drained (label {NO_SCHEDULE}); it follows when the label is taken off"
    return ""
