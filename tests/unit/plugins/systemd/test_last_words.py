"""Last words: each once, and the daemon's own log file where the journal says nothing more."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from plugins.module_utils.system.reading import Roots
from plugins.module_utils.systemd.last_words import errors_of, log_of, words_of
from tests.unit.plugins.osd_host import OsdHost

UNIT = "ceph-radosgw@rgw.pc.h2.abcdef.service"
NAME = "ceph-client.rgw.pc.h2.abcdef.log"
STAMP = "2026-11-29T05:30:5{}.824+0000 7fb95091018{} "
LOST = "Couldn't init storage provider (RADOS)"
REALM = "rgw main: failed to load realm: (2) No such file or directory"
BEGINS = "0 ceph version 20.2.4 (7f79) tentacle (stable), process radosgw, pid 1304"


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OsdHost:
    found = OsdHost(tmp_path, {}, monkeypatch)
    (tmp_path / "var/log/ceph").mkdir(parents=True)
    journal(found, *(f"{STAMP.format(i, i)}-1 {LOST}" for i in range(4)))
    return found


def journal(host: OsdHost, *lines: str) -> None:
    (host.top / "journal").write_text("".join(f"{line}\n" for line in lines))
    host.install("journalctl", '#!/bin/sh\ncat "$TREE/journal"\n')


def log(host: OsdHost, *lines: str, name: str = NAME) -> Path:
    path = host.top / "var/log/ceph" / name
    path.write_text("".join(f"{STAMP.format(0, 0)}{line}\n" for line in lines))
    return path


def words(host: OsdHost, unit: str = UNIT) -> str:
    return str(words_of([unit], host.roots))


def test_repeated_lines_are_said_once_whatever_their_time(host: OsdHost) -> None:
    assert words(host).count(LOST) == 1


def test_the_order_of_what_is_different_stays(host: OsdHost) -> None:
    journal(host, "a", "b", "a", "c", "d", "e", "f", "f")
    assert words(host) == f" Last words of {UNIT}: a | c | d | e | f"


def test_the_log_file_says_what_the_journal_does_not(host: OsdHost) -> None:
    log(
        host,
        " -1 something of an earlier start",
        f" {BEGINS}",
        " 0 framework: beast",
        " 1 init_numa not setting numa affinity, an error",
        f" 0 {REALM}",
        f"-1 {LOST}",
        f" 0 {REALM}",
    )
    said = words(host)
    assert said.endswith(f" In the log file of {UNIT}: {REALM}")
    assert said.count(LOST) == 1


def test_a_journal_that_says_enough_is_left_alone(host: OsdHost) -> None:
    journal(host, "a", "b", "c")
    log(host, f" 0 {REALM}")
    assert REALM not in words(host)


def test_the_file_is_read_where_the_journal_is_empty(host: OsdHost) -> None:
    journal(host)
    log(host, f" 0 {REALM}")
    assert words(host) == f" In the log file of {UNIT}: {REALM}"


def started(host: OsdHost, *systemds: str) -> None:
    """Have a start that said nothing itself, of the process 1304."""
    start = "5" * 32
    host.install("systemctl", f"#!/bin/sh\necho InvocationID={start}; echo ExecMainPID=1304\n")
    (host.top / "systemds").write_text("".join(f"{line}\n" for line in systemds))
    own, before = '"$TREE/systemds"', '"$TREE/journal"'
    cases = f'*" INVOCATION_ID="*) cat {own} ;; *_INVOCATION_ID=*) ;; *) cat {before} ;;'
    host.install("journalctl", f'#!/bin/sh\ncase "$*" in {cases} esac\n')


EXITED = f"{UNIT}: Main process exited, code=exited, status=1/FAILURE"


def test_what_the_start_before_said_is_not_why_this_one_failed(host: OsdHost) -> None:
    """A program that cannot run says nothing; the one before was told to stop."""
    started(host, f"Starting {UNIT}", EXITED, f"{UNIT}: Failed to read pids.max, ignoring")
    log(host, f" {BEGINS[:-4]}77", "-1 received signal: Terminated", f"-1 {LOST}")
    assert words(host) == f" Last words of {UNIT}: {EXITED}"


def test_a_start_that_speaks_only_in_its_log_file_is_heard(host: OsdHost) -> None:
    started(host, EXITED)
    log(host, f" {BEGINS}", f" 0 {REALM}")
    said = f" Last words of {UNIT}: {EXITED}. In the log file of {UNIT}: {REALM}"
    assert words(host) == said


def test_a_start_that_has_not_ended_says_what_was_said_before(host: OsdHost) -> None:
    started(host, f"Starting {UNIT}")
    assert words(host).count(LOST) == 1


@pytest.mark.parametrize(
    ("unit", "name"),
    [
        ("ceph-mds@a.h1.x.service", "ceph-mds.a.h1.x.log"),
        ("ceph-osd@3.service", "ceph-osd.3.log"),
        ("ceph-mon@h1.service", "ceph-mon.h1.log"),
        ("ceph-radosgw@radosgw.gateway.service", "ceph-client.radosgw.gateway.log"),
        ("ceph-rbd-mirror@rbd-mirror.h1.x.service", "ceph-client.rbd-mirror.h1.x.log"),
        ("cephfs-mirror@cephfs-mirror.a.service", "ceph-client.cephfs-mirror.a.log"),
        ("ceph-crash.service", ""),
        ("ceph-mds@../../etc/x.service", ""),
        ("ceph-mds@.service", ""),
        ("sshd@a.service", ""),
    ],
)
def test_which_file_is_a_daemons_own(unit: str, name: str) -> None:
    assert log_of(unit, Roots(etc="/nowhere")) == (f"/var/log/ceph/{name}" if name else "")


def test_the_clusters_name_is_part_of_it(host: OsdHost) -> None:
    default = Path(host.roots.etc) / "default"
    default.mkdir(parents=True)
    (default / "ceph").write_text("CLUSTER=west\n")
    assert log_of("ceph-osd@3.service", host.roots).endswith("/west-osd.3.log")


def test_no_link_is_followed(host: OsdHost) -> None:
    other = log(host, f" 0 {REALM}", name="secret")
    path = host.top / "var/log/ceph" / NAME
    path.symlink_to(other)
    assert errors_of(UNIT, host.roots) == []
    path.unlink()
    os.link(other, path)
    assert errors_of(UNIT, host.roots) == []
    path.unlink()
    os.mkfifo(path)
    assert errors_of(UNIT, host.roots) == []
    path.unlink()
    path.mkdir()
    assert errors_of(UNIT, host.roots) == []


def test_an_old_file_is_another_starts(host: OsdHost) -> None:
    path = log(host, f" 0 {REALM}")
    os.utime(path, (1, time.time() - 3600))
    assert errors_of(UNIT, host.roots) == []


def test_a_large_file_is_read_at_its_end(host: OsdHost) -> None:
    path = log(host, " 0 first failed", *(f"-1 error {i} {'x' * 900}" for i in range(5000)))
    found = errors_of(UNIT, host.roots)
    assert len(found) < 100
    assert found[-1].startswith("error 4999")
    assert max(map(len, found)) <= 256
    assert path.stat().st_size > 10 * (64 << 10)


def test_bytes_that_are_no_text_hurt_nobody(host: OsdHost) -> None:
    line = f"\n{STAMP.format(1, 1)}-1 bad\x1b[31m\x00 end\n".encode()
    log(host).write_bytes(os.urandom(100_000) + line)
    assert errors_of(UNIT, host.roots)[-1] == "bad [31m  end"
