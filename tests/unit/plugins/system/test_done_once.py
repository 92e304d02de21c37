"""What was done for somebody is remembered by name, bounded, and by nobody else's word."""

from __future__ import annotations

import json
from pathlib import Path

from plugins.module_utils.system.done_once import DoneOnce


def done(top: Path, mark: str, most: int = 3) -> DoneOnce:
    return DoneOnce("restarts", mark, most, str(top / "run"))


def test_the_same_again_is_known(tmp_path: Path) -> None:
    assert not done(tmp_path, "job-1").has("ceph-mds@a.service")
    done(tmp_path, "job-1").note(["ceph-mds@a.service"])
    assert done(tmp_path, "job-1").has("ceph-mds@a.service")
    assert not done(tmp_path, "job-1").has("ceph-mds@b.service")
    assert not done(tmp_path, "job-2").has("ceph-mds@a.service")
    done(tmp_path, "job-2").note(["ceph-mds@a.service"])
    assert done(tmp_path, "job-1").has("ceph-mds@a.service"), "a later job is no reason to do it"


def test_without_a_mark_nothing_is_known(tmp_path: Path) -> None:
    done(tmp_path, "").note(["x"])
    assert not done(tmp_path, "").has("x")


def test_with_one_mark_what_was_done_last_counts(tmp_path: Path) -> None:
    for mark in ("job-1 on", "job-2 off"):
        done(tmp_path, mark, 1).note(["ident /dev/sda"])
    assert not done(tmp_path, "job-1 on", 1).has("ident /dev/sda")
    assert done(tmp_path, "job-2 off", 1).has("ident /dev/sda")
    done(tmp_path, "", 1).note(["ident /dev/sda"])
    assert not done(tmp_path, "job-2 off", 1).has("ident /dev/sda")


def test_what_is_kept_is_bounded(tmp_path: Path) -> None:
    for number in range(5):
        done(tmp_path, f"job-{number}").note(["x"])
    assert [done(tmp_path, f"job-{n}").has("x") for n in range(5)] == [
        False,
        False,
        True,
        True,
        True,
    ]
    done(tmp_path, "job-9").note(f"u{number}" for number in range(1200))
    kept = json.loads((tmp_path / "run/restarts-done.json").read_text())
    assert len(kept) == 1000
    assert not done(tmp_path, "job-9").has("u1")
    assert done(tmp_path, "job-9").has("u1199")


def test_what_others_may_have_written_is_not_believed(tmp_path: Path) -> None:
    done(tmp_path, "job-1").note(["x"])
    path = tmp_path / "run/restarts-done.json"
    path.write_text('{"x": "job-1", "y": ["job-1", 3], "z": {}}')
    assert not done(tmp_path, "job-1").has("x")
    assert done(tmp_path, "job-1").has("y")
    path.chmod(0o666)
    assert not done(tmp_path, "job-1").has("y")
