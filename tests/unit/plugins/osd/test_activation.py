"""The program that makes an OSD without LVM ready, and the unit that runs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from plugins.module_utils.osd.activation import (
    CannotActivate,
    find_devices,
    is_complete,
    wait_for_devices,
)
from plugins.module_utils.osd.startup import Startup
from tests.unit.plugins.labels import OSD_UUID
from tests.unit.plugins.tree import Tree

OTHER = "22222222-cc0a-455b-96ee-fa4071c2932e"


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    disks = {
        "sda": {},
        "sdb": {"content": {0: {"label": {}}}},
        "sdc": {"content": {0: {"label": {"kind": "bluefs db"}}}},
        "sdd": {"content": {0: {"label": {"osd_uuid": OTHER}}}},
        "sde": {"content": {1 << 30: {"label": {"osd_uuid": OTHER}}}, "node": True},
        "sdf": {"node": False},
    }
    return Tree(tmp_path, {"disks": disks})


def found(tree: Tree, uuid: str, *kinds: str, hints: tuple = ()) -> dict:
    dev = f"{tree.top}/dev"
    paths = [f"{dev}/{hint}" for hint in hints]
    devices = find_devices(uuid, list(kinds), paths, f"{tree.top}/sys/block", dev)
    return {kind: Path(path).name for kind, path in devices.items()}


def test_devices_are_found_wherever_they_are(tree: Tree) -> None:
    assert found(tree, OSD_UUID, "block", "db") == {"block": "sdb", "db": "sdc"}
    assert found(tree, OSD_UUID, "block", hints=("sdd", "gone", "sdb")) == {"block": "sdb"}
    assert found(tree, OTHER, "block", "wal") == {"block": "sdd"}
    assert found(tree, "none", "block") == {}


def test_a_copy_of_a_label_is_no_osd(tree: Tree) -> None:
    (tree.top / "dev/sdd").unlink()

    assert found(tree, OTHER, "block") == {}


@pytest.mark.parametrize("hints", [(), ("sdb",), ("sda",)])
def test_of_a_disk_and_its_copy_neither_is_started(tmp_path: Path, hints: tuple) -> None:
    """The copy may lack what was written last; names of disks change with a reboot."""
    disks = {name: {"content": {0: {"label": {}}}} for name in ("sda", "sdb")}
    tree = Tree(tmp_path, {"disks": disks})
    with pytest.raises(CannotActivate, match=r"sda|sdb.*both carry its block.*one is a copy"):
        found(tree, OSD_UUID, "block", hints=hints)


def test_the_paths_of_one_disk_are_no_copies(tmp_path: Path) -> None:
    disks = {name: {"content": {0: {"label": {}}}} for name in ("sda", "sdb", "dm-0")}
    tree = Tree(tmp_path, {"disks": disks})
    for name in ("sda", "sdb"):
        (tree.top / f"sys/block/{name}/holders/dm-0").mkdir(parents=True)
    assert found(tree, OSD_UUID, "block") == {"block": "dm-0"}


def test_devices_that_do_not_come_are_named() -> None:
    with pytest.raises(CannotActivate, match="no disk carries its block and db"):
        wait_for_devices("none", ["block", "db"], [], patience=0.0)


def test_a_directory_is_complete_with_its_keyring_and_its_links(tree: Tree) -> None:
    directory = tree.top / "osd"
    directory.mkdir()
    assert not is_complete(str(directory), OSD_UUID, ["block"])
    (directory / "keyring").write_text("secret")
    (directory / "fsid").write_text(OSD_UUID + "\n")
    assert not is_complete(str(directory), OSD_UUID, ["block"])
    (directory / "block").symlink_to(tree.top / "dev/sdb")
    assert is_complete(str(directory), OSD_UUID, ["block"])
    assert not is_complete(str(directory), OSD_UUID, ["block", "db"])
    (directory / "block").unlink()
    (directory / "block").symlink_to(tree.top / "dev/sdd")
    assert not is_complete(str(directory), OSD_UUID, ["block"]), "the disk has another name now"
    with pytest.raises(CannotActivate, match=f"belongs to the OSD with the uuid {OSD_UUID}"):
        is_complete(str(directory), OTHER, ["block"])


def test_installed_once(tree: Tree) -> None:
    top = tree.top
    startup = Startup(tree.roots, program=str(top / "program"), python=sys.executable)
    osd = {"osd_id": 3, "osd_uuid": OSD_UUID, "block": "/dev/sdb", "wal": "/dev/sdc", "db": ""}
    startup.install(osd)
    files = {path: path.stat().st_ino for path in top.glob("**/*") if path.is_file()}
    startup.install(osd)

    assert {path: path.stat().st_ino for path in files} == files
    template = top / "etc/systemd/system/ceph-orch-osd@.service"
    assert f"ExecStart={sys.executable} -BEs {top}/program/osd_activation.py %i" in (
        template.read_text().splitlines()
    )
    assert 'OSD_KINDS="block wal"' in (top / "var/lib/ceph-orch-ansible/osd/3.env").read_text()


def test_the_program_runs_by_itself(tree: Tree) -> None:
    """Without this project and without Ansible, as systemd runs it."""
    program = tree.top / "program"
    Startup(tree.roots, program=str(program)).install(
        {"osd_id": 3, "osd_uuid": OSD_UUID, "block": "/dev/sdb"}
    )
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); from osd_activation import read_label;"
        "print(read_label(sys.argv[2])['osd_uuid'])"
    )
    argv = [sys.executable, "-BEs", "-c", script, str(program), str(tree.top / "dev/sdb")]
    done = subprocess.run(argv, cwd="/", capture_output=True, text=True, check=True)

    assert done.stdout.strip() == OSD_UUID
