"""Show jobs in ``ceph -s`` and ``ceph progress``; the restart of a service is one bar."""

from __future__ import annotations

import logging
import time
from typing import Any, Callable, Dict, Iterable, Mapping, Optional, Sequence, Tuple

from adapter.cluster.service_actions import ServiceAction
from adapter.cluster.upgrades import Upgrade
from adapter.engine.model import JobRecord, JobStatus
from adapter.errors import some_of
from adapter.interface import OrchestratorEvent

log = logging.getLogger(__name__)

# What the loop does by itself is shown only when it takes long: `ceph -s` is for people.
BACKGROUND = "Refresh host reports"
BACKGROUND_AFTER = 5.0
_NAMED_DAEMONS = 3

Remote = Callable[..., Any]
# A restart, and the job that is at it, if one is.
Restart = Tuple[ServiceAction, str]
EventsOf = Callable[[str], Sequence[OrchestratorEvent]]


class ProgressReporter:
    """Tell the progress module about jobs; ``remote`` is MgrModule.remote.

    Its events live in memory only, so a job that an earlier manager started is told again. The jobs
    of a restart have no bars of their own.
    """

    def __init__(self, remote: Remote) -> None:
        self._remote = remote
        self._told: Dict[str, Tuple[int, str]] = {}
        self._restarts: Dict[str, ServiceAction] = {}

    def tell_upgrade(self, one: Optional[Upgrade]) -> None:
        """Tell how far an upgrade is, or that there is none any more."""
        for bar in [bar for bar in self._told if bar.startswith(_UPGRADE)]:
            if one is None or bar != _upgrade_bar(one):
                del self._told[bar]
                self._call("complete", bar)
        if one is not None:
            count = min(len(one.done), one.total)
            text = f"Upgrade to {one.version}: {one.error or one.reason or one.stage}"
            self._update(_upgrade_bar(one), text, count / max(one.total, 1), "upgrade")

    def tell(
        self, records: Iterable[JobRecord], restarts: Sequence[Restart], events: EventsOf
    ) -> None:
        """Tell what has changed since the last time; ``events`` are those of a service."""
        parts = {job for _, job in restarts}
        at: Dict[str, JobRecord] = {}
        for record in records:
            if record.id in parts:
                at[record.id] = record
            elif record.status.final:
                if self._told.pop(f"ansible-{record.id}", None) is not None:
                    self._end(record)
            elif self._worth_telling(record):
                text = f"{record.request.summary}: {record.message}" if record.message else ""
                self._update(
                    f"ansible-{record.id}",
                    text or record.request.summary,
                    record.progress,
                    record.request.operation,
                )
        self._tell_restarts(restarts, at, events)

    def _tell_restarts(
        self, restarts: Sequence[Restart], jobs: Mapping[str, JobRecord], events: EventsOf
    ) -> None:
        now = {_bar(action): (action, jobs.get(job)) for action, job in restarts}
        for bar in [bar for bar in self._restarts if bar not in now]:
            action = self._restarts.pop(bar)
            self._told.pop(bar, None)
            said = events(action.service)
            if said and said[-1].level == OrchestratorEvent.ERROR:
                self._call("fail", bar, said[-1].message)
            else:
                self._call("complete", bar)
        for bar, (action, job) in now.items():
            self._restarts[bar] = action
            self._update(bar, restart_text(action, job), action.done / action.total, "restart")

    def _worth_telling(self, record: JobRecord) -> bool:
        running = time.time() - (record.started or record.created)
        return record.request.summary != BACKGROUND or running > BACKGROUND_AFTER

    def _update(self, bar: str, text: str, fraction: float, what: str) -> None:
        state = (round(fraction * 100), text)
        if self._told.get(bar) != state:
            self._told[bar] = state
            self._call(
                "update",
                bar,
                ev_msg=text,
                ev_progress=fraction,
                # Pairs: the dashboard makes a mapping of them.
                refs=[("ansible", what)],
                add_to_ceph_s=True,
            )

    def _end(self, record: JobRecord) -> None:
        bar = f"ansible-{record.id}"
        if record.status is JobStatus.SUCCEEDED or record.is_overtaken:
            self._call("complete", bar)
        else:
            self._call("fail", bar, f"{record.status.value}: {record.message}")

    def _call(self, method: str, *args: Any, **kwargs: Any) -> None:
        try:
            self._remote("progress", method, *args, **kwargs)
        except (ImportError, RuntimeError) as error:
            log.debug("the progress module does not listen: %s", error)


def restart_text(action: ServiceAction, job: Optional[JobRecord]) -> str:
    """Return how far the restart of a service is, with the daemons and hosts that it is at."""
    text = f"Restart {action.service}: {action.done} of {action.total} daemons"
    if action.doing:
        where = f" on {some_of(job.request.hosts, _NAMED_DAEMONS)}" if job is not None else ""
        text += f"; {some_of(action.doing, _NAMED_DAEMONS)}{where}"
    return f"{text}; {action.reason}" if action.reason else text


_UPGRADE = "ansible-upgrade-"


def _upgrade_bar(one: Upgrade) -> str:
    return f"{_UPGRADE}{one.since:.0f}"


def _bar(action: ServiceAction) -> str:
    return f"ansible-restart-{action.service}-{action.asked:.0f}"
