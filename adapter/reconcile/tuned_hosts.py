"""Have on each host the tuned profiles whose placements select it, and no others of ours.

A host that is drained, in maintenance or does not answer is left as it is, and follows later.
"""

from __future__ import annotations

import logging
from typing import Collection, Dict, List, Mapping, Optional, Tuple

from adapter.cluster.backoff import Backoff
from adapter.cluster.tuned_settings import Settings
from adapter.cluster.tuning import OPERATION, Wanted
from adapter.core import Core
from adapter.engine.completion import Completion
from adapter.interface import OrchestratorError
from adapter.reconcile.free_hosts import free_first
from adapter.state_lock import under_lock

# How long (seconds) a host is left alone whose kernel has refused what is still wanted.
REFUSED_FIRST, REFUSED_LAST = 600.0, 3600.0

log = logging.getLogger(__name__)


class TunedHosts:
    """Bring hosts to their profiles where they report something else."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._now = 0.0
        # Set by a command that is about other things: `tuned-profile apply` brings hosts to theirs.
        self.is_resting = False
        self._job: Optional[Completion] = None
        # By host: for which profiles it is left alone for a while. Others are tried at once.
        self._backoffs: Dict[str, Tuple[Dict[str, Settings], Backoff]] = {}

    def step(self, now: float) -> Optional[float]:
        """Do what can be done; return None: it is looked at again with every round."""
        self._now = now
        if not self.is_resting:
            self.begin()
        return None

    def begin(self) -> Optional[Completion]:
        """Submit what is to be done and return the job; the one under way, None without any."""
        core = self._core
        with core.lock:
            if self._job is not None:
                return self._job
            wanted = self._due()
            names = free_first(core, sorted(wanted))
            if not names:
                return None
            profiles = {name: wanted[name] for name in names}
            try:
                self._job = job = core.submit(
                    OPERATION,
                    [core.hosts.get(name) for name in names],
                    parameters={"profiles": profiles, "cluster": core.cluster},
                    summary="Bring hosts to their tuned profiles",
                )
            except OrchestratorError as error:
                log.warning("tuned profiles are not applied: %s", error)
                self._rest(profiles)
                return None
        job.on_change(lambda job: self._absorb(job, profiles))
        return job

    @under_lock
    def _due(self) -> Wanted:
        core = self._core
        wanted, lacks = core.tuning.wanted(), core.tuning.lacks()
        for operation, name in list(core.failures):
            if operation == OPERATION and name in wanted and name not in lacks:
                core.failures.pop((operation, name))
        self._backoffs = {
            name: (profiles, backoff)
            for name, (profiles, backoff) in self._backoffs.items()
            if name in lacks and profiles == wanted[name]
        }
        return {
            name: wanted[name]
            for name in lacks
            if not core.tuning.rests(name)
            and not (name in self._backoffs and self._backoffs[name][1].until > self._now)
        }

    def _absorb(self, job: Completion, profiles: Wanted) -> None:
        if not job.status.final:
            return
        with self._core.lock:
            self._rest(profiles, _refusing(job))
            self._job = None
        self._core.wake_event.set()

    @under_lock
    def _rest(self, profiles: Wanted, refusing: Collection[str] = ()) -> None:
        """Leave hosts alone for a while, where they still lack something of the same then.

        Those ``refusing`` were asked for what their kernels do not take: each try sets what comes
        before it, and takes it back.
        """
        for name, wanted in profiles.items():
            known = self._backoffs.get(name)
            backoff = known[1] if known is not None and known[0] == wanted else Backoff()
            if name in refusing:
                backoff.longer(self._now, REFUSED_LAST, REFUSED_FIRST)
            else:
                backoff.longer(self._now)
            self._backoffs[name] = (wanted, backoff)


def _refusing(job: Completion) -> List[str]:
    """Return the hosts whose kernels have refused a setting."""
    states = {host: outcome.result.get("tuned_profiles") for host, outcome in job.outcomes.items()}
    return [
        host for host, each in states.items() if isinstance(each, Mapping) and each.get("refused")
    ]
