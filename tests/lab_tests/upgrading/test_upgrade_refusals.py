"""What speaks against an upgrade is said before anything is done, with names."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab_tests.lab_client import wait_until
from tests.lab_tests.maintenance.ground import POOL, Ground
from tests.lab_tests.maintenance.test_maintenance import standby
from tests.lab_tests.upgrades.upgrade_lab import Upgrades
from tests.lab_tests.upgrading.upgrading_lab import HOSTS, assert_nothing_left, newer, versions

pytestmark = pytest.mark.usefixtures("not_latest")

# As long as the text of the version that there is.
TOO_FAR = "23.2.5"


@pytest.fixture
def offered(ground: Ground, upgrades: Upgrades) -> Iterator[Upgrades]:
    """Return what hosts are offered: a next version, and one far ahead."""
    version = newer(ground.lab)
    upgrades.offer(f"{version},{TOO_FAR}")
    upgrades.check(version)
    yield upgrades
    for host in HOSTS:
        ground.lab.link(host, "up")
    ground.lab.ok("osd", "pool", "set", POOL, "min_size", "2")


def refused(found: Upgrades, *words: str) -> str:
    return found.refused("start", "--ceph-version", *words)


def test_each_refusal_is_said_and_nothing_is_done(ground: Ground, offered: Upgrades) -> None:
    lab = ground.lab
    version, there = newer(lab), versions(lab)
    assert offered.check(version)["obstacles"] == []
    before = ground.snapshot()
    # What is asked for.
    assert "more than 2 releases ahead of" in refused(offered, TOO_FAR)
    assert "come first" in refused(offered, version, "--daemon-types", "osd")
    assert "cannot be given together" in refused(
        offered, version, "--daemon-types", "mgr", "--services", "mon"
    )
    assert "there is no service web" in refused(offered, version, "--services", "web")
    assert "several kinds" in refused(offered, version, "--services", "mgr,mon")
    assert "no daemon of Ceph's packages" in refused(offered, version, "--daemon-types", "grafana")
    assert "no such host" in refused(offered, version, "--hosts", "h9")
    assert "selects no host" in refused(offered, version, "--hosts", "label:none")
    assert "less than one" in refused(offered, version, "--limit", "0")
    # What the cluster is like.
    lab.ok("osd", "pool", "set", POOL, "min_size", "3")
    said = refused(offered, version)
    assert f"pool {POOL} (size 3, min_size 3) would not be available" in said
    assert any(f"pool {POOL}" in line for line in offered.check(version)["obstacles"])
    lab.ok("osd", "pool", "set", POOL, "min_size", "2")
    lab.ok_when_settled("orch", "daemon", "stop", f"mgr.{standby(ground)}")
    wait_until(
        "one manager is left",
        lambda: not lab.ceph_json("mgr", "dump")["standbys"],
        120,
    )
    assert "the only one is mgr.h1" in refused(offered, version)
    lab.ok("orch", "daemon", "start", "mgr.h2")
    standby(ground)
    # What hosts are like.
    ground.enter("h2")
    assert "host h2 is in maintenance" in refused(offered, version)
    ground.leave("h2")
    ground.wait_well()
    offered.offer(version, "h1", "h2")
    offered.offer("none", "h3")
    offered.check(version)
    assert f"h3: no repository there has {version}" in refused(offered, version)
    lab.link("h3", "down")
    wait_until("h3 is offline", lambda: ground.status("h3") == "offline", 180)
    assert "h3: no answer" in refused(offered, version)
    lab.link("h3", "up")
    wait_until("h3 is online", lambda: ground.status("h3") == "", 180)
    ground.wait_well()
    assert versions(lab) == there
    assert_nothing_left(lab)
    ground.assert_as_before(before)
