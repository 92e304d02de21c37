"""Which hosts lack what of their tuned profiles, and what is said of it."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Tuple

from adapter.cluster.health import Failure
from adapter.cluster.hosts import Hosts
from adapter.cluster.liveness import Liveness
from adapter.cluster.reports import Reports
from adapter.cluster.tuned_hosts import HostTuning, rests, wanted_by_host
from adapter.cluster.tuned_profiles import TunedProfiles, clashes
from adapter.cluster.tuned_settings import Settings, digest_of
from adapter.errors import some_of

OPERATION = "apply_tuned_profiles"
SHOWN = 10
Clash = Tuple[str, str, str]
Wanted = Dict[str, Dict[str, Settings]]


class Tuning:
    """Profiles held against what hosts have reported. Callers hold the orchestrator's lock."""

    def __init__(
        self, profiles: TunedProfiles, hosts: Hosts, reports: Reports, liveness: Liveness
    ) -> None:
        self._profiles, self._hosts = profiles, hosts
        self._reports, self._liveness = reports, liveness
        # Each as of the state that it was made of: it is looked at with every round of the loop.
        self._wanted: Tuple[Any, Wanted] = (None, {})
        self._lacks: Tuple[Any, Dict[str, List[str]]] = (None, {})
        self._lines: Tuple[Any, List[str]] = (None, [])

    def wanted(self) -> Wanted:
        """Return the profiles by host; nothing where a record of a profile cannot be used.

        Nobody knows then which hosts it selects, and none is to lose its settings.
        """
        state = (self._profiles.serial, self._hosts.serial)
        if self._wanted[0] != state:
            known = not self._profiles.problems
            found = wanted_by_host(self._profiles.all(), self._hosts.all()) if known else {}
            self._wanted = (state, found)
        return self._wanted[1]

    def lacks(self) -> Dict[str, List[str]]:
        """Return by host what is not as it shall be, whether it can be changed now or not."""
        state = (self._profiles.serial, self._hosts.serial, self._reports.serial)
        if self._lacks[0] != state:
            digests = {each.name: digest_of(each.settings) for each in self._profiles.all()}
            found = {}
            for host, profiles in self.wanted().items():
                tuning = HostTuning.of(self._reports.get(host))
                if tuning is not None:
                    found[host] = tuning.lacks({name: digests[name] for name in profiles})
            self._lacks = (state, {host: words for host, words in found.items() if words})
        return self._lacks[1]

    def resting(self) -> Dict[str, Tuple[List[str], str]]:
        """Return the hosts that are left as they are: what they lack, and why they are.

        Of one that has never said what it has it is not known, where it shall have something.
        """
        found = dict(self.lacks())
        for host, profiles in self.wanted().items():
            if profiles and HostTuning.of(self._reports.get(host)) is None:
                names = some_of(sorted(profiles), SHOWN)
                found[host] = [f"it has not said whether {names} is in force"]
        why = {host: self.rests(host) for host in sorted(found)}
        return {host: (found[host], reason) for host, reason in why.items() if reason}

    def rests(self, host: str) -> str:
        """Return why a host is left as it is, and what ends that; nothing where it is not."""
        if not self._liveness.online(host):
            return "the host is offline; it follows when the host answers"
        return rests(self._hosts.get(host))

    def lines(self, failures: Mapping[Tuple[str, str], Failure]) -> List[str]:
        """Return for `ceph health detail` what is not in force and why, and who wins over whom.

        ``failures`` are the last ones by operation and host.
        """
        failed = {
            host: each for (operation, host), each in failures.items() if operation == OPERATION
        }
        serials = (self._profiles.serial, self._hosts.serial, self._reports.serial)
        state = (serials, tuple(sorted(self._liveness.offline())), tuple(failed.values()))
        if self._lines[0] != state:
            found = [*self._not_in_force(failed), *self._clashes(), *self._later()]
            self._lines = (state, found)
        return self._lines[1]

    def _not_in_force(self, failed: Mapping[str, Failure]) -> List[str]:
        resting = self.resting()
        refusing = {
            host: (words, f"{failed[host].message} (ceph ansible job show {failed[host].job})")
            for host, words in self.lacks().items()
            if host in failed
        }
        return [
            f"host {host}: {'; '.join(words)}: {why}"
            for host, (words, why) in sorted({**refusing, **resting}.items())
        ]

    def clashes(self) -> Dict[Clash, List[str]]:
        """Return the hosts of each setting that two profiles want otherwise."""
        found: Dict[Clash, List[str]] = {}
        # Most hosts have the same profiles.
        known: Dict[Tuple[str, ...], List[Clash]] = {}
        for host, profiles in self.wanted().items():
            names = tuple(profiles)
            if names not in known:
                known[names] = clashes(profiles)
            for clash in known[names]:
                found.setdefault(clash, []).append(host)
        return found

    def _clashes(self) -> List[str]:
        return [words_of_clash(clash, hosts) for clash, hosts in sorted(self.clashes().items())]

    def _later(self) -> List[str]:
        found = []
        for host in self._hosts.all():
            tuning = HostTuning.of(self._reports.get(host.hostname))
            for key, (path, value) in sorted(tuning.later.items()) if tuning else ():
                if not self._is_otherwise(host.hostname, key, value):
                    continue
                found.append(
                    f"host {host.hostname}: {path} sets {key} = {value} and is read after the file "
                    "of a tuned profile: that holds after each start until the host has reported; "
                    "remove the setting from that file, or from the profile"
                )
        return found

    def _is_otherwise(self, host: str, key: str, value: str) -> bool:
        """Tell whether a profile sets a key to another value now; what is reported is older.

        Where a record of a profile cannot be used it may be.
        """
        given = [each[key] for each in self.wanted().get(host, {}).values() if key in each]
        return bool(self._profiles.problems) or any(each.split() != value.split() for each in given)


def words_of_clash(clash: Clash, hosts: List[str]) -> str:
    """Return a sentence about a setting that two profiles want otherwise on some hosts."""
    key, loser, winner = clash
    return (
        f"the tuned profiles {loser} and {winner} set {key} to different values on "
        f"{some_of(hosts, SHOWN)}: {winner} wins, for its file is read later, and the value of "
        f"{loser} was never tried. `ceph orch tuned-profile rm-setting {loser} {key}` ends that; "
        f"where it is the profile's only setting, `ceph orch tuned-profile rm {loser}`"
    )
