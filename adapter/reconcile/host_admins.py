"""Have the administrator's keyring on the hosts that have the label for it, and on no other."""

from __future__ import annotations

import logging
from typing import Dict, List, Optional

from adapter.cluster.backoff import Backoff
from adapter.cluster.host_admin import ENTITY, digest_of, is_admin, lacks
from adapter.core import Core
from adapter.engine.completion import Completion
from adapter.interface import OrchestratorError

log = logging.getLogger(__name__)

# The monitors are asked this often (seconds) whether the key is still the same.
ASK_INTERVAL = 60.0
_FILE = "client.admin.keyring"


class HostAdmins:
    """Put the keyring where it is missing, and take ours away where it shall not be."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._now = self._ask_at = 0.0
        self._key = self._job = ""
        self._backoffs: Dict[str, Backoff] = {}

    def step(self, now: float) -> Optional[float]:
        """Do what can be done; return None: it is looked at again with every round."""
        core, self._now = self._core, now
        if self._job:
            return None
        with core.lock:
            concerned = any(is_admin(host.labels) for host in core.hosts.all())
            ask = concerned and now >= self._ask_at
        if ask:
            self._ask_at = now + ASK_INTERVAL
            try:
                self._key = digest_of(core.maps.keyring(ENTITY))
            except OrchestratorError as error:
                log.warning("the key of %s is not known: %s", ENTITY, error)
        with core.lock:
            wanted = self._wanted(now)
        if wanted:
            self._update(wanted, now)
        return None

    def _wanted(self, now: float) -> Dict[str, str]:
        core = self._core
        found = {}
        for host in core.hosts.all():
            todo = lacks(host.labels, core.reports.get(host.hostname), self._key)
            if todo:
                found[host.hostname] = todo
        # Whatever came of it: what is still to be done is not asked for again at once.
        self._backoffs = {name: self._backoffs[name] for name in found if name in self._backoffs}
        return {
            name: todo
            for name, todo in found.items()
            if core.workable(name) and self._backoffs.get(name, Backoff()).until <= now
        }

    def _update(self, wanted: Dict[str, str], now: float) -> None:
        core, names = self._core, list(wanted)
        puts = "present" in wanted.values()
        try:
            conf = core.maps.minimal_conf() if puts else ""
            secrets = {_FILE: core.maps.keyring(ENTITY)} if puts else {}
            with core.lock:
                hosts = [core.hosts.get(name) for name in names if name in core.hosts]
                job = core.submit(
                    "update_admin",
                    hosts,
                    parameters={
                        "cluster": core.cluster,
                        "admin": wanted,
                        "conf": conf,
                        "keyring_file": _FILE if puts else "",
                    },
                    summary="Update the admin keyring on hosts with or without the label _admin",
                    secrets=secrets,
                )
                self._job = job.job_id
        except OrchestratorError as error:
            log.warning("the administrator's keyring stays as it is: %s", error)
            self._rest(names, now)
            return
        job.on_change(lambda job: self._absorb(job, names))

    def _absorb(self, job: Completion, names: List[str]) -> None:
        if not job.status.final:
            return
        self._rest(names, self._now)
        self._job = ""
        self._core.wake_event.set()

    def _rest(self, names: List[str], now: float) -> None:
        for name in names:
            self._backoffs.setdefault(name, Backoff()).longer(now)
