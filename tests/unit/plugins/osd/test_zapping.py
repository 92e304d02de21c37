"""Disks are wiped when nobody needs them: predicted, done, done again."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Sequence

import pytest

from plugins.module_utils.cluster.osd_map import asked
from plugins.module_utils.osd.removal import Host, RemovalRefused
from plugins.module_utils.osd.zapping import Zapping
from tests.unit.plugins.labels import FSID
from tests.unit.plugins.osd_host import OsdHost
from tests.unit.plugins.tree import case_files, load


def wipe(
    host: OsdHost,
    devices: List[Dict[str, Any]],
    *,
    check: bool = False,
    allowed: Sequence[str] = (),
    until: float = 0.0,
) -> List[str]:
    with host.lock as lock, asked() as question:
        zapping = Zapping(Host(host.roots), devices, FSID, question, allowed, until)
        for disk in zapping.used:
            if not check:
                zapping.wipe(disk, host.startup, lock, 30.0)
    return [disk.path for disk in zapping.used]


@pytest.mark.parametrize("path", case_files("zaps"), ids=lambda path: path.stem)
def test_zap(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = load(path)
    host = OsdHost(tmp_path, case, monkeypatch)
    devices = [{"size": 0, "device_id": "", **device} for device in case["zap"]]
    allowed = case.get("allowed", ())
    before = host.snapshot()
    if "refused" in case:
        with pytest.raises(RemovalRefused) as raised:
            wipe(host, devices, allowed=allowed, until=case.get("until", 0.0))
        for text in case["refused"]:
            assert text in str(raised.value)
        assert host.snapshot() == before
        return

    assert wipe(host, devices, check=True, allowed=allowed) == case["expect"]
    assert host.snapshot() == before
    assert wipe(host, devices, allowed=allowed) == case["expect"]
    assert host.calls("ceph-volume") == [
        f"ceph-volume lvm zap --destroy {path}" for path in case["expect"]
    ]
    for name in case.get("gone", []):
        assert not (tmp_path / name).exists()
    for name in case.get("kept", []):
        assert (tmp_path / name).exists()
    if case.get("twice", True):
        assert wipe(host, devices) == []


def test_what_is_left_after_wiping_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = {"tree": {"disks": {"sdb": {"content": {1 << 30: {"label": {}}}}}}}
    host = OsdHost(tmp_path, case, monkeypatch)
    (tmp_path / "zap_leaves_copies").touch()

    with pytest.raises(RemovalRefused, match="something is still on it after ceph-volume"):
        wipe(host, [{"path": "/dev/sdb"}])


def test_ceph_volumes_own_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = {
        "tree": {"disks": {"sdb": {"content": {0: "XFSB"}}}},
        "fails": "-->  RuntimeError: could not complete wipefs on device: /dev/sdb\n",
    }
    host = OsdHost(tmp_path, case, monkeypatch)

    with pytest.raises(RemovalRefused, match="/dev/sdb: ceph-volume failed: could not complete"):
        wipe(host, [{"path": "/dev/sdb"}])


def test_a_disk_that_cannot_be_judged_is_not_clean(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = OsdHost(tmp_path, {"tree": {"disks": {"sdb": {}}}, "blkid": {"sdb": 8}}, monkeypatch)

    with pytest.raises(RemovalRefused, match="whether anything is left on it is not"):
        wipe(host, [{"path": "/dev/sdb"}])
    assert host.calls("ceph-volume") == ["ceph-volume lvm zap --destroy /dev/sdb"]
    (tmp_path / "blkid/sdb.status").unlink()
    assert wipe(host, [{"path": "/dev/sdb"}]) == []
