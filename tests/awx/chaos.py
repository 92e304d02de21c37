"""Many jobs in an AWX where everything goes wrong, and what has to be true of them afterwards."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from pathlib import Path

from adapter.engine.awx import AwxEngine
from adapter.engine.completion import Completion
from adapter.engine.model import JobStatus
from adapter.errors import NotReady
from tests.awx.engines import AwxSite, request
from tests.awx.jobs import FINAL, Job
from tests.awx.plans import DISORDERS, FATES, Planned
from tests.awx.troubles import Troubles

AT_ONCE = 8
# No figure below has to do with how fast this machine is. A deadline that a job is to miss is short
# and belongs to what it waits for; all others are so long that only a job that hangs meets them.
_NEVER = 1800.0
_TIMEOUT = {"running for ever": 4.0}
_DEADLINES = {
    # Whatever begins does so within a tenth of a second.
    "queue": 4.0,
    "silence": _NEVER,
    "events": 2.0,
    "stop": _NEVER,
    # What is slow or late takes longer than that. On a busy machine others may, too; that is
    # trouble like any other.
    "request": 3.0,
    "interval": 0.1,
}
_SLOWNESS = 4.0
# A job that has vanished is waited for so long; its requests before the launch are, too.
_VANISHED = 15.0
# The state that each fate has to come to.
STATES: dict[str, JobStatus] = {
    "good": JobStatus.SUCCEEDED,
    "events never finished": JobStatus.SUCCEEDED,
    "failed": JobStatus.FAILED,
    "unreachable": JobStatus.FAILED,
    "error": JobStatus.FAILED,
    "pending for ever": JobStatus.FAILED,
    "variables ignored": JobStatus.FAILED,
    "limited": JobStatus.FAILED,
    "sliced": JobStatus.FAILED,
    "reaped": JobStatus.LOST,
    "vanished": JobStatus.LOST,
    "canceled there": JobStatus.CANCELLED,
    "its timeout": JobStatus.TIMED_OUT,
    "running for ever": JobStatus.TIMED_OUT,
}
SABOTAGES = {
    "variables ignored": {"ask_variables_on_launch": False},
    "limited": {"limit": "h1"},
    "sliced": {"job_slice_count": 2},
}
assert set(STATES) == {*FATES, *SABOTAGES}


@dataclass
class Run:
    """One job: what is to become of it, and what is done to it meanwhile (seconds)."""

    fate: str
    disorder: str
    kills: list[float]
    cancel: float | None
    completion: Completion | None = None
    since: float = 0.0


class Chaos:
    """Runs by a seed.

    ``share`` is that of the requests with trouble. ``play`` does the runs and returns what is wrong
    with them, a sentence each.
    """

    def __init__(self, top: Path, seed: int, share: float = 0.12) -> None:
        self._dice = random.Random(seed)
        self._runs: dict[str, Run] = {}
        self.site = AwxSite(top, Planned(self._choose, dice=random.Random(seed)))
        self.site.server.troubles = Troubles(seed, share)
        self.site.server.routes.jobs.sabotage = self._sabotage
        self._state = top / "state"
        self.site.server.slowness = _SLOWNESS
        self._engines = self._new_engines()

    def _new_engines(self) -> dict[str, AwxEngine]:
        """Return the engine of jobs that vanish, and that of all others, by their directories."""
        found = {}
        for name, silence in (("vanished", _VANISHED), ("others", _NEVER)):
            place = self.site.place(**{**_DEADLINES, "silence": silence})
            # No job waits for a place: who would start it dies in between.
            found[name] = self.site.engine(
                self._state / name, place, max_running=AT_ONCE + 2, lease=_NEVER
            )
        return found

    def _engine(self, run: Run) -> AwxEngine:
        return self._engines["vanished" if run.fate == "vanished" else "others"]

    def play(self, runs: int) -> list[str]:
        """Do so many runs, some at a time."""
        waiting = [self._drawn() for _ in range(runs)]
        going: list[Run] = []
        wrong: list[str] = []
        while waiting or going:
            while waiting and len(going) < AT_ONCE:
                if not self._begin(waiting[-1]):
                    break
                going.append(waiting.pop())
            for engine in self._engines.values():
                engine.poll()
            for run in list(going):
                self._disturb(run)
                if _of(run).is_finished:
                    going.remove(run)
                    wrong += self._judge(run)
                elif time.monotonic() - run.since > _NEVER:
                    return [f"{self._name(run)}: it does not end: {_of(run).message}"]
            if self._dice.random() < 0.002:
                self._restart(going)
            time.sleep(0.03)
        return wrong + self._judge_all()

    def _drawn(self) -> Run:
        dice = self._dice
        return Run(
            fate=dice.choice(sorted(STATES)),
            disorder=dice.choice(DISORDERS),
            kills=[dice.uniform(0, 1.5) for _ in range(dice.choice((0, 0, 0, 1, 2)))],
            cancel=dice.uniform(0, 1.5) if dice.random() < 0.15 else None,
        )

    def _begin(self, run: Run) -> bool:
        """Submit a job; tell whether AWX is known to answer now."""
        number = len(self._runs)
        timeout = _TIMEOUT.get(run.fate, _NEVER)
        asked = request("get_report", f"a{number}", f"b{number}", timeout=timeout, changes=True)
        run.since = time.monotonic()
        try:
            run.completion = self._engine(run).submit(asked)
        except NotReady:
            return False
        self._runs[run.completion.job_id] = run
        return True

    def _choose(self, job: Job) -> tuple[str, str]:
        for job_id, run in self._runs.items():
            if job_id in job.row["extra_vars"] or self._inventory_of(job_id, job):
                return (run.fate if run.fate in FATES else "good"), run.disorder
        return "good", "none"

    def _inventory_of(self, job_id: str, job: Job) -> bool:
        rows = self.site.server.store.objects["inventories"]
        return job_id in str(rows.get(job.row["inventory"] or 0, {}).get("name"))

    def _sabotage(self, body: dict) -> dict:
        job_id = str(body.get("extra_vars", {}).get("ceph_orch_job"))
        run = self._runs.get(job_id)
        return SABOTAGES.get(run.fate, {}) if run is not None else {}

    def _disturb(self, run: Run) -> None:
        passed = time.monotonic() - run.since
        if run.kills and passed > min(run.kills):
            run.kills.remove(min(run.kills))
            self._kill(run)
        if run.cancel is not None and passed > run.cancel:
            self._engine(run).cancel(_of(run).job_id)
            run.cancel = None
            run.disorder = "cancelled"

    def _kill(self, run: Run) -> None:
        """Kill the worker, wherever it is."""
        following = self._engine(run)._active.get(_of(run).job_id)
        if following is not None and following.child is not None:
            following.child.kill_worker()

    def _restart(self, going: list[Run]) -> None:
        """Go on with other engines, as a manager does that was killed."""
        self._engines = self._new_engines()
        for run in going:
            run.completion = self._engine(run).completion(_of(run).job_id)

    # -- what has to be true

    def _judge(self, run: Run) -> list[str]:
        """Return what is wrong with a run that has ended."""
        status, name = _of(run).status, self._name(run)
        expected = {STATES[run.fate]}
        if run.disorder == "cancelled":
            expected.add(JobStatus.CANCELLED)
        wrong: list[str] = []
        launched = self._launched(run)
        if run.fate == "vanished" and _of(run).message.startswith("not started: AWX at "):
            # AWX was silent for its whole short patience, and that is what it says.
            return [f"{name}: it was launched"] if launched else []
        if status not in expected:
            wrong.append(f"{name}: it is {status.value}: {_of(run).message}")
        if len(launched) > 1:
            wrong.append(f"{name}: it was launched {len(launched)} times")
        if not launched and status is not JobStatus.CANCELLED:
            wrong.append(f"{name}: it was not launched: {_of(run).message}")
        for job in launched:
            if job.status(time.monotonic()) not in FINAL and run.fate != "vanished":
                wrong.append(f"{name}: AWX still has it as {job.status(time.monotonic())}")
            if not set(job.hosts) <= set(_of(run).record.request.hosts):
                wrong.append(f"{name}: it ran on {sorted(job.hosts)}")
        return wrong

    def _judge_all(self) -> list[str]:
        known = {job.id for run in self._runs.values() for job in self._launched(run)}
        strays = [job.id for job in self.site.jobs() if job.id not in known]
        strays += [
            job.id for job in list(self.site.server.routes.jobs.jobs.values()) if not job.hosts
        ]
        return [f"AWX has jobs that nobody asked for: {strays}"] if strays else []

    def _launched(self, run: Run) -> list[Job]:
        job_id = _of(run).job_id
        hosts = set(_of(run).record.request.hosts)
        jobs = list(self.site.server.routes.jobs.jobs.values())
        return [job for job in jobs if job_id in job.row["extra_vars"] or set(job.hosts) & hosts]

    def _name(self, run: Run) -> str:
        return f"{_of(run).job_id} ({run.fate}, {run.disorder})"

    def stop(self) -> None:
        """Serve no more."""
        self.site.stop()


def _of(run: Run) -> Completion:
    assert run.completion is not None
    return run.completion
