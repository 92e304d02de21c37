"""Files of ours on a host have the modes that they shall have, and so has what is above them."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any, List, Sequence, Tuple

import pytest

from plugins.module_utils.cluster.access import Access
from plugins.module_utils.host import record
from plugins.module_utils.osd.startup import Startup
from plugins.module_utils.system.atomic_write import (
    is_written,
    make_directory,
    read_whole,
    write_text,
)
from plugins.module_utils.system.reading import FILE_LIMIT, Roots
from plugins.module_utils.systemd.drop_in import UnitSettings
from tests.unit.modes import UMASKS, modes, umask
from tests.unit.plugins.labels import FSID

OSD = {"osd_id": 3, "osd_uuid": "u", "block": "/dev/sdb"}
KEYRING = "[client.bootstrap-osd]\n\tkey = AQDt8pZkAAAAABAA" + "0" * 22 + "==\n"


@pytest.fixture
def roots(tmp_path: Path) -> Roots:
    return Roots(dev="none", etc=str(tmp_path / "etc"), var=str(tmp_path / "var"))


def write_everything(roots: Roots, top: Path) -> None:
    """Write what a host gets."""
    record.write_record(roots.var + "/lib/ceph-orch-ansible/host.json", {"hostname": "h1"})
    Startup(roots, program=str(top / "program/of/ours"), python="/usr/bin/python3").install(OSD)
    access = Access(roots, FSID)
    access.write_keyring(KEYRING)
    write_text(access.conf_path, "[global]\n", 0o644)
    make_directory(roots.var + "/lib/ceph/mds/ceph-a", 0o700, (os.geteuid(), os.getegid()))


@pytest.mark.parametrize("mask", UMASKS)
def test_every_mode_is_set(roots: Roots, tmp_path: Path, mask: int) -> None:
    before = set(modes(tmp_path))
    with umask(mask):
        write_everything(roots, tmp_path)

    found = {name: mode for name, mode in modes(tmp_path).items() if name not in before}
    private = {
        "var/lib/ceph/bootstrap-osd": 0o750,
        "var/lib/ceph/bootstrap-osd/ceph.keyring": 0o600,
        "var/lib/ceph/mds/ceph-a": 0o700,
    }
    wanted = {name: 0o755 if (tmp_path / name).is_dir() else 0o644 for name in found}
    assert found == {**wanted, **private}


@pytest.mark.parametrize(
    ("there", "owned"), [((), True), (("lost+found",), True), (("lost+found", "store.db"), False)]
)
def test_an_empty_directory_of_somebody_else_is_given_its_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: Sequence[str], owned: bool
) -> None:
    """As `mkdir` and a new file system leave one that a daemon shall use."""
    owners: List[Tuple[int, int]] = []
    monkeypatch.setattr("os.fchown", lambda _, uid, gid: owners.append((uid, gid)))
    path = tmp_path / "ceph-h1"
    for each in ("", *there):
        (path / each).mkdir(mode=0o755)
    make_directory(str(path), 0o700, (os.geteuid() + 1, os.getegid()))
    assert owners == [(os.geteuid() + 1, os.getegid())] * owned
    assert path.stat().st_mode & 0o777 == (0o700 if owned else 0o755)


def test_what_a_link_leads_to_and_what_is_the_owners_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir(mode=0o750)
    (tmp_path / "link").symlink_to("there")
    make_directory(str(tmp_path / "link"), 0o700, (os.geteuid() + 1, os.getegid()))
    make_directory(str(tmp_path / "there"), 0o700, (os.geteuid(), os.getegid()))
    assert (tmp_path / "there").stat().st_mode & 0o777 == 0o750


@pytest.mark.parametrize("above", ["", "a", "a/b"])
def test_a_file_in_a_directory_that_everybody_may_write_is_not_as_it_shall_be(
    tmp_path: Path, above: str
) -> None:
    """Whoever may write there can put another one in its place."""
    path = str(tmp_path / "a/b/file")
    assert write_text(path, "x", 0o644)
    assert not write_text(path, "x", 0o644)
    (tmp_path / above).chmod(0o777)

    assert not is_written(path, "x", 0o644)
    assert write_text(path, "x", 0o644)
    assert (tmp_path / above).stat().st_mode & 0o7777 == 0o755
    assert not write_text(path, "x", 0o644), "once"


def test_a_directory_like_tmp_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a").chmod(0o1777)

    assert write_text(str(tmp_path / "a/file"), "x", 0o644)
    assert is_written(str(tmp_path / "a/file"), "x", 0o644)
    assert (tmp_path / "a").stat().st_mode & 0o7777 == 0o1777


@pytest.mark.parametrize("wrong", ["lib/ceph-orch-ansible", "lib/ceph-orch-ansible/osd"])
def test_our_own_directories_are_closed_by_the_next_run(
    roots: Roots, tmp_path: Path, wrong: str
) -> None:
    write_everything(roots, tmp_path)
    (tmp_path / "var" / wrong).chmod(0o777)

    write_everything(roots, tmp_path)

    assert not (tmp_path / "var" / wrong).stat().st_mode & 0o002


def test_a_directory_of_unit_settings_that_is_open_counts_as_a_change(
    roots: Roots, tmp_path: Path
) -> None:
    settings: Any = UnitSettings(roots, "ceph-crash.service")
    path = Path(settings.path)
    write_text(
        str(path), "# Made by ceph-orch-ansible: r\n[Service]\nExecStart=\nExecStart=x\n", 0o644
    )
    assert settings.is_so(["x"], "r")
    path.parent.chmod(0o777)
    assert not settings.is_so(["x"], "r")


def test_a_record_that_lies_open_is_to_be_written(tmp_path: Path) -> None:
    path = tmp_path / "ceph-orch-ansible/host.json"
    record.write_record(str(path), {"hostname": "h1"})
    assert record.is_kept(str(path), {"hostname": "h1"})
    path.chmod(0o666)
    assert not record.is_kept(str(path), {"hostname": "h1"})


def test_only_a_file_that_is_not_there_counts_as_empty(tmp_path: Path) -> None:
    path = tmp_path / "file"
    assert read_whole(str(path)) == ""
    path.write_bytes(b"a \xff\n")
    assert read_whole(str(path)) == "a \udcff\n"
    with pytest.raises(IsADirectoryError):
        read_whole(str(tmp_path))

    path.write_bytes(b"a" * FILE_LIMIT)
    assert len(read_whole(str(path))) == FILE_LIMIT
    path.write_bytes(b"a" * (FILE_LIMIT + 1))
    with pytest.raises(OSError) as raised:
        read_whole(str(path))
    assert (raised.value.errno, raised.value.filename) == (errno.EFBIG, str(path))
    assert raised.value.strerror == "File too large"


def test_a_disk_that_cannot_be_read_says_which_file_it_was(tmp_path: Path) -> None:
    """A call on an open file names none."""
    with pytest.raises(OSError, match="/proc/self/mem") as raised:
        read_whole("/proc/self/mem")
    assert raised.value.errno == errno.EIO


def test_a_keyring_that_cannot_be_read_is_not_replaced(roots: Roots) -> None:
    access = Access(roots, FSID)
    os.makedirs(access.keyring_path)
    with pytest.raises(IsADirectoryError):
        access.keyring_to_write(KEYRING)
