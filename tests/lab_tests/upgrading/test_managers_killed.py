"""The active manager is killed at random points of an upgrade: the next one goes on."""

from __future__ import annotations

import math
import os
import random
import time

import pytest

from tests.lab_tests.lab_client import wait_until
from tests.lab_tests.maintenance.ground import Ground
from tests.lab_tests.upgrades.upgrade_lab import AFTER, NEXT, Upgrades
from tests.lab_tests.upgrading.upgrading_lab import (
    LATEST,
    LONGEST,
    assert_nothing_left,
    file_systems,
    kept,
    start,
    wait_over,
    wait_versions,
)

KILLS = int(os.environ.get("UPGRADE_KILLS") or 2)
# After that many more daemons have the version, and this long (seconds) after that.
MOST_SECONDS = 15.0
SECONDS = 1200.0
VERSIONS = (NEXT, AFTER, LATEST)

pytestmark = pytest.mark.usefixtures("at_first")


def kill(ground: Ground) -> None:
    """Kill the active manager; systemd starts it again, as often as it has to."""
    active = ground.active()
    lab = ground.lab
    lab.sh(active, f"systemctl reset-failed ceph-mgr@{active} || true")
    lab.sh(active, f"systemctl kill -s KILL ceph-mgr@{active}")
    print(f"killed mgr.{active}")


def rest(seconds: float) -> None:
    """Let an upgrade go on for a while."""
    end = time.monotonic() + seconds
    wait_until("the time has come", lambda: time.monotonic() > end, seconds + 5)


def done(ground: Ground, version: str) -> int:
    """Return how many daemons have the version."""
    found = ground.lab.ceph_json("versions")["overall"].items()
    return sum(count for name, count in found if name.split()[2] == version)


def upgrade_with_kills(ground: Ground, version: str, kills: int, chance: random.Random) -> int:
    """Upgrade, and kill managers meanwhile; return how many were.

    The points are spread over its daemons: how long it takes depends on what else runs here.
    """
    killed, count = 0, sum(ground.lab.ceph_json("versions")["overall"].values())
    start(ground.lab, version)
    for point in sorted(chance.randrange(count) for _ in range(kills)):
        wait_until(
            f"{point} of {count} daemons have {version}",
            lambda point=point: done(ground, version) >= point or not kept(ground.lab),  # type: ignore[misc]
            SECONDS,
        )
        rest(chance.uniform(0, MOST_SECONDS))
        wait_until("a manager is active", ground.active, 120)
        if kept(ground.lab):
            kill(ground)
            killed += 1
    wait_over(ground.lab)
    wait_versions(ground.lab, version)
    return killed


def test_managers_are_killed_at_random_points(ground: Ground, upgrades: Upgrades) -> None:
    lab = ground.lab
    lab.ok("fs", "set", "keep", "allow_standby_replay", "true")
    before, systems = ground.snapshot(), file_systems(lab)
    chance = random.Random(os.environ.get("SEED") or 7)
    killed, left = 0, [*VERSIONS]
    with ground.writing("h3", lab.patience(LONGEST)):
        while left and killed < KILLS:
            kills = math.ceil((KILLS - killed) / len(left))
            version = left.pop(0)
            upgrades.offer(version)
            upgrades.check(version)
            killed += upgrade_with_kills(ground, version, kills, chance)
    print(f"{killed} managers were killed")
    # Some points may be so late that there is no upgrade any more.
    assert killed >= 2 * KILLS // 3
    assert_nothing_left(lab)
    ground.assert_as_before(before)
    assert file_systems(lab) == systems
    lab.ok("fs", "set", "keep", "allow_standby_replay", "false")
    ground.wait_well()
