"""Remove what the monitors have of daemons that were removed: keys, settings, entries in maps.

Monitors have nothing of their own there; their records only say that they are to go.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import replace
from functools import partial
from typing import Dict, Iterable, List, Optional, Sequence, Tuple

from adapter.cluster.parallel import run_parallel
from adapter.cluster.unused_keys import UnusedKey, UnusedKeys
from adapter.core import Core
from adapter.engine.model import HostStatus, JobRecord
from adapter.errors import NotKept, UnknownName
from adapter.interface import OrchestratorError
from adapter.kinds import DAEMONS, QUORUM, RANKS, kind_of
from adapter.reconcile.healed_options import epoch_of
from adapter.reconcile.ownership import read_places
from adapter.reconcile.parts import OTHERS_JOBS_END
from adapter.state_lock import under_lock

log = logging.getLogger(__name__)

# What a daemon is when a removal did not come to its end after its unit was stopped.
LEFT: Tuple[str, ...] = ("stopped", "error")
# After monitors that did not answer (seconds).
RETRY = 15.0


class KeyRemoval:
    """Step the keys that are to be removed."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._began = time.time()
        # So long (seconds) a job of a manager before may go on.
        self.others_end = OTHERS_JOBS_END
        # Held while keys are removed, and while somebody says that one is wanted again.
        self._removing = threading.Lock()
        self._not_before = 0.0

    def begin(self, host: str, kind: str, daemon_ids: Iterable[str]) -> List[UnusedKey]:
        """Keep that daemons go, and their keys once they are gone; call it before they are."""
        now = time.time()
        keys = [UnusedKey(kind, daemon_id, host, asked=now) for daemon_id in daemon_ids]
        with self._core.lock:
            for key in keys:
                self._records(key).save(key)
        return keys

    def _records(self, key: UnusedKey) -> UnusedKeys:
        has_key = kind_of(key.daemon_type).has_own_key
        return self._core.unused_keys if has_key else self._core.removed_mons

    def _all(self) -> List[UnusedKey]:
        return [*self._core.unused_keys.all(), *self._core.removed_mons.all()]

    def follow(self, keys: Sequence[UnusedKey], job: str) -> None:
        """Keep which job removes the daemons of these keys."""
        with self._core.lock:
            for key in keys:
                try:
                    self._records(key).save(replace(key, job=job))
                except NotKept as error:
                    # The job runs all the same; the record says without it what is to be done.
                    self._core.unkept.note(error)

    def keep(self, daemons: Iterable[str]) -> None:
        """Do not remove the keys of these daemons: they are wanted, or not removed after all."""
        with self._removing, self._core.lock:
            for daemon in daemons:
                self._core.unused_keys.forget(daemon)
                self._core.removed_mons.forget(daemon)

    @under_lock
    def pending(self) -> List[UnusedKey]:
        """Return the daemons whose removal was not seen to its end."""
        return self._all()

    @under_lock
    def under_way(self, key: UnusedKey) -> bool:
        """Tell whether a job may still be at a removal."""
        ended = self._end_of(key)
        return ended is None or ended > time.time()

    @under_lock
    def undone(self) -> List[UnusedKey]:
        """Return the daemons whose removal is to be done again.

        Their job failed after it had stopped them, or was cut before it came to them.
        """
        return [key for key in self._all() if self._is_undone(key)]

    @under_lock
    def unreported(self) -> List[str]:
        """Return the hosts that have not reported since a removal ended.

        Where a job was cut nobody else asks them.
        """
        found = set()
        for key in self._all():
            ended, report = self._end_of(key), self._core.reports.get(key.host)
            taken = report.taken.get("daemons", 0.0) if report is not None else 0.0
            if ended is not None and taken <= ended < time.time() and key.host in self._core.hosts:
                found.add(key.host)
        return sorted(found)

    def _is_undone(self, key: UnusedKey) -> bool:
        core = self._core
        if key.host not in core.hosts or key.host not in core.places.hosts_of(key.daemon):
            return False
        ended, report = self._end_of(key), core.reports.get(key.host)
        if ended is None or report is None or report.taken.get("daemons", 0.0) <= ended:
            return False
        state = core.places.row(key.host, key.daemon)["state"]
        return state in LEFT or (state == "running" and not self._is_back(key))

    def _is_back(self, key: UnusedKey) -> bool:
        """Tell whether somebody has started a daemon, or another host has it now."""
        core = self._core
        if key.host not in core.places.hosts_of(key.daemon):
            return True
        if core.places.row(key.host, key.daemon)["state"] != "running":
            return False
        if kind_of(key.daemon_type).guard == QUORUM:
            # One that is out of the map may still run until its host has stopped it.
            return core.places.is_said(key.daemon)
        # One that its host refused to stop is named and stays. One that no job came to, for it was
        # cut or did not reach the host, is to go still.
        record = self._record_of(key)
        outcome = record.outcomes.get(key.host) if record is not None else None
        refused = outcome is not None and outcome.status is HostStatus.FAILED
        return refused or self._was_started(key, key.asked)

    def _was_started(self, key: UnusedKey, ended: float) -> bool:
        """Tell whether a daemon that runs was started since; one that was never stopped is not.

        That it was not removed stays a warning.
        """
        places = self._core.places
        if key.host not in places.hosts_of(key.daemon):
            return True
        return epoch_of(places.row(key.host, key.daemon).get("started")) > ended

    def step(self, now: float) -> None:
        """Remove the keys of daemons that are gone. ``now`` is monotonic seconds."""
        with self._core.lock:
            pending = bool(self._all())
        if not pending or now < self._not_before:
            return
        with self._removing:
            try:
                if self._core.removed_mons.all():
                    # Whether one is in the map again is asked now.
                    read_places(self._core)
                self._remove(self._gone())
            except OrchestratorError as error:
                log.warning("keys of removed daemons stay for now: %s", error)
                if isinstance(error, NotKept):
                    self._core.unkept.note(error)
                self._not_before = now + RETRY

    def _gone(self) -> List[UnusedKey]:
        """Return the keys of daemons that are gone; forget those of daemons that run again."""
        core = self._core
        gone = []
        with core.lock:
            for key in self._all():
                ended = self._end_of(key)
                if ended is None:
                    continue
                if key.host in core.hosts.problems:
                    continue
                if key.host not in core.hosts:
                    gone.append(key)
                    continue
                report = core.reports.get(key.host)
                if report is None or report.taken.get("daemons", 0.0) < key.asked:
                    continue
                if not core.places.hosts_of(key.daemon):
                    gone.append(key)
                elif report.taken["daemons"] > ended and self._is_back(key):
                    self._records(key).forget(key.daemon)
                    if self._was_started(key, ended):
                        core.service_failures.over(self.service_of(key), key.host)
        return gone

    @under_lock
    def service_of(self, key: UnusedKey) -> str:
        """Return the service that a daemon belonged to."""
        return self._core.daemon_services.of(key.host, key.daemon_type, key.daemon_id)

    def _end_of(self, key: UnusedKey) -> Optional[float]:
        """Return when the job of a key ended (epoch seconds), None while it runs.

        One that is not known here is another manager's, and may go on for a while after it.
        """
        record = self._record_of(key)
        if record is None:
            return max(self._began, key.asked) + self.others_end
        return (record.finished or 0.0) if record.status.final else None

    def _record_of(self, key: UnusedKey) -> Optional[JobRecord]:
        try:
            return self._core.engine.completion(key.job).record if key.job else None
        except UnknownName:
            return None

    def _remove(self, keys: Sequence[UnusedKey]) -> None:
        if not keys:
            return
        core = self._core
        read_places(core)
        with core.lock:
            elsewhere = {key: self._needed_by(key) for key in keys}
            for key, reason in elsewhere.items():
                if reason:
                    log.warning("the key of %s stays: it %s", key.daemon, reason)
                    self._records(key).forget(key.daemon)
        unused = [key for key, reason in elsewhere.items() if not reason]
        errors: Dict[str, OrchestratorError] = {}
        run_parallel([partial(self._remove_one, key, errors) for key in unused])
        if errors:
            raise next(iter(errors.values()))

    @under_lock
    def _needed_by(self, key: UnusedKey) -> str:
        """Return why a key is still needed, or nothing.

        On a host that was removed a daemon may have been left as it is: the cluster names it then.
        """
        core = self._core
        foreign = core.places.judge(key.host, key.daemon)
        if foreign is not None:
            return foreign.in_short()
        if key.host not in core.hosts and core.places.is_said(key.daemon):
            return f"runs, and host {key.host} is not managed any more"
        return ""

    def _remove_one(self, key: UnusedKey, errors: Dict[str, OrchestratorError]) -> None:
        """Remove one key and the daemon's settings, and the records once the monitors did so."""
        core, entity = self._core, DAEMONS[key.daemon_type].entity_of(key.daemon_id)
        with core.lock:
            known = core.deployments.get(key.host, key.daemon)
        if not kind_of(key.daemon_type).has_own_key:
            self._drop(key)
            return
        options = dict.fromkeys(kind_of(key.daemon_type).daemon_options)
        options.update(dict.fromkeys(known.options if known is not None else ()))
        try:
            if kind_of(key.daemon_type).guard == RANKS:
                core.maps.forget_mds(key.daemon_id)
            for option in options:
                core.maps.unconfigure(entity, option)
            core.maps.forget_key(entity)
            self._drop(key)
        except OrchestratorError as error:
            errors[key.daemon] = error

    def _drop(self, key: UnusedKey) -> None:
        """Forget a daemon of which nothing is left."""
        core = self._core
        with core.lock:
            core.service_failures.over(self.service_of(key), key.host)
            if core.deployments.get(key.host, key.daemon) is not None:
                core.deployments.forget(key.host, [key.daemon])
            self._records(key).forget(key.daemon)
