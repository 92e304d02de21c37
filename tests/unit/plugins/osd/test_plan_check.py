"""What a plan for OSDs means on a host, or why it is refused: one case, one file."""

from __future__ import annotations

from pathlib import Path

import pytest

from plugins.module_utils.cluster.osd_map import NoAnswer, parse_osds
from plugins.module_utils.disks.lvm import LvmUnreadable
from plugins.module_utils.osd.groups import problems_of
from plugins.module_utils.osd.plan_check import PlanRefused
from tests.unit.plugins.osd.test_ceph_volume_calls import group
from tests.unit.plugins.osd_host import OsdHost
from tests.unit.plugins.tree import case_files, load


@pytest.mark.parametrize("path", case_files("plans"), ids=lambda path: path.stem)
def test_plan(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = load(path)
    host = OsdHost(tmp_path, case, monkeypatch)
    before = host.snapshot()
    groups = [group(**values) for values in case["groups"]]
    if "unknown" in case:
        with pytest.raises(LvmUnreadable) as unread:
            host.creation(groups)
        assert all(text in str(unread.value) for text in case["unknown"])
    elif "refused" in case:
        with pytest.raises(PlanRefused) as raised:
            host.creation(groups)
        for text in case["refused"]:
            assert text in str(raised.value)
    else:
        creation = host.creation(groups)
        creation.predict()
        rows = [{key: row[key] for key in case["expect"][0]} for row in creation.rows]
        assert rows == case["expect"]
    assert host.snapshot() == before
    assert host.calls("ceph-volume", "systemd-run") == []
    assert host.calls("ceph") == case.get("asked", [])


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"data": []}, "Invalid data '[]'"),
        ({"osd_ids": [1, 2]}, "there are more ids than OSDs"),
        ({"osd_ids": [-1]}, "an id is negative"),
        ({"crush_device_class": "-x"}, "it is not the name of a class"),
        ({"crush_device_class": "{{ x }}"}, "it is not the name of a class"),
        ({"osdspec": "a\nb"}, "it is not one line"),
        ({"osds_per_device": 0}, "it is below 1"),
        ({"data_allocate_fraction": 1.5}, "it is not between 0 and 1"),
        ({"data_allocate_fraction": float("nan")}, "it is not between 0 and 1"),
        ({"block_db_size": "60 G; rm"}, "it is not a size"),
        ({"block_wal_size": "--yes"}, "it is not a size"),
    ],
)
def test_values_that_make_no_sense(values: dict, said: str) -> None:
    (problem,) = problems_of([group(method="lvm", **{"data": ["/dev/sdb"], **values})], True)

    assert said in problem


@pytest.mark.parametrize("size", ["", "60G", "1.5 TB", "2147483648", "10gib"])
def test_sizes(size: str) -> None:
    assert problems_of([group(method="lvm", data=["/dev/sdb"], block_db_size=size)], True) == []


@pytest.mark.parametrize("text", ["", "{}", "[{}]", '[{"osd": "x", "uuid": 1, "state": []}]'])
def test_what_monitors_do_not_say(text: str) -> None:
    if text == "{}":
        assert parse_osds(text) == {}
        return
    with pytest.raises(NoAnswer):
        parse_osds(text)
