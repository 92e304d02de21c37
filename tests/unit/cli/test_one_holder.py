"""Without a manager one directory acts on a cluster, and no other one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, Dict

import pytest

from adapter.cli.mgr_holder import HOLDER, PREFIX
from adapter.cluster.osd_intents import Intent
from adapter.cluster.osd_plan import Disk, Group
from adapter.cluster.store import YamlStore
from tests.unit.cli.door import Door
from tests.unit.cli.monitors_door import MonitorsCeph
from tests.unit.reconcile.fake_cluster import Cluster

CRASH = "service_type: crash\nplacement: {hosts: [h1]}\nunmanaged: true\n"


@pytest.fixture
def values(kept: Door) -> Dict[str, str]:
    """Return what the monitors keep."""
    assert isinstance(kept.ceph, MonitorsCeph)
    return kept.ceph.kept.values


@pytest.fixture
def other(kept: Door, osds: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Door:
    """Return the command on another directory with the same hosts."""
    door = Door(tmp_path_factory.mktemp("other"), answer=osds._answer, ceph=kept.ceph)
    for host in ("h1", "h2"):
        door.run("host", "add", host, f"10.0.0.{host[1:]}")
    return door


def holder(values: Dict[str, str]) -> Any:
    return json.loads(values.get(f"{PREFIX}{HOLDER}", "null"))


def spec(door: Door) -> str:
    path = door.directory / "crash.yml"
    path.write_text(CRASH)
    return str(path)


def test_the_directory_that_changes_a_cluster_has_it(
    kept: Door, other: Door, osds: Cluster, values: Dict[str, str]
) -> None:
    osds.monitors.osds[1].pgs = 3
    kept.run("osd", "rm", "1", "--wait", "5", status=1)
    assert holder(values)["directory"] == str(kept.directory)

    for words in (("osd", "rm", "1"), ("osd", "rm", "stop", "1"), ("apply", "-i", spec(other))):
        line = other.refused(*words, status=1)
        assert f"are held by {kept.directory} on" in line
        assert f"`ceph config-key rm {PREFIX}{HOLDER}`" in line
    assert f"are held by {kept.directory} on" in other.refused("mgr", "hand-back", status=1)


def test_it_has_it_no_more_when_nothing_is_left_in_it(
    kept: Door, other: Door, values: Dict[str, str]
) -> None:
    kept.run("apply", "-i", spec(kept))
    assert holder(values)["id"]
    kept.run("rm", "crash", "--force")
    assert holder(values), "its hosts are left"
    for host in ("h1", "h2"):
        kept.run("host", "rm", host, "--force")
    kept.run("osd", "rm", "continue")
    assert holder(values) is None
    other.run("apply", "-i", spec(other))
    assert holder(values)["directory"] == str(other.directory)


def test_a_dry_run_takes_nothing(kept: Door, values: Dict[str, str]) -> None:
    kept.run("osd", "rm", "1", "--check")
    kept.run("apply", "-i", spec(kept), "--check")
    assert values == {}


def test_a_directory_is_known_wherever_it_lies(
    kept: Door, values: Dict[str, str], tmp_path: Path
) -> None:
    """Moved, reached by a link, on a machine that is called otherwise."""
    kept.run("apply", "-i", spec(kept))
    values[f"{PREFIX}{HOLDER}"] = json.dumps({**holder(values), "machine": "before"})
    moved = tmp_path / "moved"
    shutil.copytree(kept.directory, moved)
    there = Door(moved, answer=kept.answer, ceph=kept.ceph)
    there.run("apply", "-i", spec(there))

    # An empty one at the same place is another one.
    for each in moved.iterdir():
        shutil.rmtree(each) if each.is_dir() else each.unlink()
    assert "are held by" in there.refused("osd", "rm", "continue", status=1)


def test_what_a_manager_keeps_is_taken_over_first(kept: Door, values: Dict[str, str]) -> None:
    values[f"{PREFIX}osd_removal.1"] = '{"osd_id": 1}'
    line = kept.refused("osd", "rm", "stop", "1", status=1)
    assert "A manager of this cluster keeps hosts and services: osd_removal.1" in line
    assert "`orch-ansible mgr take-over`" in line


def test_a_module_without_a_backend_is_a_manager(kept: Door, values: Dict[str, str]) -> None:
    assert isinstance(kept.ceph, MonitorsCeph)
    kept.ceph.enabled = True
    line = kept.refused("osd", "rm", "1", status=1)
    assert "The module ansible is enabled" in line
    assert values == {}


def test_an_unrelated_command_makes_no_osds_of_before(kept: Door, values: Dict[str, str]) -> None:
    """Its disk was erased since by somebody who did not want it again."""
    intent = Intent("h2", (Group((Disk("/dev/sdc", 0, "IDh2c"),)),), 1.0, by_hand=("/dev/sdc",))
    YamlStore(kept.directory).set("osd_creation.h2", intent.to_json())
    line = kept.refused("apply", "-i", spec(kept), status=1)
    assert "was to make OSDs of /dev/sdc on h2" in line
    assert "`orch-ansible daemon add osd h2:/dev/sdc`" in line
    assert f"`rm {kept.directory / 'osd_creation' / 'h2.yml'}` drops it" in line
