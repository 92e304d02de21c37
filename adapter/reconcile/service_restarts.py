"""Restart the OSDs of a service, as many at a time as every placement group can spare.

The monitors choose: `osd ok-to-stop` names OSDs that can be down together. The next ones are asked
for only when those before are up again.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import replace
from typing import Dict, List, Optional, Sequence

from adapter.cluster.osd_map import OsdMap
from adapter.cluster.service_actions import ServiceAction
from adapter.core import Core
from adapter.engine.completion import Completion
from adapter.errors import HostUnreachable, UnknownName
from adapter.interface import OrchestratorError

log = logging.getLogger(__name__)

LOOK_AGAIN = 1.0
RETRY = 15.0


class ServiceRestarts:
    """Step the restarts that are under way."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.acting = threading.Lock()
        self._jobs: Dict[str, str] = {}
        self._not_before: Dict[str, float] = {}

    def step(self, now: float) -> Optional[float]:
        """Take the steps that can be taken; return the seconds until the next look, or None."""
        core = self._core
        with core.lock:
            actions = [
                action
                for action in core.actions.all()
                if action.service not in self._jobs
                and self._not_before.get(action.service, 0.0) <= now
            ]
            pending = bool(core.actions.all())
        if actions:
            with self.acting:
                self._step_all(actions, now)
        return LOOK_AGAIN if pending else None

    def _step_all(self, actions: Sequence[ServiceAction], now: float) -> None:
        try:
            osd_map = self._core.maps.osd_map()
        except OrchestratorError as error:
            log.warning("the monitors do not answer: %s", error)
            return
        for action in actions:
            self._not_before[action.service] = now + LOOK_AGAIN
            self._step(action, osd_map, now)

    def _step(self, action: ServiceAction, osd_map: OsdMap, now: float) -> None:
        waiting = [each for each in action.doing if not _is_up(osd_map, each)]
        if waiting:
            names = ", ".join(f"osd.{each}" for each in waiting)
            self._save(replace(action, reason=f"waiting for {names} to be up"))
            return
        left = tuple(each for each in action.left if each in osd_map.osds)
        if not left:
            self._core.events.note(action.service, f"{action.action}: done")
            self._save(replace(action, left=(), doing=()))
            return
        try:
            batch = self._batch(left)
            if not batch:
                self._save(replace(action, left=left, doing=(), reason=self._reason(left[0])))
                return
            rest = tuple(each for each in left if each not in batch)
            self._save(replace(action, left=rest, doing=tuple(batch), reason=""))
            self._submit(action, batch)
        except OrchestratorError as error:
            self._fail(action, str(error), now)

    def _batch(self, left: Sequence[int]) -> List[int]:
        """Return OSDs that can be down together, or none."""
        for first in left:
            try:
                found = self._core.maps.ok_to_stop([first], most=len(left))
            except OrchestratorError:
                continue
            return [each for each in found if each in left]
        return []

    def _reason(self, first: int) -> str:
        try:
            self._core.maps.ok_to_stop([first])
        except OrchestratorError as error:
            return " ".join(str(error).split())
        return ""

    def _submit(self, action: ServiceAction, batch: Sequence[int]) -> None:
        core = self._core
        names = ", ".join(f"osd.{each}" for each in batch)
        with core.lock:
            units = units_of(core, batch)
            job = core.submit(
                "service_action",
                [core.hosts.get(host) for host in units],
                parameters={"action": action.action, "units": units},
                summary=f"{action.action.capitalize()} {names}",
            )
            self._jobs[action.service] = job.job_id
        job.on_change(lambda job: self._absorb(job, action.service))

    def _absorb(self, job: Completion, service: str) -> None:
        if not job.status.final:
            return
        with self._core.lock:
            if self._jobs.get(service) != job.job_id:
                return
            del self._jobs[service]
            action = self._core.actions.get(service)
        if action is not None and job.exception is not None:
            self._fail(action, str(job.exception), time.monotonic())
        self._not_before.pop(service, None)
        self._core.look_at_maps()

    def _fail(self, action: ServiceAction, reason: str, now: float) -> None:
        """Keep what failed as left, and wait."""
        current = self._core.actions.get(action.service) or action
        left = (*current.doing, *current.left)
        self._save(replace(current, left=left, doing=(), reason=reason))
        with self._core.lock:
            self._core.events.fail(action.service, f"{action.action}: {reason}")
        self._not_before[action.service] = now + RETRY

    def _save(self, action: ServiceAction) -> None:
        with self._core.lock:
            self._core.actions.save(action)


def units_of(core: Core, osd_ids: Sequence[int]) -> Dict[str, List[str]]:
    """Return the systemd units of OSDs by host, as the hosts reported them.

    Raises ``UnknownName`` for an OSD that no host has reported, ``HostUnreachable``.
    """
    wanted = {str(each) for each in osd_ids}
    units: Dict[str, List[str]] = {}
    for host in core.hosts.all():
        report = core.reports.get(host.hostname)
        for row in report.daemons if report else ():
            if row["daemon_type"] == "osd" and row["daemon_id"] in wanted:
                if not core.pulse.online(host.hostname):
                    raise HostUnreachable(host.hostname, core.pulse.of(host.hostname).reason)
                units.setdefault(host.hostname, []).append(str(row["unit"]))
                wanted.discard(row["daemon_id"])
    if wanted:
        missing = min(wanted, key=int)
        raise UnknownName("daemon", f"osd.{missing}", "`ceph orch ps` shows those that there are.")
    return units


def _is_up(osd_map: OsdMap, osd_id: int) -> bool:
    osd = osd_map.osds.get(osd_id)
    return osd is None or osd.up
