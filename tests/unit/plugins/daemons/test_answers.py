"""A daemon that hangs does not answer, and holds up a report only for so long."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

import pytest

from plugins.module_utils.daemons.answers import Answers
from plugins.module_utils.daemons.kinds.registry import ALL

MGR, RGW = ALL["mgr"], ALL["rgw"]


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """Return a directory with a short name: a socket's has a hundred characters at most."""
    with tempfile.TemporaryDirectory(prefix="a", dir="/tmp") as name:
        yield Path(name)


@contextmanager
def listening(path: Path) -> Iterator[socket.socket]:
    """Listen, and take what is asked as a stopped process does: nobody reads it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(path))
        server.listen()
        yield server


def answer(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(1024)
        said = json.dumps({"version": "20.2.4"}).encode()
        connection.sendall(struct.pack(">I", len(said)) + said)


@pytest.mark.parametrize(
    ("kind", "name"),
    [(MGR, "ceph-mgr.h1.asok"), (RGW, "ceph-client.rgw.h1.77.94252526442776.asok")],
)
def test_one_that_is_well_answers(tmp_path: Path, kind: object, name: str) -> None:
    with listening(tmp_path / name) as server:
        thread = threading.Thread(target=answer, args=(server,))
        thread.start()
        assert Answers(str(tmp_path)).of(kind, "h1", 77)
        thread.join()


@pytest.mark.parametrize("kind", [MGR, RGW], ids=lambda kind: str(kind.name))
def test_of_one_whose_socket_is_elsewhere_nobody_knows_it(tmp_path: Path, kind: object) -> None:
    (tmp_path / "ceph-client.rgw.h1.5.1.asok").touch()
    assert Answers(str(tmp_path)).of(kind, "h1", 77)


def test_one_whose_socket_nobody_listens_on_does_not_answer(tmp_path: Path) -> None:
    (tmp_path / "ceph-mgr.h1.asok").touch()
    assert not Answers(str(tmp_path)).of(MGR, "h1", 77)


def test_of_many_that_hang_only_some_are_waited_for(tmp_path: Path) -> None:
    answers, asked = Answers(str(tmp_path)), 0
    with listening(tmp_path / "ceph-mgr.h1.asok") as server:
        assert [answers.of(MGR, "h1", 77) for _ in range(20)] == [False] * 20
        server.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                server.accept()[0].close()
                asked += 1
    assert asked == 3
