"""Remove what the monitors have of daemons that were removed: keys, settings, entries in maps."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import replace
from functools import partial
from typing import Dict, Iterable, List, Optional, Sequence

from adapter.cluster.at_once import at_once
from adapter.cluster.service_kinds import DAEMON_OPTIONS, KINDS
from adapter.cluster.unused_keys import UnusedKey
from adapter.core import Core
from adapter.errors import NotKept, UnknownName
from adapter.interface import OrchestratorError
from adapter.reconcile.ownership import read_places
from adapter.reconcile.parts import OTHERS_JOBS_END

log = logging.getLogger(__name__)

# After monitors that did not answer (seconds).
RETRY = 15.0


class KeyRemoval:
    """Step the keys that are to be removed."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._began = time.time()
        # Held while keys are removed, and while somebody says that one is wanted again.
        self._removing = threading.Lock()
        self._not_before = 0.0

    def begin(self, host: str, kind: str, daemon_ids: Iterable[str]) -> List[UnusedKey]:
        """Keep that the keys of daemons go once they are gone; call it before they are."""
        now = time.time()
        keys = [UnusedKey(kind, daemon_id, host, asked=now) for daemon_id in daemon_ids]
        with self._core.lock:
            for key in keys:
                self._core.unused_keys.save(key)
        return keys

    def follow(self, keys: Sequence[UnusedKey], job: str) -> None:
        """Keep which job removes the daemons of these keys."""
        with self._core.lock:
            for key in keys:
                try:
                    self._core.unused_keys.save(replace(key, job=job))
                except NotKept as error:
                    # The job runs all the same; the record says without it what is to be done.
                    self._core.unkept.note(error)

    def keep(self, daemons: Iterable[str]) -> None:
        """Do not remove the keys of these daemons: they are wanted, or not removed after all."""
        with self._removing, self._core.lock:
            for daemon in daemons:
                self._core.unused_keys.forget(daemon)

    def step(self, now: float) -> None:
        """Remove the keys of daemons that are gone. ``now`` is monotonic seconds."""
        with self._core.lock:
            pending = bool(self._core.unused_keys.all())
        if not pending or now < self._not_before:
            return
        with self._removing:
            try:
                self._remove(self._gone())
            except OrchestratorError as error:
                log.warning("keys of removed daemons stay for now: %s", error)
                if isinstance(error, NotKept):
                    self._core.unkept.note(error)
                self._not_before = now + RETRY

    def _gone(self) -> List[UnusedKey]:
        """Return the keys of daemons that are gone; forget those of daemons that are not."""
        core = self._core
        gone = []
        with core.lock:
            for key in core.unused_keys.all():
                ended = self._end_of(key)
                if ended is None:
                    continue
                if key.host in core.hosts.problems:
                    continue
                if key.host not in core.hosts:
                    log.warning("the key of %s stays: %s is no host now", key.daemon, key.host)
                    core.unused_keys.forget(key.daemon)
                    continue
                report = core.reports.get(key.host)
                if report is None or report.taken.get("daemons", 0.0) < key.asked:
                    continue
                if not core.places.hosts_of(key.daemon):
                    gone.append(key)
                elif report.taken["daemons"] > ended:
                    core.unused_keys.forget(key.daemon)
        return gone

    def _end_of(self, key: UnusedKey) -> Optional[float]:
        """Return when the job of a key ended (epoch seconds), None while it runs.

        One that is not known here is another manager's, and may go on for a while after it.
        """
        try:
            record = self._core.engine.completion(key.job).record if key.job else None
        except UnknownName:
            record = None
        if record is None:
            return max(self._began, key.asked) + OTHERS_JOBS_END
        return (record.finished or 0.0) if record.status.final else None

    def _remove(self, keys: Sequence[UnusedKey]) -> None:
        if not keys:
            return
        core = self._core
        read_places(core)
        with core.lock:
            elsewhere = {key.daemon: core.places.judge(key.host, key.daemon) for key in keys}
            for key in keys:
                foreign = elsewhere[key.daemon]
                if foreign is not None:
                    log.warning("the key of %s stays: it %s", key.daemon, foreign.in_short())
                    core.unused_keys.forget(key.daemon)
        unused = [key for key in keys if elsewhere[key.daemon] is None]
        errors: Dict[str, OrchestratorError] = {}
        at_once([partial(self._remove_one, key, errors) for key in unused])
        if errors:
            raise next(iter(errors.values()))

    def _remove_one(self, key: UnusedKey, errors: Dict[str, OrchestratorError]) -> None:
        """Remove one key and the daemon's settings, and the records once the monitors did so."""
        core, entity = self._core, KINDS[key.daemon_type].entity_of(key.daemon_id)
        with core.lock:
            known = core.deployments.get(key.host, key.daemon)
        options = dict.fromkeys(DAEMON_OPTIONS.get(key.daemon_type, ()))
        options.update(dict.fromkeys(known.options if known is not None else ()))
        try:
            if key.daemon_type == "mds":
                core.maps.forget_mds(key.daemon_id)
            for option in options:
                core.maps.unconfigure(entity, option)
            core.maps.forget_key(entity)
            with core.lock:
                if known is not None:
                    core.deployments.forget(key.host, [key.daemon])
                core.unused_keys.forget(key.daemon)
        except OrchestratorError as error:
            errors[key.daemon] = error
