"""Rows of reports come from hosts: a wrong field is emptied, never passed on."""

from __future__ import annotations

from typing import Any

import pytest

from adapter.cluster.report_rows import daemon_row, device_row, moment, storage, text


@pytest.mark.parametrize("odd", [5, "x", None, {}, [[]], [5, None], True, 1e400])
def test_a_device_has_the_kinds_that_callers_expect(odd: Any) -> None:
    fields = ("sys_api", "rejected_reasons", "lvs", "device_id", "lsm_data", "available")
    row = device_row({"path": "/dev/sdb", **dict.fromkeys(fields, odd)})

    assert isinstance(row["sys_api"]["size"], (int, float))
    assert all(isinstance(each, str) for each in row["rejected_reasons"])
    assert all(isinstance(each, dict) for each in row["lvs"])
    assert isinstance(row["device_id"], str)
    assert isinstance(row["lsm_data"], dict)
    assert isinstance(row["available"], bool)


@pytest.mark.parametrize("size", ["x", None, -1, True, [], 1e400])
def test_a_size_is_a_number(size: Any) -> None:
    assert device_row({"path": "/dev/sdb", "sys_api": {"size": size}})["sys_api"]["size"] == 0


@pytest.mark.parametrize("odd", [5, None, {}, [], True])
def test_a_daemon_has_the_kinds_that_callers_expect(odd: Any) -> None:
    fields = ("unit", "state", "version", "started", "ports")
    row = daemon_row({"daemon_type": "osd", "daemon_id": "1", **dict.fromkeys(fields, odd)})

    assert row is not None
    assert (row["unit"], row["state"], row["version"], row["started"]) == ("", "", "", None)
    assert row["ports"] == []
    assert daemon_row({"daemon_type": odd, "daemon_id": "1"}) is None


@pytest.mark.parametrize("value", ["abc", -1, 2**70, True, None, 1.5])
def test_memory_is_a_whole_number_or_not_there(value: Any) -> None:
    row = daemon_row({"daemon_type": "osd", "daemon_id": "1", "memory_usage": value})

    assert row is not None
    assert row["memory_usage"] is None


@pytest.mark.parametrize(
    "value", ["0001-01-01T00:00:00+23:59", "2026-01-01T00:00:00", "x", None, 5, "9" * 600]
)
def test_a_time_that_cannot_be_is_left_out(value: Any) -> None:
    assert moment(value) is None


def test_text_is_printable_and_bounded() -> None:
    assert text("a\x1b[31mb\nc\x07") == "a?[31mb?c?"
    assert len(text("x" * 10_000)) == 500


def test_other_names_of_disks_are_names_of_devices() -> None:
    """What a host says leads to a disk reaches plans and hosts; nothing odd comes through."""
    found = storage(
        {
            "device_mapper": "yes",
            "links": {
                "/dev/disk/by-id/a": ["/dev/sdb", "/etc/passwd", 5, "{{ x }}"],
                "/dev/../etc/passwd": ["/dev/sdb"],
                "/dev/disk/by-id/none": "sdb",
                "{{ x }}": ["/dev/sdb"],
            },
        }
    )
    assert found == {
        "at_work": False,
        "device_mapper": None,
        "links": {"/dev/disk/by-id/a": ["/dev/sdb"], "/dev/disk/by-id/none": []},
    }
    for odd in (None, 5, [], "x", {"links": [1], "device_mapper": 1}):
        assert storage(odd) == {"at_work": False, "device_mapper": None, "links": {}}


def test_what_a_container_says_of_itself_is_text_and_of_others_it_is_not_there() -> None:
    row = daemon_row({"daemon_type": "container", "daemon_id": "a", "image": "x\n", "image_id": 1})
    assert row is not None
    assert {each: row.get(each) for each in ("image", "image_id", "container_id")} == {
        "image": "x?",
        "image_id": None,
        "container_id": None,
    }
