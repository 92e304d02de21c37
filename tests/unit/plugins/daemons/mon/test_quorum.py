"""A monitor says that it leaves, so that the others do not wait for it."""

from __future__ import annotations

from pathlib import Path
from typing import Iterator, List, Tuple

import pytest

from plugins.module_utils.daemons.mon.quorum import enter_quorum, leave_quorum
from plugins.module_utils.system.reading import Roots
from tests.unit.plugins.mon_socket import MonSocket

UNITS = ("ceph-mon@h1.service", "ceph-mon@gone.service", "ceph-mgr@h1.service", "ceph.target")


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[Tuple[Roots, MonSocket, List[str]]]:
    found: List[str] = []
    roots = Roots(ceph_run=str(tmp_path))
    monitor = MonSocket(tmp_path / "ceph-mon.h1.asok", "h1", found.append)
    yield roots, monitor, found
    monitor.close()


def test_monitors_alone_are_told(asked: Tuple[Roots, MonSocket, List[str]]) -> None:
    roots, monitor, found = asked
    leave_quorum(roots, UNITS)
    assert found == ["quorum exit"]
    assert not monitor.in_quorum


def test_only_one_that_is_in_no_quorum_is_told_to_take_part(
    asked: Tuple[Roots, MonSocket, List[str]],
) -> None:
    roots, monitor, found = asked
    enter_quorum(roots, UNITS)
    assert found == []
    leave_quorum(roots, UNITS)
    enter_quorum(roots, UNITS)
    assert found == ["quorum exit", "quorum enter"]
    assert monitor.in_quorum


def test_one_that_does_not_answer_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "ceph-mon.h1.asok").touch()
    leave_quorum(Roots(ceph_run=str(tmp_path)), UNITS)
    enter_quorum(Roots(ceph_run=str(tmp_path)), UNITS)
