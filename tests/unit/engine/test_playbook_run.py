"""What ansible-playbook is started with."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from adapter.engine.files import private_dir
from adapter.engine.jobs import JobDir
from adapter.engine.playbook_run import forks, temporary_dir

LONGEST_SOCKET_NAME = "pymp-12345678/listener-12345678"


@pytest.mark.parametrize("length", range(60, 110))
def test_a_socket_can_be_bound_below_the_temporary_directory(state: Path, length: int) -> None:
    job = JobDir(private_dir(state / ("j" * (length - len(str(state)) - 1))))
    place = temporary_dir(job.path)
    assert temporary_dir(job.path) == place
    path = place / LONGEST_SOCKET_NAME

    with socket.socket(socket.AF_UNIX) as bound, pytest.raises(FileNotFoundError):
        # A path that is too long is another error than one without its directory.
        bound.bind(os.fsencode(path))
    job.drop_work()
    assert not place.exists()


@pytest.mark.parametrize(
    ("hosts", "wanted"), [(1, 1), (40, 40), (100, 50), (1000, 75), (5000, 275)]
)
def test_hosts_that_hang_leave_room_for_others(hosts: int, wanted: int) -> None:
    """Of five in a hundred each keeps its place until the end."""
    assert forks(hosts) == wanted
    assert hosts // 20 < wanted
