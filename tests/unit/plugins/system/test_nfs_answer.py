"""Whether a server answers as NFS does is told from its reply alone."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator

import pytest

from plugins.module_utils.system.nfs_answer import speaks_nfs

ID, REPLY = 0x63657068, 1


@contextlib.contextmanager
def server(answer: bytes, calls: list[bytes]) -> Iterator[int]:
    """Run a server that gives each call the same answer; yield its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                calls.append(connection.recv(4096))
                connection.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()
        thread.join(5)


def record(*words: int, more: bytes = b"") -> bytes:
    body = struct.pack(f">{len(words)}I", *words) + more
    return struct.pack(">I", 0x80000000 | len(body)) + body


def test_a_server_that_does_nothing_when_asked_to_speaks_nfs() -> None:
    calls: list[bytes] = []
    with server(record(ID, REPLY, 0, 0, 0, 0), calls) as port:
        assert speaks_nfs("", port, 4, 5.0)

    mark, identity, kind, rpc, program, version, procedure = struct.unpack(">7I", calls[0][:28])
    assert (mark, identity, kind, rpc) == (0x80000000 | 40, ID, 0, 2)
    assert (program, version, procedure) == (100003, 4, 0)


def test_a_verifier_of_the_server_is_passed_over() -> None:
    answer = record(ID, REPLY, 0, 6, 4, more=b"abcd" + struct.pack(">I", 0))
    with server(answer, []) as port:
        assert speaks_nfs("127.0.0.1", port, 4, 5.0)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"",
        b"\x80\x00\x00\x18short",
        record(ID, REPLY, 0, 0, 0, 2, 3, 3),
        record(ID, REPLY, 1, 0, 2, 2),
        record(ID + 1, REPLY, 0, 0, 0, 0),
        record(ID, REPLY, 0, 0, 0xFFFFFFFF, 0),
    ],
    ids=["http", "nothing", "short", "no such version", "denied", "another call", "long verifier"],
)
def test_any_other_answer_is_none_of_nfs(answer: bytes) -> None:
    with server(answer, []) as port:
        assert not speaks_nfs("", port, 4, 5.0)


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert not speaks_nfs("", port, 4, 1.0)
