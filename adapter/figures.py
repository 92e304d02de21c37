"""The backend's own figures, in the text format that Prometheus reads.

All of it is read from memory under the lock; nothing waits for a host or for the monitors.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import Any, Iterable, List, Mapping, NamedTuple, Sequence, Tuple

from adapter.cluster.hosts import Host
from adapter.core import Core
from adapter.engine.completion import Completion
from adapter.engine.model import JobRecord, JobStatus

_PREFIX = "ceph_orch_ansible_"
# What `ceph orch` shows of a host; its packages are read more seldom.
_PARTS = ("facts", "devices", "daemons")
_HOST = "hostname"


class Figure(NamedTuple):
    """One figure: its name without the common beginning, what it says, and its values.

    Each value has its labels.
    """

    name: str
    says: str
    values: Sequence[Tuple[Mapping[str, str], float]]
    is_counter: bool = False

    def lines(self) -> List[str]:
        """Return the figure as Prometheus reads it."""
        full = _PREFIX + self.name
        kind = "counter" if self.is_counter else "gauge"
        head = [f"# HELP {full} {self.says}", f"# TYPE {full} {kind}"]
        return [
            *head,
            *(f"{full}{_labels(labels)} {_number(value)}" for labels, value in self.values),
        ]


class Figures:
    """The figures of a ``Core``; it counts the jobs that end from now on."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._lock = threading.Lock()
        self._ended: Counter[Tuple[str, str]] = Counter()
        self._round = time.time()
        self._problems = 0
        core.follow_jobs(self._follow)

    def round_done(self, problems: int) -> None:
        """Note that a round of the loop has ended, and how many of its parts go wrong."""
        self._round, self._problems = time.time(), problems

    def text(self) -> str:
        """Return all figures as they are now."""
        lines = [line for each in self._all(time.time()) for line in each.lines()]
        return "\n".join(lines) + "\n"

    def _follow(self, completion: Completion) -> None:
        counted = threading.Event()

        def look(job: Completion) -> None:
            record = job.record
            with self._lock:
                if not record.status.final or counted.is_set():
                    return
                counted.set()
                self._ended[(record.request.operation, record.status.value)] += 1

        completion.on_change(look)

    def _all(self, now: float) -> List[Figure]:
        core = self._core
        found = [*self._rounds(), *_of_jobs(core.engine.jobs(), now), self._jobs_ended()]
        with core.lock:
            return [*found, *self._of_hosts(core.hosts.all(), now), *self._of_failures()]

    def _rounds(self) -> List[Figure]:
        core = self._core
        return [
            _one("last_round_timestamp_seconds", "When the loop did its last round.", self._round),
            _one("round_problems", "Parts of the loop that go wrong.", self._problems),
            _one("paused", "Whether nothing is done by itself.", core.paused),
            _one(
                "report_interval_seconds",
                "The age at which reports of hosts are taken again.",
                core.settings.report_interval,
            ),
        ]

    def _jobs_ended(self) -> Figure:
        with self._lock:
            found = sorted(self._ended.items())
        return Figure(
            "jobs_ended_total",
            "Jobs that have ended since this manager took over.",
            [
                ({"operation": operation, "status": status}, count)
                for (operation, status), count in found
            ],
            is_counter=True,
        )

    def _of_hosts(self, hosts: Iterable[Host], now: float) -> List[Figure]:
        core, ages = self._core, []
        names = [host.hostname for host in hosts]
        offline = core.liveness.offline()
        for name in names:
            report = core.reports.get(name)
            taken = (
                [report.taken[part] for part in _PARTS if part in report.taken] if report else []
            )
            if taken:
                ages.append(({_HOST: name}, max(0.0, now - min(taken))))
        held = {name for name in names if core.is_held(name)}
        return [
            _by_host("host_online", "Whether a host answers.", names, {*names} - {*offline}),
            _by_host("host_in_maintenance", "Whether a host is in maintenance.", names, held),
            Figure("host_report_age_seconds", "How old a host's report is.", ages),
            _by_host(
                "host_report_failed",
                "Whether a host could not be reported when that was last tried.",
                names,
                core.refresh.errors(),
            ),
        ]

    def _of_failures(self) -> List[Figure]:
        core = self._core
        failing = Counter(each.service for each in core.service_failures.all())
        for each in core.specs.all():
            failing.setdefault(each.name, 0)
        return [
            _one("job_failures", "What failed in jobs and is not settled yet.", len(core.failures)),
            Figure(
                "service_failures",
                "On how many hosts something of a service fails.",
                [({"service": name}, count) for name, count in sorted(failing.items())],
            ),
            _one("osd_removals", "OSDs in the removal queue.", len(core.removals.all())),
        ]


def _of_jobs(jobs: Iterable[JobRecord], now: float) -> List[Figure]:
    counts = Counter({status.value: 0 for status in JobStatus})
    waits = [0.0]
    for job in jobs:
        counts[job.status.value] += 1
        if job.status is JobStatus.QUEUED:
            waits.append(now - job.created)
    return [
        Figure(
            "jobs",
            "Jobs whose records are kept, by state.",
            [({"status": status}, count) for status, count in sorted(counts.items())],
        ),
        _one("longest_wait_seconds", "How long a job has been in the queue, at most.", max(waits)),
    ]


def _one(name: str, says: str, value: float) -> Figure:
    return Figure(name, says, [({}, value)])


def _by_host(name: str, says: str, hosts: Iterable[str], those: Any) -> Figure:
    return Figure(name, says, [({_HOST: host}, host in those) for host in hosts])


def _labels(labels: Mapping[str, str]) -> str:
    said = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items())
    return f"{{{said}}}" if said else ""


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:.3f}"
