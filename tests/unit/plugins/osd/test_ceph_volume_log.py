"""Keys are taken out of the log of ceph-volume."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

from plugins.module_utils.osd.ceph_volume_log import hide_keys

KEY = "AQDzcQBnAAAAABAAKp7vyR1S0cXk3wCVd9mBNg=="


def test_keys_are_overwritten_in_place(tmp_path: Path) -> None:
    log = tmp_path / "log" / "ceph" / "ceph-volume.log"
    log.parent.mkdir(parents=True)
    lines = f"Running command: ceph-authtool keyring --add-key {KEY}\nafter it --name osd.1\n"
    lines += f'stdout "osd_key": "{KEY}",\n'
    log.write_text(lines * 2)
    with log.open("a") as going_on:
        hide_keys(SimpleNamespace(var=str(tmp_path)))
        going_on.write("the end\n")
    assert log.read_text() == lines.replace(KEY, "*" * len(KEY)) * 2 + "the end\n"


def test_no_log(tmp_path: Path) -> None:
    hide_keys(SimpleNamespace(var=str(tmp_path)))
    (tmp_path / "log" / "ceph").mkdir(parents=True)
    (tmp_path / "log" / "ceph" / "ceph-volume.log").write_text("")
    hide_keys(SimpleNamespace(var=str(tmp_path)))
