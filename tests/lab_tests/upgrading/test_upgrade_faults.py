"""What goes wrong in an upgrade: it pauses with host, step and cause, and goes on from there.

The tests follow each other, with one upgrade after the other; each goes on with what the one before
has left paused, or begins anew.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.maintenance.ground import Ground
from tests.lab_tests.maintenance.test_maintenance import activate, standby
from tests.lab_tests.upgrades.upgrade_lab import AFTER, NEXT, NOW, Upgrades
from tests.lab_tests.upgrading.upgrading_lab import (
    HOSTS,
    LATEST,
    LONGEST,
    OSDS_EACH,
    assert_nothing_left,
    count_at,
    file_systems,
    kept,
    start,
    status,
    versions,
    wait_message,
    wait_over,
    wait_paused,
    wait_versions,
    with_old_keys,
    without_repositories,
)

SECONDS = 1200.0
# Waits until dpkg has begun with Ceph's packages, then kills.
BEGUN = """
end=$(($(date +%s) + 900))
until dpkg-query -W -f '${source:Package} ${db:Status-Status}\\n' | grep -qE '^ceph (half|unpack)'
do [ "$(date +%s)" -lt $end ] || exit 9; sleep 0.2; done
"""
KILLED = {
    "the package manager": "systemctl kill -s KILL --kill-whom=all ceph-orch-packages.service",
    "the module": "kill -KILL $(ps -o ppid= -p $(pgrep -x systemd-run))",
}

pytestmark = pytest.mark.usefixtures("at_first")


@pytest.fixture(scope="module")
def offered(at_first: Ground) -> Iterator[Upgrades]:
    """Return what hosts are offered, from the first test to the last one."""
    found = Upgrades(at_first.lab)
    found.offer(NEXT)
    found.check(NEXT)
    yield found
    at_first.lab.ok("orch", "upgrade", "stop")
    found.take_back()


def on_disk(lab: Lab) -> dict[str, str]:
    """Return which version of Ceph each host has."""
    return {host: lab.sh(host, "ceph --version").split()[2] for host in HOSTS}


def test_a_repository_that_fails_is_named_before_anything_is_changed(
    ground: Ground, offered: Upgrades
) -> None:
    lab = ground.lab
    standby(ground)
    with without_repositories(lab, "h2"):
        start(lab, NEXT)
        said = wait_paused(lab)
    assert said.startswith("Error: UPGRADE_FAILED_PULL: "), said
    assert "host h2: " in said
    assert "host h1: " not in said
    wait_until("health says it", lambda: "UPGRADE_FAILED_PULL" in lab.ok("health", "detail"), 60)
    assert set(on_disk(lab).values()) == {NOW}
    assert_nothing_left(lab, paused=True)


def test_a_repository_that_fails_later_pauses_it_at_its_host(
    ground: Ground, offered: Upgrades
) -> None:
    """All hosts have fetched the packages before; the other host of the step gets them."""
    lab = ground.lab
    start(lab, NEXT)
    wait_until("hosts fetch the packages", lambda: record(lab).get("at_work"), SECONDS)
    lab.ok("orch", "upgrade", "pause")
    wait_until("they have them", lambda: is_fetched(lab), SECONDS)
    assert set(on_disk(lab).values()) == {NOW}
    with without_repositories(lab, "h2"):
        start(lab, NEXT)
        said = wait_paused(lab)
    assert said.startswith("Error: UPGRADE_EXCEPTION: "), said
    assert "host h2: " in said
    assert "host h3: " not in said
    assert on_disk(lab) == {"h1": NOW, "h2": NOW, "h3": NEXT}
    assert_nothing_left(lab, paused=True)


def record(lab: Lab) -> dict[str, Any]:
    """Return what the monitors keep of an upgrade; empty without any."""
    answer = lab.ceph("config-key", "get", "mgr/ansible/upgrade.current")
    found: dict[str, Any] = json.loads(answer.out) if answer.rc == 0 else {}
    return found


def is_fetched(lab: Lab) -> bool:
    """Tell whether all hosts have fetched the packages, and no job is at work."""
    there = record(lab)
    return bool(there.get("prepared")) and not there.get("at_work")


@pytest.mark.parametrize("what", KILLED)
def test_a_transaction_that_is_killed_is_gone_on_with(
    ground: Ground, offered: Upgrades, what: str
) -> None:
    """Kill it on the host of the manager that stands by, then on that of the other one."""
    lab = ground.lab
    host = next(each for each in ("h2", "h1") if on_disk(lab)[each] == NOW)
    start(lab, NEXT)
    answer = lab.ssh(host, "sh", "-euc", BEGUN + KILLED[what], seconds=SECONDS)
    assert answer.rc == 0, answer
    said = wait_paused(lab)
    assert said.startswith("Error: UPGRADE_EXCEPTION: "), said
    assert f"host {host}: " in said
    if what == "the package manager":
        assert lab.sh(host, "dpkg --audit") != ""
        assert_nothing_left(lab, paused=True)
    start(lab, NEXT)
    kind = "mgr." + host
    wait_until(
        f"{kind} is upgraded",
        lambda: not status(lab).get("is_paused") and version_of(lab, host) == NEXT,
        SECONDS,
    )
    assert lab.sh(host, "dpkg --audit") == ""
    lab.ok("orch", "upgrade", "pause")
    assert_nothing_left(lab, paused=True)


def version_of(lab: Lab, manager: str) -> str:
    """Return which version a manager runs."""
    answer = lab.ceph("mgr", "metadata", manager)
    return "".join(each for each in (NOW, NEXT) if f"version {each} " in answer.out)


def test_pause_in_the_middle_then_stop_and_a_third_version(
    ground: Ground, offered: Upgrades
) -> None:
    lab = ground.lab
    with ground.writing("h3", lab.patience(LONGEST)):
        start(lab, NEXT)
        wait_message(lab, "restarting osd.")
        lab.ok("orch", "upgrade", "pause")
        # What was begun ends, and takes its flags away.
        assert_nothing_left(lab, paused=True)
        count = count_at(lab, "osd", NEXT)
        assert 0 < count < OSDS_EACH * len(HOSTS)
        assert status(lab)["is_paused"]
        offered.offer(f"{NEXT},{AFTER}")
        offered.check(AFTER)
        said = offered.refused("start", "--ceph-version", AFTER)
        assert f"An upgrade to {NEXT}" in said
        assert "`ceph orch upgrade stop`" in said
        assert count_at(lab, "osd", NEXT) == count
        said = lab.ok("orch", "upgrade", "stop")
        assert f"run {NOW}" in said
        assert f"run {NEXT}" in said
        assert "a newer version runs already" in offered.refused("start", "--ceph-version", NOW)
        assert_nothing_left(lab)
        assert "come first" in offered.refused(
            "start", "--ceph-version", AFTER, "--daemon-types", "osd"
        )
        start(lab, AFTER, "--daemon-types", "mgr,mon")
        wait_over(lab)
    assert versions(lab, "mon") == {AFTER}
    assert_nothing_left(lab)


def test_checks_of_old_keys_that_are_raised_meanwhile_are_muted_until_its_end(
    ground: Ground, offered: Upgrades
) -> None:
    lab = ground.lab
    offered.offer(AFTER)
    offered.check(AFTER)
    start(lab, AFTER, "--daemon-types", "osd", "--limit", "1")
    with with_old_keys(lab):
        muted = wait_until("it is muted", lambda: mutes(lab), 120)
        assert muted <= {each for each in raised(lab) if each.startswith("AUTH_INSECURE_")}
        wait_over(lab)
        assert mutes(lab) == set()
        assert muted <= raised(lab)
        (said,) = [row["events"][-1] for row in lab.ceph_json("orch", "ls", "mon")]
        assert all(each in said for each in muted), said
    assert_nothing_left(lab)


def mutes(lab: Lab) -> set[str]:
    return {str(row["code"]) for row in lab.ceph_json("health")["mutes"]}


def raised(lab: Lab) -> set[str]:
    return {*lab.ceph_json("health")["checks"]}


def test_a_host_that_is_switched_off_in_the_middle(ground: Ground, offered: Upgrades) -> None:
    """It is that of the OSDs at work: no other host's are down then."""
    lab = ground.lab
    lab.ok("orch", "upgrade", "stop")
    wait_until("no upgrade is under way", lambda: not kept(lab), 300)
    offered.offer(AFTER)
    offered.check(AFTER)
    activate(ground, "h1")
    before = ground.snapshot()
    rows = lab.ceph_json("osd", "metadata")
    there = [f"osd.{row['id']}" for row in rows if row["hostname"] == "h3"]
    with ground.writing("h1"):
        start(lab, AFTER)
        wait_until("it is at h3", lambda: is_at(lab, there), SECONDS)
        lab.power("h3", "off")
        said = wait_paused(lab)
        assert said.startswith("Error: UPGRADE_OFFLINE_HOST: "), said
        assert "host h3" in said
        lab.power("h3", "on")
        ground.wait_well()
        lab.ok_when_settled("orch", "upgrade", "resume")
        wait_over(lab)
    wait_versions(lab, AFTER)
    assert_nothing_left(lab)
    ground.assert_as_before(before)


