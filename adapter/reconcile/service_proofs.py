"""Monitors and managers that a job brought to run are well when the cluster's maps have them.

A job ends with the daemon's own word. Here the monitors are asked: the quorum must name a monitor,
the manager map a manager, with the module that it needs to take over.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, Iterator, List, Optional, Sequence, Set, Tuple

from adapter.cluster.managers import Managers
from adapter.cluster.schedule import Daemon, DaemonPlacement
from adapter.core import Core
from adapter.interface import OrchestratorError
from adapter.kinds import QUORUM, hands_over, kind_of
from adapter.reconcile.ownership import units_of
from adapter.state_lock import under_lock

# From the daemon's word to the maps' it takes a second; a manager may be restarted in between.
PROOF_SECONDS = 60.0


@dataclass
class Proof:
    """What a job said runs: ``lacking`` says by daemon's id what the maps do not have."""

    service: str
    kind: str
    places: Sequence[DaemonPlacement]
    job: str
    what: str
    until: Optional[float] = None
    lacking: Dict[str, str] = field(default_factory=dict)
    restarted: Set[str] = field(default_factory=set)


class ServiceProofs:
    """What is still to be seen in the maps, one proof a service."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._all: Dict[str, Proof] = {}

    @under_lock
    def expect(self, proof: Proof) -> None:
        """Ask the maps from the next step on."""
        self._all[proof.service] = proof

    def pending(self, service: str = "") -> bool:
        """Tell whether something of a service, or of any, is still to be seen."""
        return service in self._all if service else bool(self._all)

    def step(self, now: float) -> Iterator[Proof]:
        """Ask; yield the proofs that are over, those that failed with what is ``lacking``.

        ``now`` is monotonic seconds.
        """
        with self._core.lock:
            proofs = list(self._all.values())
        for proof in proofs:
            proof.until = now + PROOF_SECONDS if proof.until is None else proof.until
            try:
                proof.lacking = self._lacking(proof, now)
            except OrchestratorError as error:
                proof.lacking = {place.daemon_id: str(error) for place in proof.places}
            if proof.lacking and now < proof.until:
                continue
            with self._core.lock:
                if self._all.get(proof.service) is proof:
                    del self._all[proof.service]
            yield proof

    def _lacking(self, proof: Proof, now: float) -> Dict[str, str]:
        names = [place.daemon_id for place in proof.places]
        if kind_of(proof.kind).guard == QUORUM:
            quorum, _ = self._core.maps.quorum()
            reason = (
                f"it was deployed, but the quorum ({', '.join(quorum) or 'none'}) does not name "
                "it. `ceph health detail` says more."
            )
            return {name: f"mon.{name}: {reason}" for name in names if name not in quorum}
        managers = self._core.maps.manager_map()
        unable = managers.unable(names)
        self._restart(proof, managers, sorted(unable), now)
        return {
            name: f"mgr.{name} was deployed, but could not take over: {reason}."
            for name, reason in unable.items()
        }

    def _restart(self, proof: Proof, managers: Managers, unable: Sequence[str], now: float) -> None:
        """Restart a standby that was started before it was given the module, once.

        The map says what a manager found when it started.
        """
        core = self._core
        for name in unable:
            if name not in managers.standbys or name in proof.restarted:
                continue
            with core.lock:
                units = units_of(core, [f"mgr.{name}"])
                hosts = [core.hosts.get(host) for host in units]
                core.submit(
                    "daemon_action",
                    hosts,
                    parameters={"action": "restart", "units": units},
                    summary=f"Restart mgr.{name}, which was given the backend",
                )
            proof.restarted.add(name)
            proof.until = now + PROOF_SECONDS
            return


def tell_left(core: Core, service: str, kind: str, places: Sequence[DaemonPlacement]) -> None:
    """Say of monitors that somebody took out of the map by hand that they are made anew."""
    with core.lock:
        for place in places:
            if core.watch.has_left(place.hostname, kind, place.daemon_id):
                core.events.note(
                    service,
                    f"mon.{place.daemon_id} is not in the monitors' map any more (`ceph mon rm`), "
                    "and its placement wants it: it is made anew",
                )


def not_well(core: Core, kind: str, kept: Sequence[Daemon]) -> Tuple[List[Daemon], List[Daemon]]:
    """Return, of daemons that run, those that could not take over, and those outside the cluster.

    The active manager runs this code, so only standbys are looked at. That these monitors are
    wanted is noted: one that does not run is missed.
    """
    with core.lock:
        managers, watch = core.watch.managers, core.watch
        if kind_of(kind).guard == QUORUM:
            watch.want([(each.hostname, each.daemon_id) for each in kept])
        unable = managers.unable(managers.standbys) if hands_over(kind) else {}
        outside = [each for each in kept if (kind, each.daemon_id) in watch.outside(each.hostname)]
    return [each for each in kept if each.runs and each.daemon_id in unable], outside
