"""What jobs of before have stopped counts as down until the maps can show it."""

from __future__ import annotations

import time
from typing import Any, Dict, List

import pytest

from adapter.cluster.daemon_places import DaemonPlaces
from adapter.cluster.going_down import STOPPED_SEEN, GoingDown
from adapter.cluster.hosts import Host, Hosts
from adapter.cluster.reports import Reports
from adapter.cluster.store import MemoryStore
from adapter.engine.model import JobRecord, JobStatus, Request


class Engine:
    def __init__(self, *jobs: JobRecord) -> None:
        self._jobs = list(jobs)

    def jobs(self) -> List[JobRecord]:
        return self._jobs


def stop(ago: float, **other: Any) -> JobRecord:
    variables = {
        "daemon_action_action": "stop",
        "daemon_action_units": {"h2": ["ceph-mon@h2.service"]},
    }
    request = Request("daemon_action", (), variables)
    now = time.time()
    fields = {"started": now - ago - 1, "finished": now - ago, **other}
    return JobRecord("j1", request, JobStatus.SUCCEEDED, now - ago - 2, **fields)


@pytest.mark.parametrize(
    ("ago", "fields", "expected"),
    [
        (1, {}, ["h2"]),
        (STOPPED_SEEN - 20, {}, ["h2"]),
        (STOPPED_SEEN + 2, {}, []),
        # A clock that was set back: what is to come is not of before.
        (-600, {}, []),
        (1, {"started": None}, []),
    ],
)
def test_the_next_command_knows_what_the_one_before_has_stopped(
    ago: float, fields: Dict[str, Any], expected: List[str]
) -> None:
    job = stop(ago, **fields)
    hosts = Hosts(MemoryStore())
    hosts.save(Host("h2", "10.0.0.2"))
    going = GoingDown(DaemonPlaces(hosts, Reports()), Engine(job))  # type: ignore[arg-type]
    going.read_jobs()
    assert going.of("mon") == expected
