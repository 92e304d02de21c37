"""A monitor stays as long as it is the only one that a host's own ceph.conf names.

Somebody has to mend that file: health says so, and the host is asked again and again whether it is.
"""

from __future__ import annotations

from typing import Collection, Dict, Iterable, Optional

from adapter.cluster.host_conf import PATH, confs_of, only_way
from adapter.cluster.schedule import Difference
from adapter.cluster.specs import Wanted
from adapter.core import Core
from adapter.errors import AdapterError
from adapter.kinds import QUORUM, kind_of
from adapter.state_lock import under_lock

# How often hosts are asked again (seconds).
ASK_AGAIN = 20.0


@under_lock
def only_ways(core: Core, wanted: Wanted, diff: Difference) -> Dict[str, str]:
    """Return by host why a monitor that is too many stays."""
    if kind_of(wanted.spec.service_type).guard != QUORUM or wanted.deleted or not diff.remove:
        return {}
    found: Dict[str, str] = {}
    confs, addresses = confs_of(core.hosts, core.reports), core.mon_addresses
    for daemon in diff.remove:
        leaving = daemon.daemon_id
        staying = frozenset().union(*(where for mon, where in addresses.items() if mon != leaving))
        hosts = sorted(
            {host for each in addresses.get(leaving, ()) for host in only_way(confs, each, staying)}
        )
        for host in hosts:
            found[host] = (
                f"mon.{leaving} is not removed: it is the only monitor that {PATH} names on "
                f"{', '.join(hosts)}. Name the others there too (`ceph config "
                f"generate-minimal-conf` prints them); mon.{leaving} is then removed within a "
                "minute."
            )
    return found


@under_lock
def hold_reason(core: Core, wanted: Wanted, diff: Difference) -> str:
    """Return why monitors that are too many stay, or nothing."""
    return " ".join(dict.fromkeys(only_ways(core, wanted, diff).values()))


def check_ways(
    core: Core, leaving: str, staying: Optional[Collection[str]] = None, stopping: str = ""
) -> None:
    """Raise if a host's own ceph.conf names no monitor but the one that goes, or is stopped.

    ``staying`` are those that count, by default all others of the map; ``stopping`` is a host that
    is stopped with it. The caller does not hold the lock.
    """
    addresses = core.maps.mon_addresses()
    others = {*(addresses if staying is None else staying)} - {leaving}
    left = frozenset().union(*(addresses.get(mon, frozenset()) for mon in others))
    with core.lock:
        confs = confs_of(core.hosts, core.reports)
    confs.pop(stopping, None)
    for address in sorted(addresses.get(leaving, ())):
        hosts = only_way(confs, address, left)
        if hosts:
            raise AdapterError(
                f"mon.{leaving} is the only monitor that {PATH} names on {', '.join(hosts)}.",
                "Name the others there too: `ceph config generate-minimal-conf` prints them.",
            )


def lost_on_start(core: Core, daemons: Iterable[str]) -> Dict[str, AdapterError]:
    """Return by daemon (``osd.3``) why it would not find the cluster when it is started again.

    Its host's ceph.conf names no monitor that there is, as far as the host has said. The caller
    does not hold the lock.
    """
    with core.lock:
        confs = confs_of(core.hosts, core.reports)
        places = {
            daemon: [host for host in core.places.hosts_of(daemon) if host in confs]
            for daemon in daemons
        }
    if not any(confs[host].mons for hosts in places.values() for host in hosts):
        return {}
    addresses = frozenset().union(*core.maps.mon_addresses().values())
    return {
        daemon: AdapterError(
            f"{daemon} would not find the cluster when it starts again: {PATH} on host {host} "
            f"names no monitor that there is, only {', '.join(confs[host].mons)}.",
            "`ceph config generate-minimal-conf` prints a right one; `ceph orch ps --refresh` has "
            "it read again.",
        )
        for daemon, hosts in places.items()
        for host in hosts
        if addresses and confs[host].is_cut_off(addresses)
    }


class ConfHold:
    """Hold such monitors, and ask the hosts."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._asked: Dict[str, float] = {}

    def hold(self, wanted: Wanted, diff: Difference, now: float) -> bool:
        """Tell whether a monitor stays for now; health and events say why."""
        core = self._core
        with core.lock:
            found = only_ways(core, wanted, diff)
            reason = hold_reason(core, wanted, diff)
            if not reason:
                return False
            if core.watch.held.get(wanted.name) != reason:
                core.events.fail(wanted.name, reason)
            core.watch.hold(wanted.name, reason)
            due = [host for host in found if self._asked.get(host, 0.0) + ASK_AGAIN <= now]
            self._asked.update(dict.fromkeys(due, now))
            core.refresh.want(due)
        return True
