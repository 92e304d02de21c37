"""Objects in RADOS are read, and nobody waits for ever for one."""

from __future__ import annotations

import threading
from typing import Any, Dict, Tuple

import pytest

from adapter.interface import OrchestratorError
from adapter.mgr.rados_objects import RadosObjects


class Missing(Exception):
    errno = 2


class Rados:
    """A cluster with a few objects; while ``held`` is set, reads wait."""

    def __init__(self, objects: Dict[Tuple[str, str, str], bytes]) -> None:
        self.objects = objects
        self.held = threading.Event()
        self.held.set()

    def open_ioctx(self, pool: str) -> Any:
        return Context(self, pool)


class Context:
    def __init__(self, rados: Rados, pool: str) -> None:
        self.rados, self.pool, self.namespace = rados, pool, ""

    def __enter__(self) -> Context:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def set_namespace(self, namespace: str) -> None:
        self.namespace = namespace

    def read(self, name: str, length: int) -> bytes:
        self.rados.held.wait(20)
        found = self.rados.objects.get((self.pool, self.namespace, name))
        if found is None:
            raise Missing("[errno 2] error reading")
        return found[:length]


def objects(**found: bytes) -> Tuple[Rados, RadosObjects]:
    rados = Rados({(".smb", "files", name): data for name, data in found.items()})
    return rados, RadosObjects(lambda: rados, timeout=0.2)


def test_a_text_is_read_whole() -> None:
    _, reader = objects(one=b"a" * 2_000_000)

    assert reader.text(".smb", "files", "one") == "a" * 2_000_000


def test_one_that_is_not_there_is_named_with_its_errno() -> None:
    _, reader = objects()

    with pytest.raises(OrchestratorError, match=r"rados://\.smb/files/one: .*errno 2") as raised:
        reader.text(".smb", "files", "one")

    assert raised.value.errno == 2


def test_what_is_no_text_is_refused() -> None:
    _, reader = objects(one=b"\xff\xfe")

    with pytest.raises(OrchestratorError, match="it is no text"):
        reader.text(".smb", "files", "one")


def test_one_that_does_not_answer_is_given_up_and_later_read_again() -> None:
    rados, reader = objects(one=b"x")
    rados.held.clear()

    with pytest.raises(OrchestratorError, match="not answered within"):
        reader.text(".smb", "files", "one")
    with pytest.raises(OrchestratorError, match="an earlier read is not answered"):
        reader.text(".smb", "files", "one")
    rados.held.set()

    assert reader.text(".smb", "files", "one") == "x"
