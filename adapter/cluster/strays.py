"""What runs for the cluster and nobody looks after, as the cluster's maps name it.

It is on a host that is not managed, or on one that is and does not report it. The maps and a report
are of different moments: what was just made, moved or removed is in one and not in the other. So a
daemon counts when that has lasted longer than the maps need, and its host has reported since.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Collection, Dict, FrozenSet, List, Mapping, Tuple

from adapter.errors import some_of

# So long (seconds) the manager may name a gateway that has ended, and a start may take.
GRACE = 120.0
SHOWN = 10


@dataclass(frozen=True, order=True)
class Stray:
    """A daemon (``mds.a``) that nobody looks after, and its host.

    The host is a managed one, or what the daemon itself calls it.
    """

    host: str
    daemon: str
    managed: bool


class Strays:
    """The strays, and since when each is one. Callers hold the orchestrator's lock."""

    def __init__(self) -> None:
        self._since: Dict[Stray, Tuple[float, float]] = {}
        self._named: FrozenSet[Stray] = frozenset()

    def see(
        self, found: Collection[Stray], taken: Mapping[str, float], now: float, when: float
    ) -> FrozenSet[str]:
        """Take over what the maps name and no host reports; return the hosts to be asked anew.

        ``taken`` is when managed hosts reported their daemons last, in epoch seconds as ``when``;
        ``now`` is in monotonic seconds.
        """
        asked = frozenset(e.host for e in found if e.managed and e not in self._since)
        self._since = {each: self._since.get(each, (now, when)) for each in found}
        self._named = frozenset(
            each
            for each, (began, at) in self._since.items()
            if now - began >= GRACE and (not each.managed or taken.get(each.host, 0.0) > at)
        )
        return asked

    def host_lines(self) -> List[str]:
        """Return a sentence for each host that is not managed and runs daemons of the cluster."""
        hosts: Dict[str, List[str]] = {}
        for each in sorted(self._named):
            if not each.managed:
                hosts.setdefault(each.host, []).append(each.daemon)
        return [
            f"host {host} is not managed, and {some_of(daemons, SHOWN)} of this cluster run on it: "
            f"nobody restarts or updates what is there. `ceph orch host add {host} ADDR` manages "
            "the host and leaves its daemons as they are; or stop them there (`systemctl disable "
            "--now UNIT`)"
            for host, daemons in hosts.items()
        ]

    def daemon_lines(self) -> List[str]:
        """Return a sentence for each daemon of which its managed host reports nothing."""
        return [
            f"{each.daemon} on host {each.host} runs for this cluster, and no systemd unit of that "
            f"name is there: somebody started it by hand or in a container. Stop it on "
            f"{each.host}; `ceph orch apply` of its service deploys one that is looked after"
            for each in sorted(self._named)
            if each.managed
        ]
