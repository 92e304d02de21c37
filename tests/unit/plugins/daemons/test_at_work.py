"""A unit that is active says nothing of the work of its daemon."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any, Iterator

import pytest

from plugins.module_utils.daemons.at_work import answering, daemon_of, have_to_stay, idle
from plugins.module_utils.system.listening import listens
from plugins.module_utils.system.reading import Roots
from tests.unit.plugins.programs import only_programs_of


@pytest.mark.parametrize(
    ("unit", "name"),
    [
        ("ceph-mon@h1.service", "mon.h1"),
        ("ceph-mds@data.h1.abcdef.service", "mds.data.h1.abcdef"),
        ("ceph-radosgw@rgw.web.h1.abcdef.service", "rgw.web.h1.abcdef"),
        ("ceph-rbd-mirror@rbd-mirror.h1.abcdef.service", "rbd-mirror.h1.abcdef"),
        ("ceph-osd@3.service", None),
        ("ceph-radosgw@hand.service", None),
        ("ceph-mds@-x.service", None),
        ("ceph.target", None),
    ],
)
def test_the_daemon_of_a_unit(unit: str, name: str) -> None:
    daemon = daemon_of(Roots(), unit)
    assert (daemon and daemon.name) == name


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        yield found


def test_whether_a_process_listens(listener: socket.socket) -> None:
    assert not listens("/proc", os.getpid())
    listener.listen()
    assert listens("/proc", os.getpid())
    assert not listens("/proc", 1 << 22)


def test_nothing_to_be_read_is_no_listener(tmp_path: Path) -> None:
    assert not listens(str(tmp_path), 7)


@pytest.mark.parametrize(("answered", "works"), [((), True), (("ceph-mgr@h1.service",), False)])
def test_a_manager_that_could_be_asked_before_must_answer_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answered: Any, works: bool
) -> None:
    """One that hangs before it has a socket is still a standby in the manager map."""
    programs = only_programs_of(tmp_path, monkeypatch)
    state = "ActiveState=active\\nSubState=running\\nMainPID=7\\n\\n"
    for name, body in (("systemctl", f"printf '{state}'"), ("journalctl", "exit 0")):
        (programs / name).write_text(f"#!/bin/sh\n{body}\n")
        (programs / name).chmod(0o755)
    found = idle(
        Roots(ceph_run=str(tmp_path)), ["ceph-mgr@h1.service"], 60.0 if works else 1.0, answered
    )
    assert (found == {}) is works


def test_who_can_be_asked(tmp_path: Path) -> None:
    roots = Roots(ceph_run=str(tmp_path))
    (tmp_path / "ceph-mgr.h1.asok").touch()
    units = ["ceph-mgr@h1.service", "ceph-mgr@h2.service", "ceph-osd@1.service"]
    assert answering(roots, units) == {"ceph-mgr@h1.service"}


def test_only_those_that_nobody_can_ask_have_to_stay() -> None:
    """The others are asked at once, and one that has ended is named by that."""
    units = ["ceph-mon@h1.service", "ceph-mds@fs.h1.service", "ceph-osd@3.service"]
    foreign = "ceph-volume@1.service"
    assert have_to_stay(Roots(), [*units, foreign]) == {"ceph-osd@3.service", foreign}
