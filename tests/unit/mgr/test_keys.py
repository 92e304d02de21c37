"""The private key is kept by the monitors, or the one before stays in use."""

from __future__ import annotations

import errno
import logging
from typing import Any, Optional

import pytest

from adapter.engine.access import MemoryAccess
from adapter.errors import NotKept
from adapter.mgr.keys import KEY, KeyStore
from adapter.mgr.store import MonStore
from tests.unit.mgr.fake_mon import PREFIX, Manager, MonKeys

OLD, NEW = "OLD-PRIVATE-KEY", "NEW-PRIVATE-KEY"


class Module:
    """The module as its keys see it."""

    def __init__(self, keys: MonKeys) -> None:
        self._records = MonStore(Manager(keys, lags=True))

    def store_key(self, text: Optional[str]) -> None:
        self._records.set_text(KEY, text)

    def kept_key(self) -> Optional[str]:
        return self._records.get_text(KEY)

    def get_module_option(self, name: str) -> Any:
        return ""


@pytest.fixture
def keys() -> MonKeys:
    return MonKeys()


@pytest.fixture
def ssh() -> MemoryAccess:
    return MemoryAccess()


def test_a_new_key_is_used_although_the_managers_memory_lags(
    keys: MonKeys, ssh: MemoryAccess
) -> None:
    keys.values[PREFIX + KEY] = OLD
    key_store = KeyStore(Module(keys), ssh)
    key_store.place("")
    key_store.set(NEW)

    assert (ssh.key, keys.values[PREFIX + KEY]) == (NEW, NEW)
    key_store.set(None)
    assert (ssh.key, keys.values) == (None, {})


@pytest.mark.parametrize("private", [NEW, None])
def test_a_key_that_is_not_kept_is_not_used_and_not_shown(
    keys: MonKeys, ssh: MemoryAccess, caplog: pytest.LogCaptureFixture, private: Optional[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    keys.values[PREFIX + KEY] = OLD
    key_store = KeyStore(Module(keys), ssh)
    key_store.place("")
    keys.refuse = lambda prefix, key: errno.EACCES

    with pytest.raises(NotKept, match="ssh_identity_key") as caught:
        key_store.set(private)
    assert (ssh.key, keys.values[PREFIX + KEY]) == (OLD, OLD)
    assert "PRIVATE" not in str(caught.value) + caplog.text
