"""``orch-ansible upgrade ...``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict

import pytest

from adapter.cluster.upgrade_by_hand import UNDER_WAY
from adapter.engine.model import HostOutcome, HostStatus, Request
from tests.unit.cli.door import Door
from tests.unit.cli.monitors_door import MonitorsCeph
from tests.unit.methods.world import report
from tests.unit.reconcile.upgraded import Upgraded

OLD, NEW = "20.2.4+ds-2", "20.2.5+ds-1"


def answer(request: Request) -> Dict[str, HostOutcome]:
    """Be two hosts, of which the second is offered nothing new."""
    found = {}
    for host in request.hosts:
        result: Dict[str, Any] = report(host)
        offered = [NEW, OLD] if host == "h1" else [OLD]
        result["packages"] = {
            "installed": {"ceph-osd": OLD},
            "offered": {"ceph-osd": offered},
            "lists_read": 1764460800,
        }
        row = {"daemon_type": "osd", "daemon_id": host[1:], "state": "running", "version": "20.2.4"}
        result["daemons"] = [row]
        found[host] = HostOutcome(HostStatus.OK, result=result)
    return found


@pytest.fixture
def two(door: Door) -> Door:
    door.answer = answer
    for name in ("h1", "h2"):
        door.run("host", "add", name, f"10.0.0.{name[1:]}")
    door.requests.clear()
    return door


def test_versions_are_listed_with_the_hosts_that_lack_them(two: Door) -> None:
    lines = two.run("upgrade", "ls").stdout.splitlines()
    assert two.operations() == [("upgrade_ls", ["h1", "h2"])]
    assert lines[0].split() == ["VERSION", "ON", "HOSTS", "WHERE", "NOT"]
    assert lines[1].split("  ")[0] == "20.2.5"
    assert "1 of 2" in lines[1]
    assert "h2: no repository there has 20.2.5" in lines[1]
    two.requests.clear()
    data = json.loads(
        two.run("upgrade", "ls", "--cached", "--show-all-versions", "-f", "json").stdout
    )
    assert data["versions"] == ["20.2.4"]
    assert two.operations() == []


def test_a_check_names_hosts_daemons_and_what_speaks_against_it(two: Door) -> None:
    result = two.run("upgrade", "check", "--ceph-version", "20.2.5", status=1)
    assert two.operations() == [("upgrade_check", ["h1", "h2"])]
    lines = [line.split() for line in result.stdout.splitlines()]
    assert lines[1] == ["h1", OLD, NEW, "osd.1", "(20.2.4)"]
    assert lines[2] == ["h2", OLD, "-", "osd.2", "(20.2.4)"]
    assert "0 of 2 daemons run 20.2.5" in result.stdout
    assert result.stderr.splitlines()[-1] == "orch-ansible: h2: no repository there has 20.2.5"

    well = two.run("upgrade", "check", "--ceph-version", "20.2.4", "--cached")
    assert "2 of 2 daemons run 20.2.4" in well.stdout


def test_what_is_no_target_is_refused_before_a_host_is_asked(two: Door) -> None:
    assert "nothing says to which version" in two.refused("upgrade", "check")
    said = two.refused("upgrade", "check", "quay.io/ceph/ceph:v20")
    assert "packages have no images" in said
    assert two.operations() == []
    said = two.refused("upgrade", "check", "--ceph-version", "20.2.9")
    assert "no host has it, and no repository of a host" in said
    assert "orch-ansible upgrade ls" in said


@pytest.fixture
def cluster() -> Upgraded:
    found = Upgraded()
    found.prepare()
    return found


@pytest.fixture
def whole(tmp_path: Path, cluster: Upgraded) -> Door:
    """Return the command on three hosts with monitors, managers and OSDs."""
    door = Door(tmp_path, answer=cluster._answer, ceph=MonitorsCeph(cluster.monitors))
    for host in ("h1", "h2", "h3"):
        door.run("host", "add", host, f"10.0.0.{host[1:]}")
    door.requests.clear()
    cluster.monitors.log.clear()
    return door


def test_a_plan_shows_the_steps_and_does_none(whole: Door, cluster: Upgraded) -> None:
    lines = whole.run("upgrade", "plan", "--ceph-version", "20.2.5").stdout.splitlines()
    assert lines[0].split() == ["STEP", "KIND", "DAEMONS", "PACKAGES", "FIRST", "HANDS", "OVER"]
    assert lines[1].split()[:2] == ["1", "mgr"]
    assert any("where nothing has to be waited for" in line for line in lines)
    said = json.loads(whole.run("upgrade", "plan", "--ceph-version", "20.2.5", "-f", "json").stdout)
    assert [step["kind"] for step in said["steps"]][:6] == ["mgr"] * 3 + ["mon"] * 3
    assert said["refusals"] == []
    assert said["seconds"] > 60
    assert [each for each in whole.requests if each.changes] == []
    assert cluster.monitors.log == []


def test_a_plan_that_cannot_be_says_why(whole: Door, cluster: Upgraded) -> None:
    cluster.monitors.managers = ["h1"]
    result = whole.run("upgrade", "plan", "--ceph-version", "20.2.5", status=1)
    assert "another manager has to take over" in result.stderr


def test_an_upgrade_goes_on_to_its_end(whole: Door, cluster: Upgraded) -> None:
    result = whole.run("upgrade", "start", "--ceph-version", "20.2.5")
    assert "Initiating upgrade to 20.2.5" in result.stdout
    assert set(cluster.monitors.versions.values()) == {"20.2.5"}
    assert cluster.monitors.noout == set()
    assert not list((whole.directory / "upgrade").glob("*.yml"))
    assert "No upgrade is under way" in whole.run("upgrade", "status").stdout


def test_one_that_fails_is_gone_on_with(whole: Door, cluster: Upgraded) -> None:
    cluster.mute["upgrade_packages"] = {"h2": "no space left on device"}
    result = whole.run("upgrade", "start", "--ceph-version", "20.2.5", status=1)
    assert "host h2: no space left on device" in result.stderr
    assert "`orch-ansible upgrade resume` goes on" in result.stderr
    assert "is_paused: True" in whole.run("upgrade", "status").stdout
    cluster.mute.clear()
    whole.run("upgrade", "resume")
    assert set(cluster.monitors.versions.values()) == {"20.2.5"}


def test_one_is_stopped(whole: Door, cluster: Upgraded) -> None:
    cluster.mute["upgrade_packages"] = {"h2": "no space left on device"}
    whole.run("upgrade", "start", "--ceph-version", "20.2.5", status=1)
    cluster.mute.clear()
    said = whole.run("upgrade", "stop").stdout
    assert "Stopped upgrade to 20.2.5" in said
    assert "No upgrade is under way" in whole.run("upgrade", "status").stdout
    assert "No upgrade is under way" in whole.refused("upgrade", "pause")


def test_the_upgrade_of_a_manager_is_not_said_to_be_none(whole: Door) -> None:
    """Its record was not read: somebody who looked at night was told that there is none."""
    assert isinstance(whole.ceph, MonitorsCeph)
    whole.ceph.backend = "ansible"
    for form in ("plain", "json"):
        result = whole.run("upgrade", "status", "-f", form, status=1)
        assert "`ceph orch upgrade status` says how far an upgrade is" in result.stderr
        assert result.stdout == ""


def test_no_plan_is_made_beside_the_upgrade_of_a_manager(whole: Door) -> None:
    """Packages that were being changed were called left halfway."""
    assert isinstance(whole.ceph, MonitorsCeph)
    whole.ceph.kept.values[UNDER_WAY] = "20.2.5"
    whole.run("upgrade", "plan", NEW)
    whole.ceph.backend = "ansible"
    said = whole.refused("upgrade", "plan", NEW, status=1)
    assert "The cluster's manager has an upgrade to 20.2.5 under way" in said
    assert "`ceph orch upgrade status` says how far it is" in said


def test_the_help_of_stop_says_what_goes_on(door: Door) -> None:
    """It named `upgrade resume`, which is refused while an upgrade is being stopped."""
    for verb, goes_on in (("stop", "stop"), ("resume", "resume"), ("start", "resume")):
        said = " ".join(door.run("upgrade", verb, "--help").stdout.split())
        assert f"afterwards `upgrade {goes_on}` goes on" in said
