"""Daemons that the cluster has on hosts which a file of specs adds: they are kept, not added."""

from __future__ import annotations

from dataclasses import replace
from typing import Collection, List, Sequence, Tuple

from adapter.cluster.daemon_services import services_by_name
from adapter.cluster.schedule import DaemonPlacement, Difference, named
from adapter.core import Core
from adapter.errors import some_of
from adapter.interface import REQUIRES_SERVICE_ID, ServiceSpec
from adapter.kinds import daemon_type_of, kind_of
from adapter.state_lock import under_lock

_NAMED = 8


@under_lock
def without_known(
    core: Core, spec: ServiceSpec, diff: Difference, new: Collection[str]
) -> Tuple[Difference, str]:
    """Return what is to be added where the cluster knows of none, and a sentence on the others.

    ``new`` are the hosts that are added beside the service, of which no report is there.
    """
    known = {host: _known(core, spec, host) for host in new}
    left: List[DaemonPlacement] = []
    there: List[str] = []
    for place in diff.add:
        name = named(spec, place.hostname)[1]
        mine = known.get(place.hostname, [])
        found = next((each for each in mine if not name or each == name), None)
        if found is None:
            left.append(place)
        else:
            mine.remove(found)
            there.append(f"{daemon_type_of(spec)}.{found}")
    return replace(diff, add=tuple(left)), _sentence(spec, there, left, new)


def _sentence(
    spec: ServiceSpec,
    there: Sequence[str],
    left: Sequence[DaemonPlacement],
    new: Collection[str],
) -> str:
    if there:
        are = "is" if len(there) == 1 else "are"
        return f"{some_of(sorted(there), _NAMED)} {are} there already, as the cluster has it: kept"
    kind = kind_of(spec.service_type)
    untold = not kind.in_maps and not kind.in_service_map
    if left and untold and any(each.hostname in new for each in left):
        return "whether new hosts run it already is seen when they are added; what runs is kept"
    return ""


def _known(core: Core, spec: ServiceSpec, host: str) -> List[str]:
    """Return the ids of a service's daemons on a new host, as the cluster has them."""
    kind, found = daemon_type_of(spec), []
    for daemon, hostnames in core.places.told_of(kind).items():
        names = {each for each in hostnames if _means(core, each, host)}
        identity = daemon.partition(".")[2]
        if names and spec.service_name() in _services(kind, identity, host, names):
            found.append(identity)
    return sorted(found)


def _means(core: Core, said: str, host: str) -> bool:
    """Tell whether a name that a daemon told is that of a new host."""
    if said == host:
        return True
    dotted = "." in said and "." in host
    return not dotted and _short(said) == _short(host) and core.places.host_of(said) is None


def _services(kind: str, identity: str, host: str, names: Collection[str]) -> Collection[str]:
    if kind not in REQUIRES_SERVICE_ID:
        return (kind,)
    return services_by_name(kind, identity, host, {host, *names})


def _short(name: str) -> str:
    return name.partition(".")[0].lower()
