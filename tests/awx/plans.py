"""Jobs whose events are made up: each has a fate, and its events come in some disorder."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import Any, Callable, Iterator

from tests.awx.jobs import Job, Plan

RESULT = "ceph_orch_result"
_REAPED = (
    "Task was marked as running at system start up. The system must have not shut down properly, "
    "so it has been marked as failed."
)
_SYNC = 'Previous Task Failed: {"job_type": "project_update", "job_name": "p", "job_id": "52"}'


@dataclass(frozen=True)
class Fate:
    """What becomes of a job.

    ``status`` is AWX's, None for a job that does not end by itself; ``begins`` and ``runs`` are
    seconds. ``bad`` says what becomes of the first host.
    """

    status: str | None = "successful"
    explanation: str = ""
    bad: str = ""
    begins: bool = True
    is_cut: bool = False
    processed: bool = True
    vanishes: bool = False


FATES: dict[str, Fate] = {
    "good": Fate(),
    "failed": Fate("failed", bad="failures"),
    "unreachable": Fate("failed", bad="dark"),
    "error": Fate("error", _SYNC, begins=False),
    "reaped": Fate("failed", _REAPED, is_cut=True, processed=False),
    "canceled there": Fate("canceled", is_cut=True),
    "its timeout": Fate("failed", "Job terminated due to timeout", is_cut=True),
    "pending for ever": Fate(None, begins=False),
    "running for ever": Fate(None),
    "vanished": Fate(None, vanishes=True),
    "events never finished": Fate(processed=False),
}
DISORDERS = ("none", "late", "mixed", "doubled", "missing", "late end")


class Planned:
    """A runner that makes plans.

    ``choose`` gives the fate and the disorder of a job, ``pace`` is the seconds that a job runs.
    """

    def __init__(
        self,
        choose: Callable[[Job], tuple[str, str]],
        pace: float = 0.2,
        dice: random.Random | None = None,
    ) -> None:
        self.choose, self.pace = choose, pace
        self.dice = dice or random.Random(1)
        self.fates: dict[int, tuple[str, str]] = {}

    def begin(self, job: Job) -> None:
        """Make the plan of a job."""
        name, disorder = self.fates[job.id] = self.choose(job)
        fate, now = FATES[name], time.monotonic()
        plan = job.plan = Plan(status=fate.status or "canceled", explanation=fate.explanation)
        begins = now + self.dice.uniform(0, self.pace / 2)
        if fate.begins:
            plan.start_at = begins
        if fate.vanishes:
            plan.gone_at = begins + self.pace
        if fate.status is None:
            return
        plan.end_at = end = begins + self.pace
        plan.processed_at = end + self.pace / 4 if fate.processed else None
        if not fate.begins:
            return
        events = list(_events(job, fate))
        if fate.is_cut:
            events = events[: len(events) // 2]
        else:
            plan.artifacts = _artifacts(job, fate)
            plan.summaries = [
                {"host_name": host, **_summary(fate, number)}
                for number, host in enumerate(job.hosts)
            ]
        step = self.pace / max(1, len(events))
        timed = [(begins + step * number, event) for number, event in enumerate(events)]
        plan.events = self._disturbed(timed, disorder, end, plan)

    def _disturbed(
        self, events: list[Any], disorder: str, end: float, plan: Plan
    ) -> list[tuple[float, dict[str, Any]]]:
        dice = self.dice
        if disorder == "late":
            return [(at + self.pace / 4, event) for at, event in events]
        if disorder == "mixed":
            return [(at + dice.uniform(0, self.pace / 2), event) for at, event in events]
        if disorder == "doubled":
            return sorted([*events, *events], key=lambda each: each[1]["counter"])
        if disorder == "missing" and events:
            lost = dice.randrange(len(events))
            return events[:lost] + events[lost + 1 :]
        if disorder == "late end" and events and plan.processed_at is not None:
            plan.processed_at = end + self.pace
            return [*events[:-1], (plan.processed_at, events[-1][1])]
        return events


def _events(job: Job, fate: Fate) -> Iterator[dict[str, Any]]:
    for counter, event in enumerate(_plain_events(job, fate), 1):
        yield {"counter": counter, "uuid": f"{job.id}-{counter}", "stdout": "", **event}


def _plain_events(job: Job, fate: Fate) -> Iterator[dict[str, Any]]:
    yield {"event": "playbook_on_start", "event_data": {}}
    yield {"event": "playbook_on_play_start", "event_data": {"name": "A play"}}
    for task in ("Begin", "End"):
        about = {"role": "alpha", "task": task, "name": f"alpha : {task}", "task_uuid": task}
        yield {"event": "playbook_on_task_start", "event_data": about}
        for number, host in enumerate(job.hosts):
            at = {"host": host, "role": "alpha", "task": task}
            yield {"event": "runner_on_start", "event_data": at}
            if number == 0 and fate.bad and task == "Begin":
                kind = "runner_on_failed" if fate.bad == "failures" else "runner_on_unreachable"
                yield {"event": kind, "event_data": {**at, "res": {"msg": "no such luck"}}}
            elif number or not fate.bad:
                told = {RESULT: {"name": host}} if task == "End" else {}
                data = {**at, "res": {"changed": False, **told}}
                yield {"event": "runner_on_ok", "event_data": data}
    first = next(iter(job.hosts), "")
    bad = {fate.bad: {first: 1}} if fate.bad else {}
    data = {"failures": {}, "dark": {}, **bad, "artifact_data": _artifacts(job, fate)}
    yield {"event": "playbook_on_stats", "event_data": data}


def _artifacts(job: Job, fate: Fate) -> dict[str, Any]:
    good = [host for number, host in enumerate(job.hosts) if number or not fate.bad]
    return {RESULT: {"schema": 1, "hosts": {host: {"name": host} for host in good}}}


def _summary(fate: Fate, number: int) -> dict[str, int]:
    counts = {"ok": 2, "changed": 0, "failures": 0, "dark": 0}
    return {**counts, fate.bad: 1} if fate.bad and number == 0 else counts
