"""Packages start nothing while they are upgraded; whatever that needs is put back, also later."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from plugins.module_utils.system.quiet_packages import (
    SAVED,
    VARIABLE,
    RecordUnusable,
    put,
    put_back,
)
from plugins.module_utils.system.reading import Roots
from plugins.module_utils.system.upgrade_record import left_behind, record_path


@pytest.fixture
def host(tmp_path: Path) -> Roots:
    for name in ("usr/sbin", "etc/sysconfig", "var/lib"):
        (tmp_path / name).mkdir(parents=True)
    return Roots(etc=str(tmp_path / "etc"), var=str(tmp_path / "var"), usr=str(tmp_path / "usr"))


def policy(host: Roots) -> Path:
    return Path(host.usr) / "sbin/policy-rc.d"


def asked(host: Roots, **environment: str) -> int:
    return subprocess.run(
        [str(policy(host)), "ceph-mon@h1.service", "start"],
        env={"PATH": os.environ["PATH"], **environment},
        check=False,
    ).returncode


def test_only_the_upgrade_s_own_transaction_is_kept_quiet(host: Roots) -> None:
    put(host, "Debian")
    assert left_behind(host)
    assert asked(host, **{VARIABLE: "1"}) == 101
    assert asked(host) == 0
    assert put_back(host)
    assert not policy(host).exists()
    assert not left_behind(host)
    assert not put_back(host)


def test_an_administrator_s_file_is_asked_meanwhile_and_there_afterwards(host: Roots) -> None:
    policy(host).write_text("#!/bin/sh\nexit 104\n")
    policy(host).chmod(0o755)
    before = policy(host).stat()
    put(host, "Debian")
    assert asked(host, **{VARIABLE: "1"}) == 101
    assert asked(host) == 104
    put_back(host)
    after = policy(host).stat()
    assert (after.st_ino, after.st_mode) == (before.st_ino, before.st_mode)
    assert not Path(f"{policy(host)}{SAVED}").exists()


def test_one_that_is_a_link_stays_one(host: Roots) -> None:
    policy(host).symlink_to("/bin/true")
    put(host, "Debian")
    put_back(host)
    assert os.readlink(policy(host)) == "/bin/true"


def test_a_run_after_one_that_was_killed_puts_back_first(host: Roots) -> None:
    policy(host).write_text("#!/bin/sh\nexit 104\n")
    policy(host).chmod(0o755)
    put(host, "Debian")
    put(host, "Debian")
    put_back(host)
    assert policy(host).read_text() == "#!/bin/sh\nexit 104\n"


def test_one_that_was_killed_before_it_wrote(host: Roots) -> None:
    put(host, "Debian")
    policy(host).unlink()
    assert put_back(host)
    assert not policy(host).exists()


def test_a_file_that_somebody_wrote_meanwhile_stays(host: Roots) -> None:
    policy(host).write_text("#!/bin/sh\nexit 104\n")
    put(host, "Debian")
    policy(host).unlink()
    policy(host).write_text("#!/bin/sh\nexit 3\n")
    put_back(host)
    assert policy(host).read_text() == "#!/bin/sh\nexit 3\n"
    assert not Path(f"{policy(host)}{SAVED}").exists()


def test_el_restarts_daemons_only_where_it_was_told_to(host: Roots) -> None:
    config = Path(host.etc) / "sysconfig/ceph"
    config.write_text("CEPH_AUTO_RESTART_ON_UPGRADE=no\nX=1\n")
    put(host, "RedHat")
    assert config.read_text() == "CEPH_AUTO_RESTART_ON_UPGRADE=no\nX=1\n"
    put_back(host)
    config.write_text('X=1\nCEPH_AUTO_RESTART_ON_UPGRADE="yes"\n')
    put(host, "RedHat")
    lines = config.read_text().splitlines()
    assert "CEPH_AUTO_RESTART_ON_UPGRADE=no" in lines
    assert "X=1" in lines
    assert not any("yes" in line for line in lines)
    put_back(host)
    assert config.read_text() == 'X=1\nCEPH_AUTO_RESTART_ON_UPGRADE="yes"\n'


@pytest.mark.parametrize("text", ["{", "[]", '{"files": ["/etc/passwd"]}', '{"files": 3}'])
def test_a_record_that_cannot_be_used_is_none_that_is_followed(host: Roots, text: str) -> None:
    path = Path(record_path(host))
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(RecordUnusable):
        put_back(host)
    assert path.read_text() == text


def test_an_empty_record_puts_back_what_there_can_be(host: Roots) -> None:
    put(host, "Debian")
    Path(record_path(host)).write_text("")
    assert put_back(host)
    assert not policy(host).exists()
