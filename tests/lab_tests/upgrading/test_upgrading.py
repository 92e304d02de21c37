"""A cluster is upgraded while a client writes: nothing is lost, and nothing is left behind.

The tests follow each other: each begins with the version that the one before has brought.
"""

from __future__ import annotations

import contextlib

import pytest

from tests.lab_tests.lab_client import wait_until
from tests.lab_tests.maintenance.ground import Ground
from tests.lab_tests.test_playbooks import by_hand, recap
from tests.lab_tests.upgrades.upgrade_lab import AFTER, NEXT, NOW, Upgrades
from tests.lab_tests.upgrading.upgrading_lab import (
    HOSTS,
    LATEST,
    LONGEST,
    OLD_CLIENT,
    assert_nothing_left,
    kept,
    left,
    older_releases,
    start,
    status,
    versions,
    wait_over,
    wait_paused,
    wait_versions,
    with_old_keys,
)

pytestmark = pytest.mark.usefixtures("at_first")

# Those of older releases take longer (seconds) to find another monitor.
OLD_LONGEST = 30.0


def test_what_speaks_against_it_is_said_and_nothing_is_done(
    ground: Ground, upgrades: Upgrades
) -> None:
    lab = ground.lab
    upgrades.offer(NEXT, "h1", "h2")
    upgrades.check(NEXT)
    lab.sh("h1", "apt-mark hold ceph-mon >/dev/null")
    upgrades.check(NEXT)
    said = upgrades.refused("start", "--ceph-version", NEXT)
    assert "h1: kept as they are by the administrator: ceph-mon" in said
    assert f"h3: no repository there has {NEXT}" in said
    assert "come first" in upgrades.refused(
        "start", "--ceph-version", NEXT, "--daemon-types", "osd"
    )
    assert "packages have no images" in upgrades.refused("start", "quay.io/ceph/ceph:v20")
    assert "nothing says to which version" in upgrades.refused("start")
    assert "No upgrade is under way" in upgrades.refused("pause")
    assert not kept(lab)


def test_a_playbook_in_check_mode_changes_no_package(ground: Ground, upgrades: Upgrades) -> None:
    lab = ground.lab
    upgrades.offer(NEXT)
    for host in HOSTS:
        lab.sh(host, "apt-get -q update >/dev/null")
    words = ("--check", "-e", f"host_upgrade_version={NEXT}")
    # It asks each host about each kind of daemon, one host at a time.
    answer = by_hand(lab, ("upgrade_start",), *words, seconds=lab.patience(300))
    assert recap(answer, *HOSTS) >= len(HOSTS)
    assert all(NOW in lab.sh(host, "ceph --version") for host in HOSTS)
    assert left(lab) == {}


def test_a_whole_upgrade_under_clients_of_this_and_of_older_releases(
    ground: Ground, upgrades: Upgrades
) -> None:
    lab = ground.lab
    upgrades.offer(NEXT)
    assert upgrades.check(NEXT)["obstacles"] == []
    before, worst = ground.snapshot(), lab.patience(LONGEST)
    with contextlib.ExitStack() as clients:
        clients.enter_context(with_old_keys(lab))
        clients.enter_context(ground.writing("h3", worst))
        for command in older_releases().values():
            clients.enter_context(
                ground.writing("", OLD_LONGEST, command=command, entity=OLD_CLIENT)
            )
        start(lab, NEXT)
        wait_over(lab)
    wait_versions(lab, NEXT)
    assert_nothing_left(lab)
    ground.assert_as_before(before)
    ground.wait_well()


def test_pause_and_resume_and_what_is_refused_meanwhile(ground: Ground, upgrades: Upgrades) -> None:
    lab = ground.lab
    upgrades.offer(AFTER)
    upgrades.check(AFTER)
    before = versions(lab, "osd")
    start(lab, AFTER, "--daemon-types", "mgr,mon")
    said = lab.ceph("orch", "host", "maintenance", "enter", "h3")
    assert "under way" in said.err, said
    lab.ok("orch", "upgrade", "pause")
    assert status(lab)["is_paused"]
    lab.ok("orch", "upgrade", "resume")
    wait_over(lab)
    assert versions(lab, "mon") == {AFTER}
    assert versions(lab, "osd") == before
    start(lab, AFTER)
    wait_over(lab)
    wait_versions(lab, AFTER)
    assert_nothing_left(lab)


def test_a_package_that_fails_pauses_it_and_can_be_stopped_there(
    ground: Ground, upgrades: Upgrades
) -> None:
    lab = ground.lab
    (there,) = versions(lab)
    upgrades.offer(LATEST, "--broken", "ceph-mds")
    upgrades.check(LATEST)
    start(lab, LATEST)
    said = wait_paused(lab)
    assert "host h" in said, said
    assert "made to fail" in said, said
    wait_until("health says it", lambda: "UPGRADE_EXCEPTION" in lab.ok("health", "detail"), 60)
    stopped = lab.ok("orch", "upgrade", "stop")
    assert f"run {there}" in stopped
    # The command does not wait for long until hosts have put back what there is.
    wait_until("it is stopped", lambda: not kept(lab), 300)

    def only_halfway() -> bool:
        found = left(lab)
        assert set(found) == {"halfway"}, found
        return True

    wait_until("nothing is left but packages that are halfway", only_halfway, 60, every=1.0)
    ground.wait_well()
