"""Daily work at random, from a seed, against a model of what must hold.

::

    LAB=name python -m tests.lab_tests.daily.daily_work --seed 7 --minutes 60 [--stretch N]

Needs a lab of three full hosts with the backend installed and OSDs. Services are applied, changed,
scaled, renamed, restarted and removed, labels come and go, daemons are killed and settings edited
by hand, managers are killed and fail over: some acts in a row, then it is waited until everything
is as it is wanted. At the end all services are removed, and nothing of them may be left.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.lab_tests.daily.daily_ground import Ground
from tests.lab_tests.daily.daily_model import Act, Model
from tests.lab_tests.daily.daily_verdict import Verdict
from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.services.service_lab import Services

IN_A_ROW = (1, 2, 3, 4)


class DailyWork:
    """One run on one lab."""

    def __init__(self, lab: Lab, services: Services, seed: int) -> None:
        self.lab = lab
        self.ground = Ground(lab, services)
        self.model = Model(tuple(lab.hosts()))
        self.chance = random.Random(seed)
        self.wrong: list[str] = []
        self.acts = 0

    def run(self, seconds: float, stretches: int = 10**6) -> list[str]:
        """Work for so long, or so many stretches, and return what was wrong."""
        before = self.ground.prepare()
        verdict = Verdict(self.ground, self.model)
        until = time.monotonic() + seconds
        number = 0
        while number < stretches and time.monotonic() < until and not self.wrong:
            number += 1
            self._stretch(number, verdict)
        self.wrong += [f"{each} is lost" for each in self.ground.lost_objects()]
        if not self.wrong:
            self._remove_all(before)
        self.ground.leave()
        return self.wrong

    def _stretch(self, number: int, verdict: Verdict) -> None:
        began = time.monotonic()
        acts = [self._act() for _ in range(self.chance.choice(IN_A_ROW))]
        wrong = verdict.wait()
        took = time.monotonic() - began
        word = "WRONG" if wrong else "ok"
        print(f"{number:4d} {word:6s}{took:6.1f} s  {'; '.join(map(str, acts))}", flush=True)
        if wrong:
            for line in self.ground.story[-12:]:
                print(f"       seen:  {line}")
            for line in wrong:
                print(f"       wrong: {line}", flush=True)
        self.wrong += wrong

    def _act(self) -> Act:
        act = self.model.draw(self.chance)
        self.acts += 1
        self.ground.do(
            act, self.model.services.get(act.value if act.kind == "rename" else act.what)
        )
        return act

    def _remove_all(self, before: object) -> None:
        """Remove every service and label; nothing of them may be left."""
        for name in self.model.services:
            self.lab.ok("orch", "rm", name)
        for host, labels in self.model.labels.items():
            for label in labels:
                self.lab.ok("orch", "host", "label", "rm", host, label)

        def is_as_before() -> bool:
            now = self.ground.traces()
            assert now == before, f"left: {now}, before: {before}"
            return True

        try:
            wait_until("nothing is left", is_as_before, self.lab.patience(90), every=2.0)
        except AssertionError as error:
            self.wrong.append(str(error))


def main() -> int:
    """Do the work that the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--stretches", type=int, default=10**6)
    options = parser.parse_args()
    lab = Lab(os.environ.get("LAB") or "demo", Path(tempfile.mkdtemp(prefix="daily-")))
    services = Services(lab)
    work = DailyWork(lab, services, options.seed)
    began = time.monotonic()
    try:
        wrong = work.run(options.minutes * 60, options.stretches)
    finally:
        services.close()
        lab.close()
    took = time.monotonic() - began
    print(f"seed {options.seed}: {work.acts} acts in {took:.0f} s, {len(wrong)} wrong")
    for line in wrong:
        print(f"  {line}"[:3000])
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