def is_at(lab: Lab, daemons: list[str]) -> bool:
    """Tell whether an upgrade restarts one of these daemons now."""
    words = str(status(lab).get("message")).replace(",", " ").split()
    return words[:1] == ["restarting"] and bool({*words} & {*daemons})


def test_parts_of_the_cluster_one_after_the_other(ground: Ground, offered: Upgrades) -> None:
    lab = ground.lab
    lab.ok("fs", "set", "keep", "allow_standby_replay", "true")
    systems, left_alone = file_systems(lab), versions(lab, "rgw")
    offered.offer(LATEST)
    offered.check(LATEST)
    with ground.writing("h1", lab.patience(LONGEST)):
        begin_part(lab, "--daemon-types", "mgr,mon")
        begin_part(lab, "--daemon-types", "osd", "--hosts", "h3")
        assert count_at(lab, "osd", LATEST) == OSDS_EACH
        begin_part(lab, "--daemon-types", "osd", "--limit", "1")
        assert count_at(lab, "osd", LATEST) == OSDS_EACH + 1
        said = offered.refused("start", "--ceph-version", LATEST, "--services", "mds.keep")
        assert "come first" in said
        begin_part(lab, "--daemon-types", "osd")
        begin_part(lab, "--services", "mds.keep")
    assert versions(lab, "osd") == versions(lab, "mds") == {LATEST}
    assert versions(lab, "rgw") == left_alone
    assert file_systems(lab) == systems
    assert_nothing_left(lab)
    lab.ok("fs", "set", "keep", "allow_standby_replay", "false")


def begin_part(lab: Lab, *words: str) -> None:
    """Upgrade a part of the cluster to the latest version."""
    start(lab, LATEST, *words)
    wait_over(lab)
