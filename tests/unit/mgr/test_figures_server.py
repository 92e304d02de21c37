"""The figures are answered at one path, for as long as an option says so."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from typing import Tuple

import pytest

from adapter.mgr.figures_server import MOST, FiguresServer

TEXT = "a 1\n"


@pytest.fixture
def server() -> Iterator[FiguresServer]:
    found = FiguresServer(lambda: TEXT)
    yield found
    found.close()


def free() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def ask(port: int, path: str = "/metrics", method: str = "GET") -> Tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path)
    answer = connection.getresponse()
    assert "Python" not in (answer.getheader("Server") or "")
    return answer.status, answer.read().decode()


@pytest.mark.parametrize("addr", ["", "127.0.0.1"])
def test_it_answers_at_one_path(server: FiguresServer, addr: str) -> None:
    server.follow(addr, free())
    assert ask(server.port) == (200, TEXT)
    assert ask(server.port, "/metrics?a=b") == (200, TEXT)
    assert ask(server.port, "/")[0] == ask(server.port, "/metrics/../etc")[0] == 404
    assert ask(server.port, method="POST")[0] == 501


def test_it_follows_the_options(server: FiguresServer) -> None:
    server.follow("", free())
    first = server.port
    server.follow("", first)
    assert server.port == first
    server.follow("", free())
    assert server.port != first
    assert ask(server.port)[0] == 200
    with pytest.raises(ConnectionError):
        ask(first)
    server.follow("", 0)
    assert (server.port, server.problem) == (0, "")


def test_a_port_that_is_taken_is_told_and_tried_again(server: FiguresServer) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        server.follow("127.0.0.1", port)
        assert f"metrics_port {port}: nobody can listen at 127.0.0.1" in server.problem
        assert server.port == 0
    server.follow("127.0.0.1", port)
    assert server.problem == ""
    assert ask(port) == (200, TEXT)


@pytest.mark.parametrize("addr", ["198.51.100.7", "fe80::zz", "no such host"])
def test_an_address_that_is_not_there_is_told(server: FiguresServer, addr: str) -> None:
    server.follow(addr, free())
    assert addr in server.problem


def test_what_cannot_be_made_is_no_answer() -> None:
    def broken() -> str:
        raise ValueError("S3cret")

    server = FiguresServer(broken)
    server.follow("127.0.0.1", free())
    status, said = ask(server.port)
    server.close()
    assert status == 500
    assert "S3cret" not in said


def test_who_says_nothing_keeps_others_out_only_for_a_while() -> None:
    server = FiguresServer(lambda: TEXT, patience=0.5)
    server.follow("127.0.0.1", free())
    silent = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(MOST)]
    late = socket.create_connection(("127.0.0.1", server.port))
    assert late.recv(1) == b"", "it waits for more than it has room for"
    late.close()
    for each in silent:
        each.settimeout(30)
        assert each.recv(1) == b""
        each.close()
    while not answers(server.port):
        pass
    server.close()


def answers(port: int) -> bool:
    try:
        return ask(port)[0] == 200
    except (ConnectionError, http.client.HTTPException):
        return False
