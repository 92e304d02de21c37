"""Nothing of ours deletes or moves across a mount point, and nothing is stopped before that."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List

import pytest

from plugins.module_utils.daemons.daemon import Daemon
from plugins.module_utils.daemons.kinds.base import DaemonRefused
from plugins.module_utils.daemons.removal import Removal
from plugins.module_utils.daemons.store_aside import put_aside
from plugins.module_utils.osd.directories import remove_directory
from plugins.module_utils.osd.removal_steps import Work
from plugins.module_utils.system.mounts import mounts_below, reason_of_mounts, remove_tree
from tests.unit.plugins.labels import FSID, OSD_UUID
from tests.unit.plugins.osd_host import OsdHost


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OsdHost:
    return OsdHost(tmp_path, {"osds": {3: {}}}, monkeypatch)


def mount(host: OsdHost, *places: Path) -> None:
    """Let the kernel say that something is mounted on these places."""
    rows = ["22 1 8:1 / / rw - ext4 /dev/sda1 rw"]
    for place in places:
        place.mkdir(parents=True, exist_ok=True)
        (place / "theirs").write_text("theirs")
        name = str(place).replace("\\", "\\134").replace(" ", "\\040").replace("\n", "\\012")
        rows.append(f"36 22 8:16 / {name} rw,noatime master:1 - xfs /dev/sdb rw")
    path = Path(host.roots.proc) / "self/mountinfo"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(rows) + "\n")


def daemon(host: OsdHost, kind: str = "mds", name: str = "data.h2.abcdef") -> Daemon:
    found = Daemon(host.roots, kind, name)
    Path(found.data_path).mkdir(parents=True, exist_ok=True)
    (host.top / "units" / found.unit).write_text("active\n")
    (host.top / "units" / f"{found.unit}.enabled").write_text("enabled\n")
    return found


@pytest.mark.parametrize("name", ["backup", "a/b/c", "two words", "tab\tand\nline", "back\\slash"])
def test_a_mount_below_is_found_whatever_it_is_called(host: OsdHost, name: str) -> None:
    top = host.top / "var/lib/x"
    name = name.replace("\t", " ")
    mount(host, top / name, host.top / "var/lib/x-other/y", host.top / "var/lib")
    assert mounts_below(str(top), host.roots.proc) == [str(top / name)]
    with pytest.raises(OSError, match="is mounted below it"):
        remove_tree(str(top), host.roots.proc)
    assert (top / name / "theirs").exists()


def test_a_way_through_a_link_leads_to_the_same_directory(host: OsdHost) -> None:
    real = host.top / "srv/ceph"
    mount(host, real / "x/backup")
    (host.top / "var/link").symlink_to(real)
    assert mounts_below(f"{host.top}/var/link/x", host.roots.proc) == [str(real / "x/backup")]
    # A link goes, not what it leads to.
    assert mounts_below(f"{host.top}/var/link", host.roots.proc) == []


def test_several_are_unmounted_from_within(host: OsdHost) -> None:
    top = host.top / "d"
    mount(host, top / "a", top / "a/b")
    reason = reason_of_mounts(str(top), host.roots.proc)
    assert f"{top}: {top}/a, {top}/a/b are mounted below it" in reason
    assert f"`umount {top}/a/b {top}/a`" in reason


@pytest.mark.parametrize("act", ["do", "predict"])
@pytest.mark.parametrize("purge", [True, False])
@pytest.mark.parametrize(
    ("kind", "name", "where"),
    [("mds", "data.h2.abcdef", "backup"), ("mds", "data.h2.abcdef", ""), ("mon", "h2", "backup")],
)
def test_a_daemon_with_a_mount_in_its_directory_is_not_begun(
    host: OsdHost, kind: str, name: str, purge: bool, act: str, where: str
) -> None:
    going, other = daemon(host, kind, name), daemon(host, "mgr", "h2")
    place = Path(going.data_path) / where
    mount(host, place)
    before = host.snapshot()
    work = Removal(host.roots, [other, going], {}, purge=purge)
    with pytest.raises(DaemonRefused, match=r"is not removed: .*umount") as raised:
        getattr(work, act)()
    assert str(place) in str(raised.value)
    assert host.snapshot() == before, "something was stopped, disabled or deleted"

    mount(host)
    again = Removal(host.roots, [other, going], {}, purge=purge)
    again.do()
    assert [row["state"] for row in again.rows] == ["removed", "removed"]
    assert not Path(going.data_path).exists()


def test_a_store_is_not_moved_with_what_is_mounted_in_it(host: OsdHost) -> None:
    going = daemon(host, "mon", "h2")
    mount(host, Path(going.data_path) / "backup")
    with pytest.raises(DaemonRefused, match=r"mon\.h2: its store is not moved: .*umount"):
        put_aside(host.roots, going)
    assert (Path(going.data_path) / "backup/theirs").exists()


def osd_work(host: OsdHost, step: str, rows: List[Dict[str, Any]], *, check: bool) -> Work:
    osd = {"osd_id": 3, "osd_uuid": OSD_UUID, "zap": False, "destroy_lvs": True, "gone": False}
    params = {
        "step": step,
        "osds": [{**osd, "force": True}],
        "cluster": FSID,
        "keyring": "",
        "kept_fails": False,
        "patience": 0,
        "timeout": 5,
    }
    work = Work(params, host.roots, check, rows)
    work._lock = host.lock
    return work


@pytest.mark.parametrize("step", ["stop", "remove"])
@pytest.mark.parametrize("check", [True, False])
def test_an_osd_with_a_mount_in_its_directory_is_not_stopped(
    host: OsdHost, step: str, check: bool
) -> None:
    place = host.top / "var/lib/ceph/osd/ceph-3/backup"
    mount(host, place)
    before, rows = host.snapshot(), []
    osd_work(host, step, rows, check=check).do()
    assert "osd.3 is not removed: " in rows[0]["problem"]
    assert f"`umount {place}`" in rows[0]["problem"]
    assert host.snapshot() == before


def test_an_osd_with_a_mount_in_its_directory_may_be_started(host: OsdHost) -> None:
    mount(host, host.top / "var/lib/ceph/osd/ceph-3/backup")
    rows: List[Dict[str, Any]] = []
    osd_work(host, "start", rows, check=False).do()
    assert rows[0]["state"] in ("started", "present")


def test_a_directory_of_an_osd_is_unmounted_and_not_what_is_below(host: OsdHost) -> None:
    host.install("umount", '#!/bin/sh\necho "umount $*" >>"$TREE/calls"\n')
    path = host.top / "var/lib/ceph/osd/ceph-3"
    mount(host, path, path, path / "backup")
    with pytest.raises(OSError, match="is mounted below it"):
        remove_directory(str(path), host.roots.proc)
    assert host.calls("umount") == []
    mount(host, path, path)
    remove_directory(str(path), host.roots.proc)
    assert host.calls("umount") == [f"umount {path}"] * 2
    assert not path.exists()


def test_the_program_goes_and_what_somebody_put_there_stays(host: OsdHost) -> None:
    host.startup.install({"osd_id": 3, "osd_uuid": OSD_UUID, "block": "/dev/sdb"})
    theirs = host.top / "program/backup/theirs"
    theirs.parent.mkdir()
    theirs.write_text("theirs")
    host.startup.remove(3)
    assert theirs.exists()
    assert [path.name for path in (host.top / "program").iterdir()] == ["backup"]
