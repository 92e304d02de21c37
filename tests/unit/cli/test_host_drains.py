"""``orch-ansible host drain ...``: a host gets empty, or stays, without a manager."""

from __future__ import annotations

import json
from typing import Any, List

import pytest
import yaml

from tests.unit.cli.door import Door
from tests.unit.cli.monitors_door import MonitorsCeph
from tests.unit.reconcile.fake_cluster import Cluster


def record(kept: Door, host: str = "h2") -> Any:
    return yaml.safe_load((kept.directory / "host" / f"{host}.yml").read_text(encoding="utf-8"))


def queue(kept: Door) -> List[str]:
    return sorted(path.name for path in (kept.directory / "osd_removal").glob("*.yml"))


def test_a_host_is_emptied_and_removed(kept: Door, osds: Cluster) -> None:
    result = kept.run("host", "drain", "h2", "--zap-osd-devices")

    assert "Scheduled to remove the following daemons from host 'h2'" in result.stdout
    assert "`orch-ansible osd rm status` shows how far its OSDs are." in result.stdout
    assert "Host 'h2' is drained; `orch-ansible host rm h2` removes it." in result.stdout
    assert "osd.1 is removed" in result.stderr
    assert osds.monitors.log == ["reweight 1 0.0", "purge 1"]
    assert osds.wiped == ["osd.1"]
    assert record(kept)["labels"] == ["_no_schedule", "_no_conf_keyring"]
    assert kept.run("host", "ls").stdout.splitlines()[2].split()[-1] == "drained"
    kept.run("host", "rm", "h2")
    assert not (kept.directory / "host" / "h2.yml").exists()
    assert queue(kept) == []


def test_what_cannot_end_is_refused(kept: Door, osds: Cluster) -> None:
    osds.monitors.pool_size = 2
    line = kept.refused("host", "drain", "h2")
    assert "pool data has size 2" in line
    assert "1 would remain (h1)" in line
    assert (osds.monitors.log, queue(kept), record(kept)["labels"]) == ([], [], [])


def test_a_dry_run_changes_nothing(kept: Door, osds: Cluster) -> None:
    before = record(kept)
    result = kept.run("host", "drain", "h2", "--check", "--zap-osd-devices")
    assert "Would remove from host 'h2':" in result.stdout
    assert "osd.1 on h2: would wipe /dev/sdb (IDh2b)" in result.stdout
    assert f"--- {kept.directory}/host/h2.yml" in result.stdout
    assert "+- _no_schedule" in result.stdout
    assert "get_inventory" not in result.stdout, "hosts were only read there"
    assert "Nothing was changed (--check)." in result.stderr
    assert (osds.monitors.log, queue(kept), record(kept)) == ([], [], before)


def test_a_dry_run_names_the_record_of_a_manager(kept: Door, osds: Cluster) -> None:
    """It was shown as a file of the directory, which neither was there nor would be written."""
    hosts = {
        f"mgr/ansible/host.{name}": json.dumps({"hostname": name, "addr": f"10.0.0.{name[1:]}"})
        for name in ("h1", "h2")
    }
    assert isinstance(kept.ceph, MonitorsCeph)
    kept.ceph.kept.values = {**hosts, "mgr/ansible/ssh_identity_key": "PRIVATE"}
    kept.ceph.backend = "ansible"
    osds.monitors.config["mgr/mgr/ansible/ssh_user"] = "root"
    result = kept.run("host", "drain", "h2", "--check")
    assert "--- mgr/ansible/host.h2 (ceph config-key)" in result.stdout
    assert "+- _no_schedule" in result.stdout
    assert str(kept.directory) not in result.stdout


def test_it_goes_on_and_is_stopped(kept: Door, osds: Cluster) -> None:
    osds.monitors.osds[1].pgs = 3
    result = kept.run("host", "drain", "h2", "--wait", "20", status=1)
    assert "osd.1: draining: drain of host h2" in result.stderr
    assert queue(kept) == ["1.yml"]
    kept.run("host", "drain", "h2", "--wait", "20", status=1)
    dry = kept.run("host", "drain", "stop", "h2", "--check")
    assert "-- _no_schedule" in dry.stdout
    assert queue(kept) == ["1.yml"]
    result = kept.run("host", "drain", "stop", "h2")
    assert "Stopped host drain for h2" in result.stdout
    assert "Kept: osd.1." in result.stdout
    assert osds.monitors.log == ["reweight 1 0.0", "reweight 1 1.0"]
    assert (queue(kept), record(kept)["labels"]) == ([], [])
    assert "drain" not in record(kept)
    line = kept.refused("host", "drain", "stop", "h2")
    assert "it is not being drained" in line


def test_what_nothing_removes_is_left_and_said(kept: Door, osds: Cluster) -> None:
    osds.daemons["h2", "mds", "old"] = "running"
    result = kept.run("host", "drain", "h2", status=1)
    assert "mds.old: it has no spec; `orch-ansible daemon rm mds.old` removes it" in result.stderr
    assert result.stderr.splitlines()[-1] == "orch-ansible: host h2 is not empty yet"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("h9",), "There is no host 'h9'"),
        (("stop", "h9"), "There is no host 'h9'"),
        ((), "Missing argument 'NAME'"),
        (("h2", "--wait", "0"), "x>=1"),
    ],
)
def test_what_cannot_be_is_one_line(kept: Door, words: Any, says: str) -> None:
    assert says in kept.refused("host", "drain", *words)
