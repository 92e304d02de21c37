"""``orch-ansible host ok-to-stop``."""

from __future__ import annotations

from typing import Any, List

from tests.unit.cli.door import Door
from tests.unit.reconcile.fake_cluster import Cluster


def changed(kept: Door) -> List[Any]:
    return [
        each.operation
        for each in kept.requests
        if each.operation.endswith("maintenance") and each.changes
    ]


def test_a_host_that_can_be_missed_is_told(kept: Door, osds: Cluster) -> None:
    osds.monitors.can_stop = {0, 1}

    said = kept.run("host", "ok-to-stop", "h2").stdout

    assert said == ("It is presumed safe to stop host h2: osd.1 (all data stays available)\n")
    assert (changed(kept), osds.monitors.log) == ([], [])


def test_one_that_cannot_is_refused_on_one_line(kept: Door, osds: Cluster) -> None:
    osds.monitors.osds[0].up = False

    said = kept.refused("host", "ok-to-stop", "h2")

    assert said.startswith("Host 'h2' cannot be stopped now. osd.1: osd ok-to-stop: ")
    assert "3 PGs would be inactive" in said
    assert "There is no host 'h9'" in kept.refused("host", "ok-to-stop", "h9")
    assert changed(kept) == []


def test_without_a_cluster_there_is_nobody_to_ask(three: Door) -> None:
    three.refused("host", "ok-to-stop", "h1", status=1)


def kept_records(kept: Door) -> List[str]:
    return [path.name for path in (kept.directory / "maintenance").glob("*.yml")]


def test_a_host_goes_in_and_out(kept: Door, osds: Cluster) -> None:
    osds.monitors.can_stop = {0, 1}

    said = kept.run("host", "maintenance", "enter", "h2").stdout

    assert said == "Host 'h2' is in maintenance: 1 daemon(s) stopped, noout is set for h2\n"
    assert osds.monitors.log == ["set-group noout h2"]
    assert not osds.monitors.osds[1].up
    assert kept_records(kept) == ["h2.yml"]
    assert "maintenance" in kept.run("host", "ls").stdout.lower()

    said = kept.run("host", "maintenance", "exit", "h2").stdout

    assert said == "Host 'h2' has left maintenance\n"
    assert osds.monitors.log[1:] == ["unset-group noout h2"]
    assert osds.monitors.osds[1].up
    assert kept_records(kept) == []


def test_a_dry_run_says_what_would_be_done_and_does_nothing(kept: Door, osds: Cluster) -> None:
    osds.monitors.can_stop = {0, 1}

    result = kept.run("host", "maintenance", "enter", "h2", "--check")

    assert "would run: ceph osd set-group noout h2" in result.stdout
    assert "h2: would change (enter_host_maintenance)" in result.stdout
    assert "Nothing was changed" in result.stderr
    assert (changed(kept), osds.monitors.log, kept_records(kept)) == ([], [], [])


def test_what_is_lost_is_refused(kept: Door, osds: Cluster) -> None:
    osds.monitors.osds[0].up = False
    said = kept.refused("host", "maintenance", "enter", "h2")
    assert "With --force --yes-i-really-mean-it it is done all the same" in said
    assert "it is not in maintenance" in kept.refused("host", "maintenance", "exit", "h2")
    assert (changed(kept), osds.monitors.log, kept_records(kept)) == ([], [], [])


def test_a_command_that_is_not_through_is_gone_on_with(kept: Door, osds: Cluster) -> None:
    osds.monitors.can_stop = {0, 1}
    osds.mute["enter_host_maintenance"] = {"h2": "it does not stop"}
    result = kept.run("host", "maintenance", "enter", "h2", status=1)
    assert "h2: it does not stop" in result.stderr
    assert "the same command goes on" in result.stderr
    osds.mute.clear()
    assert "is in maintenance" in kept.run("host", "maintenance", "enter", "h2").stdout
    osds.monitors.hung = {1}
    result = kept.run("host", "maintenance", "exit", "h2", "--wait", "5", status=1)
    assert "waiting until the cluster's maps show osd.1 back" in result.stderr
    assert "`orch-ansible host maintenance exit h2 --force`" in result.stderr
    assert "has left" in kept.run("host", "maintenance", "exit", "h2", "--force").stdout


def test_a_host_that_is_off(kept: Door, osds: Cluster) -> None:
    osds.monitors.can_stop = {0, 1}
    kept.offline("10.0.0.2")
    said = kept.run("host", "maintenance", "enter", "h2").stdout
    assert "It is offline: its units are not touched" in said
    result = kept.run("host", "maintenance", "exit", "h2", status=2)
    assert "or give --offline --force" in result.stderr
    said = kept.run("host", "maintenance", "exit", "h2", "--offline", "--force").stdout
    assert (said, osds.monitors.noout) == ("Host 'h2' has left maintenance\n", set())
    assert changed(kept) == []
