"""The record on a host is written whole, and one of another cluster is noticed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from plugins.module_utils.host.record import (
    claimed_by_other,
    encode_record,
    make_record,
    read_record,
    write_record,
)


def test_records(tmp_path: Path) -> None:
    path = str(tmp_path / "var/host.json")
    record = make_record("h1", "192.0.2.1", ["b", "a", "b"], "fsid-1")
    write_record(path, record)

    assert read_record(path) == record
    assert record["labels"] == ["a", "b"]
    assert os.stat(path).st_mode & 0o777 == 0o644
    assert os.listdir(tmp_path / "var") == ["host.json"]
    assert encode_record(None) == ""


@pytest.mark.parametrize("text", ["", "null", "[]", "{", '"x"'])
def test_what_is_no_record_is_none(text: str, tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text(text)

    assert read_record(str(tmp_path / "host.json")) is None


@pytest.mark.parametrize(
    ("record", "cluster", "other"),
    [
        (None, "a", ""),
        ({"cluster": "a"}, "a", ""),
        ({"cluster": "b"}, "a", "b"),
        ({"cluster": "b"}, "", "b"),
        ({"cluster": ""}, "", ""),
        ({"cluster": ""}, "a", ""),
        ({"cluster": None}, "a", ""),
        ({}, "a", ""),
    ],
)
def test_a_host_of_another_cluster_is_noticed(record: dict, cluster: str, other: str) -> None:
    assert claimed_by_other(record, cluster) == other
