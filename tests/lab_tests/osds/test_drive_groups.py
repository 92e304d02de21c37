"""OSD specs pick exactly the disks that they say, ``daemon add osd`` the one that is named."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lab_tests.osds.osd_lab import Osds, Place


def spec(name: str, host: str = "*", **data: Any) -> dict[str, Any]:
    """Return a spec of raw OSDs; ``data`` is what its ``spec`` holds."""
    return {
        "service_type": "osd",
        "service_id": name,
        "placement": {"host_pattern": host},
        "spec": {"method": "raw", **data},
    }


# What data_devices says, and which disks of a host it picks, by their order.
FILTERS: dict[str, tuple[dict[str, Any], tuple[int, ...]]] = {
    "all": ({"all": True}, (0, 1, 2)),
    "exact size": ({"size": "8G"}, (0, 1, 2)),
    "size in a range": ({"size": "8G:9G"}, (0, 1, 2)),
    "size above": ({"size": "9G:"}, ()),
    "size below": ({"size": ":7G"}, ()),
    "rotational": ({"rotational": 1}, (0, 1, 2)),
    "not rotational": ({"rotational": 0}, ()),
    "limit": ({"rotational": 1, "limit": 2}, (0, 1)),
    "another model": ({"model": "OTHER"}, ()),
}


@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_picks_what_it_says(empty: Osds, name: str) -> None:
    data, wanted = FILTERS[name]
    rows = empty.preview(spec("picky", data_devices=data))
    for host, machine in empty.lab.machines.items():
        paths = [row["data"] for row in rows.get(host, [])]
        # Drive groups take loop10 before loop9.
        assert paths == [sorted(machine.disks)[index] for index in wanted]


def test_a_raw_osd_without_a_db_of_its_own_is_refused(empty: Osds) -> None:
    disks = empty.lab.machines["h1"].disks
    before = empty.state()
    wrong = spec(
        "odd", "h1", data_devices={"paths": list(disks[:2])}, db_devices={"paths": [disks[2]]}
    )
    rows = empty.preview(wrong)
    assert not any(rows.values())
    assert empty.state() == before


def test_three_specs_and_one_named_device_make_what_they_say(empty: Osds) -> None:
    disks = {host: sorted(machine.disks) for host, machine in empty.lab.machines.items()}
    specs = [
        spec("paths", "h1", data_devices={"paths": [disks["h1"][2]]}),
        spec("limited", "h2", data_devices={"size": "4G:", "rotational": 1, "limit": 1}),
        spec(
            "with-db",
            "h3",
            data_devices={"paths": [disks["h3"][0]]},
            db_devices={"paths": [disks["h3"][2]]},
        ),
    ]
    before = empty.state()
    assert {
        host: [(row["data"], row.get("block_db")) for row in rows]
        for host, rows in empty.preview(*specs).items()
    } == {
        "h1": [(disks["h1"][2], None)],
        "h2": [(disks["h2"][0], None)],
        "h3": [(disks["h3"][0], disks["h3"][2])],
    }
    assert empty.state() == before

    empty.apply(*specs)
    empty.wait_up(count=3)
    said = empty.lab.ok("orch", "daemon", "add", "osd", f"h2:{disks['h2'][2]}")
    assert disks["h2"][2] in said or "Created osd(s)" in said
    empty.wait_up(count=4)
    made = {
        row["service_name"]: row["hostname"]
        for row in empty.daemons().values()
        if row["service_name"] != "osd"
    }
    assert made == {"osd.paths": "h1", "osd.limited": "h2", "osd.with-db": "h3"}
    rows = {row["id"]: row for row in empty.door.ask("osd metadata")}
    (with_db,) = (row for row in rows.values() if row["hostname"] == "h3")
    assert with_db["bluefs_dedicated_db"] == "1"
    assert set(with_db["devices"].split(",")) == {
        disks["h3"][0].rpartition("/")[2],
        disks["h3"][2].rpartition("/")[2],
    }
    named = {Place(row["hostname"], f"/dev/{row['devices']}") for row in rows.values()}
    assert Place("h2", disks["h2"][2]) in named
    # What none of them has named is still there.
    assert empty.free() == {
        "h1": list(disks["h1"][:2]),
        "h2": [disks["h2"][1]],
        "h3": [disks["h3"][1]],
    }
