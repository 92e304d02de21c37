"""Who serves, who stands by, from `fs dump` as Ceph 20.2 answers."""

from __future__ import annotations

from typing import Any, Dict

from adapter.cluster.fs_map import FsMap, read_fs_map, rows_of


def dump() -> Dict[str, Any]:
    def info(*rows: Any) -> Dict[str, Any]:
        return {
            f"gid_{gid}": {"gid": gid, "name": name, "rank": rank, "state": state}
            for gid, name, rank, state in rows
        }

    return {
        "epoch": 9,
        "standbys": [{"gid": 4301, "name": "b.h3.abcdef", "rank": -1, "state": "up:standby"}],
        "filesystems": [
            {
                "id": 1,
                "mdsmap": {
                    "fs_name": "a",
                    "info": info(
                        (4201, "a.h1.abcdef", 0, "up:active"),
                        (4202, "a.h2.abcdef", 0, "up:standby-replay"),
                        (4203, "a.h3.abcdef", 1, "up:rejoin"),
                    ),
                },
            },
            {"id": 2, "mdsmap": {"fs_name": "b", "info": {}}},
        ],
    }


def test_who_serves_and_who_only_stands_by() -> None:
    found = read_fs_map(dump())
    assert found.names == {"a", "b"}
    assert found.active == {"a.h1.abcdef"}
    assert found.ranked == {"a.h1.abcdef", "a.h3.abcdef"}
    assert [row["gid"] for row, _ in rows_of(dump())] == [4301, 4201, 4202, 4203]


def test_what_is_not_there_is_nothing() -> None:
    for answer in ({}, {"filesystems": None, "standbys": None}, {"filesystems": [{}]}):
        assert read_fs_map(answer) == FsMap()
