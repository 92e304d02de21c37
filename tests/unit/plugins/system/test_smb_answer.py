"""A server answers as SMB does, or not."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Callable

import pytest

from plugins.module_utils.system.smb_answer import answers_smb


@contextmanager
def server(answer: bytes, heard: Callable[[bytes], None] = lambda data: None) -> Iterator[int]:
    """Answer one connection with some bytes, and close it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                heard(connection.recv(1024))
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(5)


def test_the_first_message_is_a_negotiation() -> None:
    said: list[bytes] = []
    with server(struct.pack(">I", 68) + b"\xfeSMB" + bytes(64), said.append) as port:
        assert answers_smb("", port, 2)

    (data,) = said
    assert struct.unpack(">I", data[:4])[0] == len(data) - 4
    assert data[4:8] == b"\xfeSMB"
    # The sizes of header and body as [MS-SMB2] has them, and command 0.
    assert struct.unpack("<H", data[8:10]) == (64,)
    assert struct.unpack("<H", data[16:18]) == (0,)
    assert struct.unpack("<HH", data[68:72]) == (36, 3)
    assert len(data) == 4 + 64 + 36 + 6


@pytest.mark.parametrize(
    "answer", [b"", b"\0\0", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0\0\0\x40\xffSMB"]
)
def test_another_answer_is_none(answer: bytes) -> None:
    with server(answer) as port:
        assert not answers_smb("127.0.0.1", port, 2)


def test_who_does_not_listen_does_not_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert not answers_smb("127.0.0.1", port, 1)


def test_who_says_nothing_is_not_waited_for_for_long() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert not answers_smb("127.0.0.1", listener.getsockname()[1], 0.2)
