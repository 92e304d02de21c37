"""Interleavings of ``osd rm`` with other administrators and with what breaks, from a seed.

::

    LAB=name python -m tests.lab_tests.osds.interleavings --count 200 --seed 7 [--only N]

Needs a lab of three full hosts with three disks each, with the backend installed. Every
interleaving begins on six OSDs and four pools (of one, two and three copies, and coded). When it
is over: no object that the monitors did not allow to be lost is lost, no disk is wiped that should
not be, every queue has ended or says what it waits for, and every OSD that should live does.
"""

from __future__ import annotations

import argparse
import collections
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab_tests.lab_client import Lab
from tests.lab_tests.osds.interleaving_agent import Agent
from tests.lab_tests.osds.interleaving_events import Others, Standing
from tests.lab_tests.osds.interleaving_ground import NEEDED, Ground
from tests.lab_tests.osds.interleaving_oracle import Oracle
from tests.lab_tests.osds.interleaving_plan import STAGES, Event, Plan, Slot, plan
from tests.lab_tests.osds.interleaving_verdict import Verdict

# What is bound to a stage that a removal never reaches happens after so long all the same.
LONGEST_WAIT = 8.0
LOOK = 0.1
CRASHES = (
    "cd /var/lib/ceph/crash 2>/dev/null || exit 0; "
    """grep -ls '"mgr_module": "ansible"' */meta posted/*/meta || true; """
    """grep -Ls '"mgr_module"' */meta posted/*/meta || true"""
)


@dataclass
class Result:
    """What came of one interleaving."""

    plan: Plan
    wrong: list[str]
    story: list[str] = field(default_factory=list)
    outcome: str = ""
    seconds: float = 0.0
    restored: float = 0.0

    def lines(self, story: bool = False) -> Iterator[str]:
        """Yield what is printed of it; the ``story`` of one that did not fail only if asked for."""
        word = "FAILED" if self.wrong else "ok"
        took = f"{self.seconds:.1f}+{self.restored:.1f} s"
        yield f"{self.plan.number:4d} {word:6s} {took:>12s}  {self.plan}  => {self.outcome}"
        yield from (f"       wrong: {each}" for each in self.wrong)
        if self.wrong or story:
            yield from (f"       seen:  {each}" for each in self.story)
        if self.wrong:
            yield f"       again: --seed {self.plan.seed} --only {self.plan.number}"


