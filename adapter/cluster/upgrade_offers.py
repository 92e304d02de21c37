"""What a cluster could be upgraded to, and what speaks against it on which host. Pure functions.

There are no images: versions are those that the hosts' own package repositories have. A host
without any package of Ceph has no part in it.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence

from adapter.cluster.packages import HostPackages, newest_first, number, upstream
from adapter.errors import some_of

IMAGE, REGISTRY = "packages", "the hosts' package repositories"
SHOWN = 10


@dataclass(frozen=True)
class Running:
    """A daemon with the version that it runs; empty where nobody knows."""

    name: str
    host: str
    version: str


@dataclass(frozen=True)
class Seen:
    """What is known of a host's packages, and since when; None where it has never reported any.

    ``away`` says why it does not answer now, ``resting`` that it is in maintenance.
    """

    packages: Optional[HostPackages] = None
    taken: float = 0.0
    away: str = ""
    resting: bool = False

    @property
    def counts(self) -> bool:
        """Tell whether the host has packages of Ceph, or nobody knows."""
        return self.packages is None or bool(self.packages.installed or self.packages.problem)


def with_ceph(hosts: Mapping[str, Seen]) -> Dict[str, Seen]:
    """Return the hosts that an upgrade is about, by name."""
    return {name: seen for name, seen in sorted(hosts.items()) if seen.counts}


def listing(
    hosts: Mapping[str, Seen], daemons: Iterable[Running], tags: bool, everything: bool
) -> Dict[str, Any]:
    """Return the versions that all hosts are offered, the newest first, and where hosts differ.

    Those of Ceph, with ``tags`` those of the packages. Only what is newer than the oldest version
    that is installed or runs, unless ``everything`` is wanted.
    """
    own = with_ceph(hosts)
    known = {name: seen.packages for name, seen in own.items() if seen.packages is not None}
    oldest = _oldest(known.values(), daemons)
    offered = newest_first([each for found in known.values() for each in found.versions])
    wanted = [each for each in offered if everything or number(each) > number(oldest)]
    on_all = [each for each in wanted if not any(found.lacking(each) for found in known.values())]
    answer: Dict[str, Any] = {
        "image": IMAGE,
        "registry": REGISTRY,
        "bare_image": IMAGE,
        "versions": on_all,
        "hosts": {name: _host_row(found) for name, found in known.items()},
        "not_on_all_hosts": {each: _lacks(known, each) for each in wanted if each not in on_all},
        "unknown": {name: why for name, seen in own.items() for why in [_unknown(seen)] if why},
    }
    if tags:
        answer["tags"] = [tag for each in on_all for tag in _package_versions(known, each)]
        del answer["versions"]
    return answer


def _oldest(known: Iterable[HostPackages], daemons: Iterable[Running]) -> str:
    on_disk = [version for each in known for version in each.on_disk]
    running = [upstream(each.version) for each in daemons]
    return (newest_first([*on_disk, *running]) or [""])[-1]


def _host_row(found: HostPackages) -> Dict[str, Any]:
    return {
        "on_disk": found.installed_versions,
        "offered": found.complete(),
        "lists_read": moment(found.lists_read),
    }


def _lacks(known: Mapping[str, HostPackages], target: str) -> Dict[str, str]:
    words = ((name, words_of_lack(found, target)) for name, found in known.items())
    return {name: each for name, each in words if each}


def words_of_lack(found: HostPackages, target: str) -> str:
    """Return what a host's repositories lack of a version, nothing where they have all of it."""
    lacking = found.lacking(target)
    if not lacking:
        return ""
    if len(lacking) == len(found.installed):
        return f"no repository there has {target}"
    return f"the repositories there have {target}, but not of {some_of(lacking, SHOWN)}"


def _package_versions(known: Mapping[str, HostPackages], target: str) -> List[str]:
    """Return the package versions that hosts would get, each once."""
    found = (version for each in known.values() for version in each.having(target).values())
    return list(dict.fromkeys(found))


def _unknown(seen: Seen) -> str:
    if seen.packages is None:
        return "no report of packages yet"
    return seen.packages.problem


