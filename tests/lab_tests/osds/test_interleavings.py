"""A few interleavings of ``osd rm`` with other administrators and with what breaks.

The whole run: ``python -m tests.lab_tests.osds.interleavings --count 200 --seed 7``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.lab_tests.lab_client import Lab
from tests.lab_tests.osds.interleaving_plan import Event, Moment, Plan, Request, Slot
from tests.lab_tests.osds.interleavings import Interleavings
from tests.lab_tests.osds.osd_lab import Osds

TARGET = Slot(1, 0)
SINGLE = Request(TARGET, zap=True, replace=False, force=False)
REPLACED = Request(TARGET, zap=True, replace=True, force=False)


def event(kind: str, stage: str, seconds: float = 6.0, value: str = "") -> Event:
    return Event(kind, Moment(stage, 0.0), TARGET, seconds, value)


def a_plan(number: int, request: Request, *events: Event) -> Plan:
    return Plan(0, number, False, (request,), events)


# Plans, and what must be seen in each: one whose events do not come about proves nothing.
PLANS = {
    # Attack A2: data comes back while the job that stops the daemon waits for the host's disks.
    "weight given back while it is stopped": (
        a_plan(
            1,
            SINGLE,
            event("lock", "", 20.0),
            event("crush-reweight", "stopping", value="0.0078"),
        ),
        {"rm: taken", "lock: done", "crush-reweight: done"},
    ),
    "purged by somebody else while nothing moves": (
        a_plan(
            2, SINGLE, event("flag", "", 12.0, "nobackfill,norecover"), event("purge", "draining")
        ),
        {"rm: taken", "flag: done", "purge: done"},
    ),
    "disk gone while it is wiped": (
        a_plan(3, SINGLE, event("vanish", "cleaning", 4.0)),
        {"rm: taken", "vanish: done"},
    ),
    "stopped while its job is killed": (
        # The lock keeps the job from ending before it is killed.
        a_plan(
            4,
            REPLACED,
            event("lock", "", 12.0),
            event("kill-job", "stopping"),
            event("stop", "stopping"),
        ),
        {"rm: taken", "lock: done", "kill-job: killed", "stop: taken"},
    ),
}


@pytest.fixture(scope="module")
def running(lab: Lab, osds_of_lab: Osds) -> Iterator[Interleavings]:
    """Return the lab with three OSDs a host and the pools of interleavings."""
    osds_of_lab.empty()
    found = Interleavings(lab)
    found.prepare()
    yield found
    found.leave()
    found.close()


@pytest.mark.parametrize("name", PLANS)
def test_an_interleaving(running: Interleavings, name: str) -> None:
    wanted, seen = PLANS[name]
    running.begin(wanted)
    result = running.run(wanted)
    print("\n".join(result.lines(story=True)))
    assert result.wrong == []
    assert [line for line in result.story if ": refused:" in line] == []
    assert seen <= {re.sub(r" osd\.\d+:", ":", line) for line in result.story}
