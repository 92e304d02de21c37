"""A host that is added with daemons of a service on it keeps them, whatever its labels.

It may have been removed and added again without the labels that it had: nobody asked for its
daemons to go. Whoever applies the service after that, or names them, does.
"""

from __future__ import annotations

from dataclasses import replace
from typing import List, Tuple

from adapter.cluster.schedule import NO_SCHEDULE, Daemon, Difference
from adapter.cluster.specs import Wanted
from adapter.core import Core
from adapter.kinds import daemon_type_of
from adapter.state_lock import under_lock


@under_lock
def without_came_back(core: Core, wanted: Wanted, diff: Difference) -> Tuple[Difference, str]:
    """Return what is too many without such daemons, and why they stay, or an empty text."""
    if wanted.deleted:
        return diff, ""
    kept = [daemon for daemon in diff.remove if _came_back(core, wanted, daemon)]
    if not kept:
        return diff, ""
    kind = daemon_type_of(wanted.spec)
    names = ", ".join(f"{kind}.{each.daemon_id} on host {each.hostname}" for each in kept)
    hosts = sorted({each.hostname for each in kept})
    rest = tuple(each for each in diff.remove if each not in kept)
    return replace(diff, remove=rest), _reason(wanted, names, hosts, f"{kind}.{kept[0].daemon_id}")


def _came_back(core: Core, wanted: Wanted, daemon: Daemon) -> bool:
    """Tell whether a host was added after the service was applied, with this daemon on it."""
    if daemon.hostname not in core.hosts:
        return False
    host, label = core.hosts.get(daemon.hostname), wanted.spec.placement.label
    if label in host.dropped_labels or NO_SCHEDULE in host.labels:
        # Somebody asked for it since.
        return False
    name = f"{daemon_type_of(wanted.spec)}.{daemon.daemon_id}"
    known = core.deployments.get(daemon.hostname, name)
    return host.added > wanted.asked and (known is None or known.found)


def _reason(wanted: Wanted, names: str, hosts: List[str], first: str) -> str:
    placement = wanted.spec.placement.pretty_str()
    label = wanted.spec.placement.label
    give = f" give it its label (`ceph orch host label add {hosts[0]} {label}`) or" if label else ""
    return (
        f"{names} not removed: its placement ({placement}) does not name the host, which was added "
        f"after the service was applied, with the daemon on it. To keep it,{give} name the host in "
        f"the placement; `ceph orch daemon rm {first} --force` removes it, and `ceph orch "
        "apply` of the service all such."
    )
