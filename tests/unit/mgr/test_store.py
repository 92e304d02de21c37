"""Records in the monitors: kept whole or refused before the answer, whatever their size."""

from __future__ import annotations

import errno
import json
import logging
import pickle
import random
import threading
from typing import Any, Dict, List

import pytest

from adapter.errors import NotKept, UnreadableRecord
from adapter.mgr.store import MonStore
from tests.unit.mgr.fake_mon import PREFIX, Manager, MonKeys

SECRET = "hunter2-hunter2"


def record_of(size: int, seed: int = 1) -> Dict[str, Any]:
    """Return a record whose text has about this size, of words that hardly shrink."""
    letters = random.Random(seed)
    words = [f"{letters.getrandbits(64):016x}" for _ in range(max(1, size // 20))]
    return {"words": words, "seed": seed}


def same_words(size: int) -> Dict[str, Any]:
    """Return a record that shrinks a lot."""
    return {"paths": ["/dev/disk/by-path/pci-0000"] * (size // 30)}


def after_fail_over(keys: MonKeys) -> MonStore:
    return MonStore(Manager(keys))


def parts(keys: MonKeys) -> List[str]:
    return [key for key in keys.values if key.startswith(f"{PREFIX}part.")]


@pytest.fixture
def keys() -> MonKeys:
    return MonKeys()


@pytest.mark.parametrize("size", [10, 1_000, 59_000, 70_000, 130_000, 1_000_000, 4_000_000])
def test_a_record_is_whole_after_a_fail_over(keys: MonKeys, size: int) -> None:
    store = MonStore(Manager(keys))
    store.set("spec.osd.x", record_of(size))

    assert store.get("spec.osd.x") == record_of(size)
    assert after_fail_over(keys).get("spec.osd.x") == record_of(size)
    assert after_fail_over(keys).items("spec") == {"osd.x": record_of(size)}


def test_ten_megabytes_are_kept_where_they_shrink_and_refused_where_not(keys: MonKeys) -> None:
    store = MonStore(Manager(keys))
    store.set("spec.osd.x", same_words(10_000_000))
    before = dict(keys.values)

    with pytest.raises(NotKept, match=r"spec\.osd\.x \(\d+ bytes\).* MiB when it is compressed"):
        store.set("spec.osd.x", record_of(10_000_000))

    assert keys.values == before
    assert after_fail_over(keys).get("spec.osd.x") == same_words(10_000_000)


def test_a_small_record_costs_one_write_and_one_look(keys: MonKeys) -> None:
    MonStore(Manager(keys)).set("host.h1", {"hostname": "h1"})

    assert keys.commands == [("config-key set", "host.h1"), ("config-key get", "host.h1")]
    assert json.loads(keys.values[f"{PREFIX}host.h1"]) == {"hostname": "h1"}


@pytest.mark.parametrize("size", [10, 130_000])
@pytest.mark.parametrize("code", [errno.EACCES, errno.ENOSPC, errno.ETIMEDOUT])
def test_what_is_refused_is_told_and_shown_nowhere(
    keys: MonKeys, caplog: pytest.LogCaptureFixture, size: int, code: int
) -> None:
    caplog.set_level(logging.DEBUG)
    store = MonStore(Manager(keys))
    store.set("spec.osd.x", {"was": "before"})
    keys.refuse = lambda prefix, key: code if prefix == "config-key set" else 0

    with pytest.raises(NotKept) as caught:
        store.set("spec.osd.x", {**record_of(size), "password": SECRET})

    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.errno, again.key) == (code, "spec.osd.x")
    assert str(again) == str(caught.value)
    assert SECRET not in str(caught.value) + caplog.text
    assert "spec.osd.x" in str(caught.value)
    assert store.get("spec.osd.x") == {"was": "before"}
    assert after_fail_over(keys).get("spec.osd.x") == {"was": "before"}
    assert parts(keys) == []


def test_smaller_values_are_used_where_the_limit_was_lowered() -> None:
    keys = MonKeys(limit=2_500)
    store = MonStore(Manager(keys))
    for size in (10, 2_000, 5_000, 100_000):
        store.set(f"spec.s{size}", record_of(size))
    for size in (10, 2_000, 5_000, 100_000):
        assert after_fail_over(keys).get(f"spec.s{size}") == record_of(size)

    keys.limit = 20
    with pytest.raises(NotKept, match="mon_config_key_max_entry_size"):
        store.set("host.h1", {"hostname": "h1", "addr": "192.0.2.1"})


def test_a_value_that_comes_back_another_one_is_not_kept(keys: MonKeys) -> None:
    class Other(Manager):
        def mon_command(self, cmd_dict: Dict[str, Any], inbuf: Any = None) -> Any:
            status, out, error = super().mon_command(cmd_dict, inbuf)
            changed = '{"by": "another"}'
            return (status, changed if out and "get" in cmd_dict["prefix"] else out, error)

    with pytest.raises(NotKept, match="somebody else"):
        MonStore(Other(keys)).set("host.h1", {"hostname": "h1"})


def test_what_cannot_be_read_back_is_as_it_was(keys: MonKeys) -> None:
    store = MonStore(Manager(keys))
    store.set("host.h1", {"hostname": "h1"})
    keys.refuse = lambda prefix, key: errno.ETIMEDOUT if prefix == "config-key get" else 0

    with pytest.raises(NotKept):
        store.set("host.h1", {"hostname": "h1", "labels": ["mon"]})

    assert after_fail_over(keys).get("host.h1") == {"hostname": "h1"}


def test_what_nobody_knows_is_not_called_unchanged(keys: MonKeys) -> None:
    """The value is written, its answer is lost, and then the monitors say nothing more."""
    store = MonStore(Manager(keys))
    store.set("host.h1", {"hostname": "h1"})
    end = len(keys.commands) + 1
    keys.refuse = lambda prefix, key: errno.ETIMEDOUT if len(keys.commands) > end else 0

    with pytest.raises(NotKept) as caught:
        store.set("host.h1", {"hostname": "h1", "labels": ["mon"]})

    assert after_fail_over(keys).get("host.h1") == {"hostname": "h1", "labels": ["mon"]}
    assert "Nothing was changed" not in str(caught.value)
    assert "may have been written" in str(caught.value)
    assert caught.value.errno == errno.ETIMEDOUT


def test_a_lost_part_that_cannot_be_taken_back_is_told(keys: MonKeys) -> None:
    store = MonStore(Manager(keys))
    store.set("spec.osd.x", {"was": "before"})
    lost: List[str] = []

    def lose_one(prefix: str, key: str) -> int:
        if lost:
            return errno.ETIMEDOUT if prefix == "config-key set" else 0
        if prefix == "config-key get" and key == "spec.osd.x":
            lost.append(parts(keys)[0])
            keys.values.pop(lost[0])
        return 0

    keys.refuse = lose_one
    with pytest.raises(NotKept, match="may have been written"):
        store.set("spec.osd.x", record_of(200_000))


def test_what_was_done_although_the_command_failed_is_kept(keys: MonKeys) -> None:
    class Late(Manager):
        def mon_command(self, cmd_dict: Dict[str, Any], inbuf: Any = None) -> Any:
            answer = super().mon_command(cmd_dict, inbuf)
            return (-errno.ETIMEDOUT, "", "") if "set" in cmd_dict["prefix"] else answer

    store = MonStore(Late(keys))
    store.set("host.h1", {"hostname": "h1"})

    assert store.get("host.h1") == {"hostname": "h1"}
    assert after_fail_over(keys).get("host.h1") == {"hostname": "h1"}


def test_a_part_that_vanishes_while_the_record_is_written_is_noticed(keys: MonKeys) -> None:
    store = MonStore(Manager(keys))
    store.set("spec.osd.x", {"was": "before"})

    def lose_one(prefix: str, key: str) -> int:
        if prefix == "config-key get" and key == "spec.osd.x":
            keys.values.pop(parts(keys)[0], None)
        return 0

    keys.refuse = lose_one
    with pytest.raises(NotKept, match="a part of it"):
        store.set("spec.osd.x", record_of(200_000))
    keys.refuse = lambda prefix, key: 0

    assert store.get("spec.osd.x") == {"was": "before"}
    assert after_fail_over(keys).get("spec.osd.x") == {"was": "before"}
    assert parts(keys) == []


def test_what_was_written_is_read_although_the_managers_memory_lags(keys: MonKeys) -> None:
    keys.values[f"{PREFIX}host.h1"] = '{"n": 0}'
    manager = Manager(keys, lags=True)
    store = MonStore(manager)

    store.set("host.h1", {"n": 1})
    store.set("host.h2", {"n": 1})
    assert store.items("host") == {"h1": {"n": 1}, "h2": {"n": 1}}
    store.set("host.h1", {"n": 2})
    manager._memory["host.h1"] = '{"n": 1}'
    assert store.get("host.h1") == {"n": 2}, "its memory shows a value between"
    store.set("host.h2", None)
    assert store.items("host") == {"h1": {"n": 2}}
    assert store.get("host.h2") is None

    manager.catch_up()
    assert store.items("host") == {"h1": {"n": 2}}
    keys.values[f"{PREFIX}host.h1"] = '{"n": 3}'
    manager.catch_up()
    assert store.get("host.h1") == {"n": 3}, "somebody else changed it since"


def test_a_record_that_somebody_changes_before_ours_is_seen_is_theirs(keys: MonKeys) -> None:
    manager = Manager(keys, lags=True)
    store = MonStore(manager)
    store.set("state.paused", {"paused": True})
    keys.values[f"{PREFIX}state.paused"] = "xx"
    manager.catch_up()

    with pytest.raises(UnreadableRecord, match=r"config-key get mgr/ansible/state\.paused"):
        store.get("state.paused")


class Killed(BaseException):
    """The manager ends here."""


@pytest.mark.parametrize(("first", "second"), [(150_000, 200_000), (10, 150_000), (150_000, 10)])
def test_killed_at_any_point_either_the_old_or_the_new_record_is_whole(
    first: int, second: int
) -> None:
    old, new = record_of(first, 1), record_of(second, 2)
    for last in range(1, 60):
        keys = MonKeys()
        MonStore(Manager(keys)).set("spec.osd.x", old)
        begun = len(keys.commands)

        def kill(prefix: str, key: str, end: int = begun + last, keys: MonKeys = keys) -> int:
            if len(keys.commands) >= end:
                raise Killed
            return 0

        keys.refuse = kill
        try:
            MonStore(Manager(keys)).set("spec.osd.x", new)
            ended = False
        except Killed:
            ended = True
        keys.refuse = lambda prefix, key: 0
        store = after_fail_over(keys)
        assert store.get("spec.osd.x") in (old, new)
        store.tidy(100.0)
        store.tidy(200.0)
        assert after_fail_over(keys).get("spec.osd.x") in (old, new)
        head = json.loads(keys.values[f"{PREFIX}spec.osd.x"])
        assert len(parts(keys)) == head.get("ceph_orch_packed", {}).get("parts", 0)
        if not ended:
            return
    raise AssertionError("it never came to its end")


@pytest.mark.parametrize("refused", range(1, 14))
def test_refused_at_any_point_the_old_record_is_whole(refused: int) -> None:
    keys = MonKeys()
    store = MonStore(Manager(keys))
    old = record_of(150_000, 1)
    store.set("spec.osd.x", old)
    end = len(keys.commands) + refused
    keys.refuse = lambda prefix, key: (
        errno.ETIMEDOUT if len(keys.commands) == end and prefix != "config-key rm" else 0
    )
    try:
        store.set("spec.osd.x", record_of(200_000, 2))
        wanted = record_of(200_000, 2)
    except NotKept:
        wanted = old
    assert store.get("spec.osd.x") == wanted
    assert after_fail_over(keys).get("spec.osd.x") == wanted


def test_parts_that_are_not_needed_any_more_go(keys: MonKeys) -> None:
    store = MonStore(Manager(keys))
    store.set("spec.a", record_of(200_000, 1))
    store.set("spec.b", record_of(200_000, 1))
    many = len(parts(keys))
    store.set("spec.a", {"small": True})

    assert len(parts(keys)) == many / 2
    assert after_fail_over(keys).get("spec.b") == record_of(200_000, 1)
    store.set("spec.b", None)
    assert parts(keys) == []
    assert after_fail_over(keys).items("spec") == {"a": {"small": True}}


def test_parts_of_a_manager_that_still_writes_are_not_taken_away(keys: MonKeys) -> None:
    keys.values[f"{PREFIX}part.abc.0"] = "xyz"
    store = after_fail_over(keys)

    assert store.tidy(100.0) == 0
    assert parts(keys) != []
    assert store.tidy(110.0) == 0
    assert store.tidy(161.0) == 1
    assert parts(keys) == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("xx", "not JSON"),
        ("[1]", "mapping"),
        ("", "not JSON"),
        ('{"ceph_orch_packed": 3}', "damaged"),
        ('{"ceph_orch_packed": {"digest": "a", "parts": 2, "sha256": "b", "zlib": ""}}', "missing"),
        ('{"ceph_orch_packed": {"digest": "", "parts": 0, "sha256": "b", "zlib": "%"}}', "damaged"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_what_cannot_be_read_is_named_and_stays(keys: MonKeys, text: str, reason: str) -> None:
    keys.values[f"{PREFIX}host.h1"] = text
    keys.values[f"{PREFIX}host.h2"] = '{"hostname": "h2"}'
    store = after_fail_over(keys)

    records = store.items("host")
    assert records == {"h2": {"hostname": "h2"}}
    assert reason in records.unreadable["h1"]
    with pytest.raises(UnreadableRecord, match=r"host\.h1"):
        store.get("host.h1")
    assert keys.values[f"{PREFIX}host.h1"] == text


def test_a_damaged_part_is_noticed(keys: MonKeys) -> None:
    MonStore(Manager(keys)).set("spec.osd.x", record_of(150_000))
    keys.values[parts(keys)[0]] = keys.values[parts(keys)[1]]
    store = after_fail_over(keys)

    assert "osd.x" in store.items("spec").unreadable


def test_many_threads_write_and_read(keys: MonKeys) -> None:
    store = MonStore(Manager(keys, lags=True))
    wrong: List[object] = []

    def work(number: int) -> None:
        for turn in range(20):
            record = record_of(100 if turn % 5 else 80_000, number * 100 + turn)
            store.set(f"host.h{number}", record)
            if store.get(f"host.h{number}") != record:
                wrong.append((number, turn))
            store.items("host")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(after_fail_over(keys).items("host")) == 4
