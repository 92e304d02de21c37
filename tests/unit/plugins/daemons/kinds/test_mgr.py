"""What a host reports of a manager beside what it reports of any daemon."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from plugins.module_utils.daemons.kinds.mgr import KIND
from plugins.module_utils.system.reading import Roots


@pytest.fixture
def roots(tmp_path: Path) -> Roots:
    return Roots(ceph_run=str(tmp_path))


def test_one_without_a_socket_does_not_answer(roots: Roots) -> None:
    assert KIND.more_of_row(roots, "h1", "running") == {"answers": False}


def test_one_that_hangs_does_not_answer(roots: Roots, tmp_path: Path) -> None:
    """It accepts what it is asked, as a stopped process does, and says nothing."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as hung:
        hung.bind(str(tmp_path / "ceph-mgr.h1.asok"))
        hung.listen()
        assert KIND.more_of_row(roots, "h1", "running") == {"answers": False}


def test_of_one_that_is_stopped_nothing_is_asked(roots: Roots) -> None:
    assert KIND.more_of_row(roots, "h1", "stopped") == {"answers": True}
