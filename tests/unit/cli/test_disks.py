"""Disks and single daemons without a manager: erase, replace, make OSDs, remove daemons."""

from __future__ import annotations

import pytest

from tests.unit.cli.door import Door
from tests.unit.cli.test_removals import queue, steps
from tests.unit.reconcile.fake_cluster import Cluster


def test_a_disk_is_erased_only_with_force(kept: Door, osds: Cluster) -> None:
    osds.free["h1"] = ["/dev/sdc"]
    osds.used["h1"] = ["/dev/sdd"]

    assert kept.refused("device", "zap", "h1", "/dev/sdd") == (
        "must pass --force to PERMANENTLY ERASE DEVICE DATA"
    )
    assert kept.requests == []
    out = kept.run("device", "zap", "h1", "/dev/sdd", "--force").stdout

    assert out == "zap successful for /dev/sdd on h1\n"
    out = kept.run("device", "zap", "h1", "/dev/sdc", "--force").stdout
    assert out == "/dev/sdc on h1 was left as it is: nothing was on it\n"


def test_the_disk_of_an_osd_is_not_erased(kept: Door, osds: Cluster) -> None:
    line = kept.refused("device", "zap", "h2", "/dev/sdb", "--force")

    assert "osd.1 runs on it" in line
    assert "`orch-ansible osd rm 1 --zap` drains it first" in line
    assert "zap_device" not in [name for name, _ in kept.operations()]


def test_a_dry_run_erases_nothing(kept: Door, osds: Cluster) -> None:
    osds.used["h1"] = ["/dev/sdd"]

    result = kept.run("device", "zap", "h1", "/dev/sdd", "--force", "--check")

    assert "h1: would change (zap_device)" in result.stdout
    assert kept.requests[-1].check


def test_a_failing_host_fails_the_command(kept: Door, osds: Cluster) -> None:
    osds.used["h1"] = ["/dev/sdd"]
    osds.mute["zap_device"] = {"h1": "it is mounted"}

    line = kept.refused("device", "zap", "h1", "/dev/sdd", "--force", status=1)

    assert "it is mounted" in line


def test_a_disk_is_replaced_and_its_id_waits(kept: Door, osds: Cluster) -> None:
    assert "would be drained" in kept.run("device", "replace", "h2", "/dev/sdb", "--check").stdout
    assert osds.monitors.log == []

    result = kept.run("device", "replace", "h2", "/dev/sdb")

    assert result.stdout == "Scheduled OSD(s) for replacement: osd.1\n"
    assert osds.monitors.log == ["out 1", "destroy 1"]
    assert (steps(kept), osds.wiped, queue(kept)) == (["stop", "remove"], ["osd.1"], [])


def test_a_replacement_goes_on_when_it_is_typed_again_and_can_be_cleared(
    kept: Door, osds: Cluster
) -> None:
    osds.monitors.osds[1].pgs = 3
    words = ("device", "replace", "h2", "/dev/sdb")
    kept.run(*words, "--wait", "5", status=1)

    again = kept.run(*words, "--wait", "5", status=1)
    cleared = kept.run(*words, "--clear")

    assert "osd.1 is being removed already" in again.stdout
    assert cleared.stdout == "Stopped OSD(s) removal: osd.1\n"
    assert osds.monitors.log == ["out 1", "in 1"]


def test_a_disk_without_an_osd_is_not_replaced(kept: Door, osds: Cluster) -> None:
    assert "There is no OSD on the device 'h1:/dev/sdx'" in kept.refused(
        "device", "replace", "h1", "/dev/sdx"
    )
    assert "There is no host 'h9'" in kept.refused("device", "replace", "h9", "/dev/sdb")


def test_osds_are_made_of_named_disks(kept: Door, osds: Cluster) -> None:
    osds.free["h2"] = ["/dev/sdc", "/dev/sdd"]
    out = kept.run("daemon", "add", "osd", "h2:/dev/sdc", "--method", "raw").stdout

    assert out == "Created osd(s) 2 on host 'h2'\n"
    assert osds.free["h2"] == ["/dev/sdd"]


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("h2:/dev/sdb", "osd.1 runs on it"),
        ("h9:/dev/sdb", "There is no host 'h9'"),
        ("h2:/dev/nosuch", "/dev/nosuch"),
        ("h2", "device"),
        ("h2:", "device"),
        ("h2:sd{{ 7 }}", "sd{{ 7 }}"),
    ],
)
def test_what_cannot_be_made_is_refused(kept: Door, osds: Cluster, place: str, says: str) -> None:
    assert says in kept.refused("daemon", "add", "osd", place)
    assert "create_osds" not in [name for name, _ in kept.operations()]


def test_an_osd_is_no_daemon_to_be_removed(kept: Door, osds: Cluster) -> None:
    assert kept.refused("daemon", "rm", "osd.1") == (
        "must pass --force to REMOVE daemon with potentially PRECIOUS DATA for osd.1"
    )
    line = kept.refused("daemon", "rm", "osd.1", "--force")
    assert "Use `orch-ansible osd rm 1`, which drains it first." in line
    assert kept.refused("daemon", "rm", "h2").startswith("h2 is not a valid daemon name.")


def test_a_daemon_is_removed_with_its_key(kept: Door, osds: Cluster) -> None:
    osds.daemons["h2", "crash", "h2"] = "running"
    osds.daemons["h1", "crash", "h1"] = "running"
    osds.monitors.keys.append("client.crash.h2")
    osds.monitors.elsewhere.update({"crash.h2": "h2"})

    out = kept.run("daemon", "rm", "crash.h2").stdout

    assert out.startswith("Removing crash.h2 from host 'h2' (job ")
    assert ("h2", "crash", "h2") not in osds.daemons
    assert "client.crash.h2" not in osds.monitors.keys


def test_a_host_is_asked_for_its_daemons_before_it_is_removed(kept: Door, osds: Cluster) -> None:
    line = kept.refused("host", "rm", "h2")
    assert line == (
        "Host 'h2' has 1 Ceph daemon(s): osd.1. Remove them first, or give --force to leave them "
        "running unmanaged."
    )
    kept.run("osd", "rm", "1")

    out = kept.run("host", "rm", "h2", "--rm-crush-entry").stdout

    assert out.startswith("Removed host 'h2' (job ")
    assert osds.monitors.log[-1] == "crush remove h2"
    assert sorted(kept.files()) == ["h1.yml"]


def test_of_a_host_that_is_gone_the_maps_are_told(kept: Door, osds: Cluster) -> None:
    kept.offline("10.0.0.2")

    assert "Bring it back, or give --offline --force" in kept.refused("host", "rm", "h2")
    out = kept.run("host", "rm", "h2", "--offline", "--force").stdout

    assert "The cluster's maps still have osd.1" in out
    assert "`ceph osd purge 1 --yes-i-really-mean-it` takes them out" in out


def test_a_host_is_removed_where_no_cluster_can_be_asked(three: Door) -> None:
    assert three.run("host", "rm", "h1").stdout.startswith("Removed host 'h1' (job ")
    line = three.refused("host", "rm", "h2", "--rm-crush-entry")
    assert "there is no cluster to ask here" in line
