"""Which OSDs greet whoever connects: real sockets on the loopback interface."""

from __future__ import annotations

import socket
import threading
from contextlib import ExitStack
from typing import Any, Dict, Iterator, List, Tuple

import pytest

from adapter.cluster.osd_answers import GREETING, address_of, silent


class Osds:
    """Listen as OSDs do; each says something, or nothing, to who connects."""

    def __init__(self) -> None:
        self._opened = ExitStack()

    def add(self, words: List[bytes], accepts: bool = True, family: Any = socket.AF_INET) -> Any:
        """Return the address of one that says ``words``, one after the other, and then closes."""
        listening = self._opened.enter_context(socket.socket(family, socket.SOCK_STREAM))
        listening.bind(("127.0.0.1" if family == socket.AF_INET else "::1", 0))
        listening.listen(300)
        if accepts:
            threading.Thread(target=self._serve, args=(listening, words), daemon=True).start()
        return listening.getsockname()[:2]

    def _serve(self, listening: socket.socket, words: List[bytes]) -> None:
        while True:
            try:
                caller, _ = listening.accept()
            except OSError:
                return
            with caller:
                for word in words:
                    caller.sendall(word)

    def closed(self) -> Tuple[str, int]:
        """Return an address where nobody listens."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            name: Tuple[str, int] = free.getsockname()
            return name

    def close(self) -> None:
        """End all of them."""
        self._opened.close()


@pytest.fixture
def osds() -> Iterator[Osds]:
    found = Osds()
    yield found
    found.close()


def test_one_that_greets_answers(osds: Osds) -> None:
    known = {
        0: osds.add([b"ceph v2\n\x10\x00"]),
        1: osds.add([b"ceph v027"]),
        2: osds.add([b"cep", b"h v2\n"]),
    }
    assert silent(known) == set()


def test_one_that_hangs_is_silent_though_its_port_is_open(osds: Osds) -> None:
    # The kernel takes the connection for a process that is stopped.
    assert silent({4: osds.add([], accepts=False)}, patience=0.2) == {4}


def test_one_whose_port_is_closed_is_silent_at_once(osds: Osds) -> None:
    assert silent({4: osds.closed()}, patience=60.0) == {4}


def test_another_program_at_the_address_is_no_osd(osds: Osds) -> None:
    known = {0: osds.add([b"SSH-2.0-OpenSSH"]), 1: osds.add([])}
    assert silent(known, patience=60.0) == {0, 1}


def test_those_that_hang_hold_up_no_other(osds: Osds) -> None:
    known: Dict[int, Any] = {0: osds.add([], accepts=False)}
    known.update({number: osds.add([GREETING]) for number in range(1, 20)})
    assert silent(known, patience=5.0) == {0}


def test_very_many_are_asked_in_parts(osds: Osds) -> None:
    known = {number: osds.add([GREETING]) for number in range(300)}
    assert silent(known, patience=60.0) == set()


def test_an_ipv6_address(osds: Osds) -> None:
    try:
        address = osds.add([GREETING], family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6 on its loopback interface")
    assert silent({0: address}) == set()


@pytest.mark.parametrize(
    ("row", "address"),
    [
        ({"public_addrs": {"addrvec": [{"addr": "10.0.0.1:6800"}]}}, ("10.0.0.1", 6800)),
        ({"public_addrs": {"addrvec": [{"addr": "[fd00::1]:6802"}]}}, ("fd00::1", 6802)),
        ({"public_addr": "10.0.0.1:6801/1124410057"}, ("10.0.0.1", 6801)),
        ({"public_addrs": {"addrvec": []}, "public_addr": "(unrecognized address)"}, ("", 0)),
        ({}, ("", 0)),
    ],
)
def test_where_an_osd_is(row: Dict[str, Any], address: Tuple[str, int]) -> None:
    assert address_of(row) == address


def test_an_address_that_is_none_is_silent() -> None:
    assert silent({0: ("no address", 6800)}, patience=0.2) == {0}