class Interleavings:
    """Run interleavings on one lab, one after the other."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.agent, self._watching = Agent(lab), Agent(lab)
        self.ground = Ground(lab, self.agent)
        self.crashed = self._crashes()

    def prepare(self) -> None:
        """Bring the lab to where interleavings begin."""
        self.ground.prepare()

    def leave(self) -> None:
        """Take back what other tests of the lab do not expect."""
        self.ground.leave()

    def close(self) -> None:
        """End the connections."""
        self.agent.close()
        self._watching.close()

    def begin(self, wanted: Plan) -> None:
        """Let the hosts have as many OSDs as an interleaving begins with."""
        self.ground.begin(managed=wanted.managed)

    def run(self, wanted: Plan) -> Result:
        """Run one interleaving that was begun, judge it, and bring the lab back.

        What ends it early is wrong, too: nobody looks at the rest of it.
        """
        started = time.monotonic()
        slots = self.ground.slots()
        needed = {number: NEEDED.get(n, 1) for number, n in self.ground.pool_ids().items()}
        with Oracle(self._watching, self.ground.disks, needed) as oracle:
            others = Others(self.lab, self.agent, oracle, slots)
            verdict = Verdict(self.ground, oracle, others, slots)
            try:
                with self._maybe_managed(wanted):
                    self._carry_out(wanted, others, Timetable(wanted, oracle, slots))
                    verdict.judge()
            except AssertionError as error:
                verdict.wrong.append(f"it did not come to its end: {error}"[:600])
        result = Result(wanted, [*oracle.wrong, *verdict.wrong], others.story, verdict.outcome)
        result.story += oracle.wiped
        now = self._crashes()
        if now != self.crashed:
            result.wrong.append(f"a daemon or the module has crashed: {now}")
            self.crashed = now
        result.seconds = time.monotonic() - started
        try:
            self.ground.restore(verdict.lossy_pools)
        except AssertionError as error:
            result.wrong.append(str(error)[:600])
            self.prepare()
        result.restored = time.monotonic() - started - result.seconds
        return result

    @staticmethod
    def _carry_out(wanted: Plan, others: Others, timetable: Timetable) -> None:
        """Do what a plan says, and undo what lasts of it, however that ends."""
        try:
            for event in wanted.events:
                if event.is_there_before:
                    others.do(event)
            for request in wanted.requests:
                others.remove(request.slot, request.options)
            timetable.carry_out(others)
        finally:
            others.undo()

    def _crashes(self) -> str:
        """Return the reports of crashes, of daemons and of our module, as conftest.py does."""
        return "".join(self.lab.inside(host, CRASHES) for host in self.ground.hosts)

    @contextmanager
    def _maybe_managed(self, wanted: Plan) -> Iterator[None]:
        """Let the drive group make OSDs meanwhile where the plan says so."""
        if wanted.managed:
            self.ground.specify(managed=True)
        try:
            yield
        finally:
            if wanted.managed:
                self.ground.specify(managed=False)


class Timetable:
    """When the events of a plan are due, by the stages that are seen."""

    def __init__(self, wanted: Plan, oracle: Oracle, slots: dict[Slot, Standing]) -> None:
        self._oracle = oracle
        self._osds = [slots[request.slot].osd_id for request in wanted.requests]
        self._of_slot = {each.slot: slots[each.slot].osd_id for each in wanted.requests}
        self._left = [event for event in wanted.events if not event.is_there_before]
        self._reached: dict[Event, float] = {}
        self._started = time.monotonic()
        # A queue that was read before the removals were asked for says nothing about them.
        self._first_round = oracle.seen.rounds + 2

    def carry_out(self, others: Others) -> None:
        """Do each event at its moment, until all are done."""
        while self._left:
            due = [event for event in self._left if self._is_due(event)]
            for event in due:
                self._left.remove(event)
                others.do(event)
            if not due:
                time.sleep(LOOK)

    def _is_due(self, event: Event) -> bool:
        now = time.monotonic()
        if event not in self._reached and self._has_come(event, now):
            self._reached[event] = now
        return event in self._reached and now >= self._reached[event] + event.moment.delay

    def _has_come(self, event: Event, now: float) -> bool:
        if not event.moment.stage or now - self._started > LONGEST_WAIT:
            return True
        if self._oracle.seen.rounds < self._first_round:
            return False
        osd = self._of_slot.get(event.slot, self._osds[0])
        return self._oracle.stage(osd) >= STAGES.index(event.moment.stage)


def summary(results: list[Result]) -> Iterator[str]:
    """Yield what came of all of them."""
    events: collections.Counter[str] = collections.Counter()
    failed: collections.Counter[str] = collections.Counter()
    for result in results:
        kinds = {event.kind for event in result.plan.events}
        events.update(kinds)
        failed.update(kinds if result.wrong else ())
    yield f"{'event':16s} {'in':>5s} {'failed':>6s}"
    for kind, count in sorted(events.items()):
        yield f"{kind:16s} {count:5d} {failed[kind]:6d}"
    outcomes = collections.Counter(result.outcome for result in results)
    yield "outcomes: " + ", ".join(f"{count} {text}" for text, count in outcomes.most_common())
    bad = [result.plan.number for result in results if result.wrong]
    total = sum(result.seconds + result.restored for result in results)
    yield f"{len(results)} interleavings in {total:.0f} s, {len(bad)} failed: {bad or 'none'}"


def from_anew(running: Interleavings, wanted: Plan) -> Result:
    """Run an interleaving; where the lab is not as it should be before it, make it so and begin."""
    try:
        running.begin(wanted)
    except AssertionError as error:
        print(f"{wanted.number:4d} begins anew: {str(error)[:300]}", flush=True)
        running.prepare()
        running.begin(wanted)
    return running.run(wanted)


def main() -> int:
    """Run the interleavings that the command line names."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--first", type=int, default=0, help="the number to begin with")
    parser.add_argument("--only", type=int, help="repeat this one alone")
    parser.add_argument("--story", action="store_true", help="print what was done in each")
    options = parser.parse_args()
    first, count = options.first, options.count
    numbers = [options.only] if options.only is not None else range(first, first + count)
    lab = Lab(os.environ.get("LAB") or "demo", Path(tempfile.mkdtemp(prefix="interleave-")))
    running = Interleavings(lab)
    results = []
    try:
        running.prepare()
        for number in numbers:
            result = from_anew(running, plan(options.seed, number))
            results.append(result)
            print("\n".join(result.lines(options.story)), flush=True)
    except AssertionError as error:
        print(f"the lab cannot be used: {error}")
        return 2
    finally:
        print("\n".join(summary(results)))
        running.close()
        lab.close()
    return 1 if any(result.wrong for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
