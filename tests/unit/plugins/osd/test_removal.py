"""OSDs are taken away, with what is theirs and nothing else: predicted, done, done again."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List

import pytest

from plugins.module_utils.disks.lvm import LvmUnreadable
from plugins.module_utils.osd.removal import (
    Host,
    RemovalRefused,
    check_wanted,
    find_all,
    predict,
    take_down,
    zap,
)
from plugins.module_utils.systemd.units import show_units
from tests.unit.plugins.labels import FSID, OSD_UUID
from tests.unit.plugins.osd_host import OsdHost
from tests.unit.plugins.tree import case_files, load


def remove(host: OsdHost, wanted: List[Dict[str, Any]], *, check: bool) -> List[Dict[str, Any]]:
    rows = []
    check_wanted(wanted)
    with host.lock as lock:
        here = Host(host.roots)
        for osd, traces in find_all(here, wanted, FSID):
            row = predict(osd, traces)
            if not check and row["state"] != "absent":
                take_down(traces, host.startup)
                if osd["zap"]:
                    zap(here, osd, traces, lock, 30.0)
            rows.append(row)
    return rows


def osd(**values: Any) -> Dict[str, Any]:
    found = {"osd_id": 3, "osd_uuid": OSD_UUID, "zap": False, "destroy_lvs": True}
    return {**found, **values}


@pytest.mark.parametrize("path", case_files("removals"), ids=lambda path: path.stem)
def test_removal(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = load(path)
    host = OsdHost(tmp_path, case, monkeypatch)
    wanted = [osd(**values) for values in case["remove"]]
    before = host.snapshot()
    if "refused" in case or "unknown" in case:
        refusal = RemovalRefused if "refused" in case else LvmUnreadable
        with pytest.raises(refusal) as raised:
            remove(host, wanted, check=False)
        assert (case.get("refused") or case["unknown"]) in str(raised.value)
        assert host.snapshot() == before
        return

    assert remove(host, wanted, check=True) == case["expect"]
    assert host.snapshot() == before
    assert remove(host, wanted, check=False) == case["expect"]
    assert host.calls("ceph-volume") == case.get("calls", [])
    for name in case.get("gone", []):
        assert not (tmp_path / name).exists()
    for name in case.get("kept", []):
        assert (tmp_path / name).exists()
    if case.get("twice", True):
        left = remove(host, wanted, check=False)
        assert [row["state"] for row in left] == ["absent"] * len(wanted)


def test_the_unit_that_makes_an_osd_ready_goes_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = OsdHost(tmp_path, {"osds": {3: {}}}, monkeypatch)
    for osd_id in (3, 4):
        host.startup.install({"osd_id": osd_id, "osd_uuid": OSD_UUID, "block": "/dev/sdb"})
    template = tmp_path / "etc/systemd/system/ceph-orch-osd@.service"

    remove(host, [osd()], check=False)
    assert template.exists(), "osd.4 needs it"
    assert not host.startup.is_installed(3)
    assert host.startup.is_installed(4)
    assert show_units(["ceph-osd@3.service"])["ceph-osd@3.service"]["ActiveState"] == "inactive"
    host.startup.remove(4)
    assert not template.exists()
    assert not (tmp_path / "program").exists()
    assert not (tmp_path / "var/lib/ceph-orch-ansible").exists()


def test_what_stands_on_a_disk_is_taken_down_before_a_removal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disks = {"sdb": {"content": {0: {"label": {}}}}}
    host = OsdHost(tmp_path, {"tree": {"disks": disks}}, monkeypatch)
    (tmp_path / "sys/block/sdb/holders/dm-0").mkdir()

    with pytest.raises(RemovalRefused) as raised:
        remove(host, [osd(zap=True)], check=False)
    assert str(raised.value) == (
        "/dev/sdb: it is used by /dev/dm-0. Take that down first, then run this again."
    )
    assert host.calls("ceph-volume") == []
