"""Time jobs of the engine that runs them in AWX, against a stand-in whose jobs take a known time.

What the engine adds is what a job takes from its submission until its result is known, less what
AWX has taken from the launch until its own status was final. Requests are counted where they
arrive. As in AWX, the last event is there before the status is final, and that before AWX says that
it has written all events.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Dict, Iterator, List

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(Path(__file__).parent), str(ROOT)]

from reads import fill, percentiles  # noqa: E402

from adapter.cluster.store import MemoryStore  # noqa: E402
from adapter.core import Core  # noqa: E402
from adapter.engine.access import MemoryAccess  # noqa: E402
from adapter.engine.awx_place import AwxPlace  # noqa: E402
from adapter.engine.switched import SwitchedEngine, Where  # noqa: E402
from adapter.orchestrator import AnsibleOrchestrator  # noqa: E402
from adapter.settings import Settings  # noqa: E402
from tests.awx.engines import CONTENT, AwxSite, request  # noqa: E402
from tests.awx.jobs import Job  # noqa: E402
from tests.awx.plans import Planned  # noqa: E402
from tests.awx.troubles import SLOW  # noqa: E402

# Seconds of a job in AWX: until it begins, from its last event to its end, and until all events
# are written.
_BEGINS, _LAST_EVENT, _PROCESSED = 0.5, 0.8, 1.5
_SLOW = 5.0
_READS = ("get_hosts", "get_inventory", "list_daemons")


class Timed(Planned):
    """A runner whose jobs take so many seconds after they have begun."""

    def __init__(self, seconds: float) -> None:
        super().__init__(lambda job: ("good", "none"), seconds)
        self.launched: Dict[int, float] = {}

    def begin(self, job: Job) -> None:
        """Make the plan of a job."""
        super().begin(job)
        now = self.launched[job.id] = time.monotonic()
        plan = job.plan
        plan.start_at = now + _BEGINS
        plan.end_at = plan.start_at + self.pace
        plan.processed_at = plan.end_at + _PROCESSED
        step = (self.pace - _LAST_EVENT) / len(plan.events)
        plan.events = [
            (plan.start_at + step * number, event)
            for number, (_, event) in enumerate(plan.events, 1)
        ]

    def own_time(self, job: Job) -> float:
        """Return how long AWX has had a job."""
        assert job.plan.end_at is not None
        return job.plan.end_at - self.launched[job.id]


class Heard:
    """The requests that arrive at a stand-in, by their times and without those of the look.

    The engine looks four times a minute whether AWX is there, however many jobs it has.
    """

    def __init__(self, site: AwxSite) -> None:
        self.times: List[float] = []
        answer = site.server.answer

        def heard(method: str, path: str, text: bytes, headers: Any) -> Any:
            if "/me/" not in path:
                self.times.append(time.monotonic())
            return answer(method, path, text, headers)

        site.server.answer = heard  # type: ignore[method-assign]

    def most(self, seconds: float) -> float:
        """Return the most requests a second that came within so many seconds."""
        counts = Counter(int(begin / seconds * 2) + half for begin in self.times for half in (0, 1))
        return max(counts.values()) / seconds


@contextmanager
def _site(seconds: float) -> Iterator[tuple[AwxSite, Timed]]:
    top = Path(tempfile.mkdtemp(prefix="bench-awx-"))
    timed = Timed(seconds)
    site = AwxSite(top, timed)
    try:
        yield site, timed
    finally:
        site.stop()
        shutil.rmtree(top, ignore_errors=True)


def _as_sites_have_it(site: AwxSite) -> AwxPlace:
    """Return the place with the deadlines and the pace of the product."""
    return AwxPlace(url=site.server.url, organization="Storage", secret_file=str(site.token))


def one_job(seconds: float, times: int) -> Dict[str, float]:
    """Return medians of one job at a time: seconds more than AWX's own, and requests.

    ``own`` is AWX's own time, ``before`` the part of the seconds before the launch, ``beyond`` are
    the requests beyond one for each second of AWX's own time. No two jobs end at the same moment
    between two looks.
    """
    more, before, requests, own, beyond = [], [], [], [], []
    with _site(seconds) as (site, timed):
        engine = site.engine(site.top / "state", _as_sites_have_it(site))
        assert engine.ready() == ""
        heard = Heard(site)
        for number in range(times + 1):
            timed.pace = seconds + number / times
            heard.times.clear()
            began = time.monotonic()
            job = engine.submit(request("get_report", "h1", "h2", changes=True))
            while not job.is_finished:
                engine.poll()
                time.sleep(0.02)
            took = time.monotonic() - began
            assert job.exception is None, job.message
            (run,) = site.jobs(job.job_id)
            # The first one compiles what it loads.
            if number:
                own.append(timed.own_time(run))
                more.append(took - own[-1])
                before.append(timed.launched[run.id] - began)
                requests.append(len(heard.times))
                beyond.append(requests[-1] - own[-1])
    figures = {"more": more, "before": before, "requests": requests, "own": own, "beyond": beyond}
    return {name: statistics.median(each) for name, each in figures.items()}


def many_jobs(count: int, seconds: float) -> Dict[str, float]:
    """Return requests a second, on average and in the busiest ten seconds, of jobs at once."""
    with _site(seconds) as (site, _):
        engine = site.engine(site.top / "state", _as_sites_have_it(site))
        assert engine.ready() == ""
        heard = Heard(site)
        began = time.monotonic()
        jobs = [
            engine.submit(request("get_report", f"a{number}", f"b{number}", changes=True))
            for number in range(count)
        ]
        while engine.poll():
            time.sleep(0.05)
        took = time.monotonic() - began
        assert all(job.exception is None for job in jobs)
        assert len(site.jobs()) == count
    total = len(heard.times)
    return {"average": total / took, "most": heard.most(10.0), "took": took, "each": total / count}


def slow_reads() -> Dict[str, float]:
    """Return the slowest read in ms (99th percentile) while AWX takes 5 s to answer.

    ``ratio`` is its median against the same with an AWX that answers at once. The engine is that of
    managers.
    """
    p50, p99 = {}, {}
    with _site(1.0) as (site, _):
        for name in ("quick", "slow"):
            site.server.troubles = (lambda method, path: SLOW) if name == "slow" else None
            site.server.slowness = _SLOW
            state = site.top / name
            engine = SwitchedEngine(state, CONTENT, site.ssh(state), python=sys.executable)
            engine.use(Where(_as_sites_have_it(site)))
            core = Core(
                store=MemoryStore(),
                engine=engine,
                ssh=MemoryAccess(),
                settings=Settings(),
                actor="bench",
                reports_directory=state,
            )
            fill(core)
            orchestrator = AnsibleOrchestrator(core)
            for read in ("available", *_READS):
                figures = percentiles(partial(_read, engine, getattr(orchestrator, read)))
                p50[name, read], p99[name, read] = figures["p50"], figures["p99"]
    slowest = max(
        ("get_hosts", "get_inventory", "list_daemons"), key=lambda each: p99["slow", each]
    )
    ratio = p50["slow", slowest] / p50["quick", slowest]
    return {"p99": max(p99["slow", slowest], p99["slow", "available"]), "ratio": ratio}


def _read(engine: SwitchedEngine, call: Any) -> None:
    """Read something as a manager does, whose loop looks at its engine meanwhile."""
    engine.poll()
    assert not getattr(call(), "exception_str", "")