def comparison(
    hosts: Mapping[str, Seen], daemons: Iterable[Running], target: str
) -> Dict[str, Any]:
    """Return which daemons a target would change, and what speaks against it, host by host.

    The keys are cephadm's as far as it has them. A daemon is up to date when it runs the target's
    version; what is installed is said beside it (``current_name``, ``current_id``).
    """
    own = with_ceph(hosts)
    known = {name: seen.packages for name, seen in own.items() if seen.packages is not None}
    version = upstream(target)
    needs: Dict[str, Dict[str, Any]] = {}
    done: List[str] = []
    for daemon in sorted(daemons, key=lambda each: each.name):
        if upstream(daemon.version) == version:
            done.append(daemon.name)
            continue
        packages = known.get(daemon.host, HostPackages())
        needs[daemon.name] = {
            "current_name": ", ".join(packages.installed_versions) or None,
            "current_id": ", ".join(packages.on_disk) or None,
            "current_version": daemon.version or None,
        }
    would = _package_versions(known, target)
    return {
        "target_name": f"{version} (packages {', '.join(would)})" if would else version,
        "target_id": ", ".join(would) or None,
        "target_version": version,
        "needs_update": needs,
        "up_to_date": done,
        "non_ceph_image_daemons": [],
        "hosts": {name: _compared(found, target) for name, found in known.items()},
        "obstacles": obstacles(own, target),
    }


def _compared(found: HostPackages, target: str) -> Dict[str, Any]:
    return {
        "on_disk": found.installed_versions,
        "would_get": sorted(dict.fromkeys(found.having(target).values())),
        "lacking": found.lacking(target),
        "held": list(found.held),
        "unfinished": dict(found.unfinished),
        "lists_read": moment(found.lists_read),
    }


def obstacles(own: Mapping[str, Seen], target: str) -> List[str]:
    """Return what speaks against an upgrade of hosts, a sentence for each reason with its hosts."""
    found: Dict[str, List[str]] = {}
    for name, seen in own.items():
        for reason in _reasons(seen, target):
            found.setdefault(reason, []).append(name)
    lines = [f"{some_of(names, SHOWN)}: {reason}" for reason, names in found.items()]
    return [*lines, *_differences(own, target)]


def _reasons(seen: Seen, target: str) -> List[str]:
    found = []
    if seen.away:
        found.append(f"no answer ({seen.away.rstrip('.')})")
    if seen.resting:
        found.append("in maintenance")
    if seen.packages is None:
        return [*found, "no report of packages yet"]
    return [*found, *_of_sources(seen.packages, target), *_of_packages(seen.packages, target)]


def _of_sources(packages: HostPackages, target: str) -> List[str]:
    found = []
    if packages.problem:
        found.append(packages.problem)
    if packages.unread:
        found.append(f"the lists of packages cannot be read anew: {packages.unread}")
    lack = words_of_lack(packages, target)
    if lack and packages.lists_read is None:
        found.append("the lists of packages were never read")
    elif lack:
        found.append(lack)
    return found


def _of_packages(packages: HostPackages, target: str) -> List[str]:
    found = []
    if packages.held:
        found.append(f"kept as they are by the administrator: {some_of(packages.held, SHOWN)}")
    if packages.unfinished:
        words = [f"{name} ({state})" for name, state in sorted(packages.unfinished.items())]
        found.append(f"left halfway by the package manager: {some_of(words, SHOWN)}")
    newer = [each for each in packages.on_disk if number(each) > number(target)]
    if newer:
        found.append(f"{newer[0]} is installed, which is newer")
    return found


def _differences(own: Mapping[str, Seen], target: str) -> List[str]:
    """Return that hosts would get packages of different versions, with the hosts of each."""
    found: Dict[str, List[str]] = {}
    for name, seen in own.items():
        having = seen.packages.having(target) if seen.packages else {}
        for version in dict.fromkeys(having.values()):
            found.setdefault(version, []).append(name)
    if len(found) < 2:
        return []
    words = [f"{version} ({some_of(names, SHOWN)})" for version, names in sorted(found.items())]
    return [f"the repositories of hosts differ: {', '.join(words)}"]


def moment(seconds: Optional[int]) -> Optional[str]:
    """Return a time as text, in UTC."""
    if seconds is None:
        return None
    when = datetime.datetime.fromtimestamp(seconds, tz=datetime.timezone.utc)
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def known_versions(hosts: Mapping[str, Seen], target: str) -> Sequence[str]:
    """Return the versions that any host has or is offered: of Ceph, or of packages.

    Of which of both is decided by what the ``target`` is.
    """
    packages = [seen.packages for seen in hosts.values() if seen.packages is not None]
    every = [each for found in packages for each in found.installed.values()]
    every += [each for found in packages for tags in found.offered.values() for each in tags]
    if upstream(target) == target:
        return newest_first([upstream(each) for each in every])
    return sorted(dict.fromkeys(every), key=lambda each: (number(each), each), reverse=True)
