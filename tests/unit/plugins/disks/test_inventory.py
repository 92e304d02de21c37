"""What the module reports of a host's disks without ceph-volume: one case, one file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from plugins.module_utils.disks.block import own_blocks
from plugins.module_utils.disks.inventory import describe_devices, inspections
from plugins.module_utils.disks.lvm import parse_volumes
from tests.unit.plugins.tree import Tree, case_files, load

KEYS = {
    "path",
    "available",
    "rejected_reasons",
    "sys_api",
    "device_id",
    "lsm_data",
    "lvs",
    "ceph_device_lvm",
    "being_replaced",
}
SYS_API_KEYS = {
    "removable",
    "ro",
    "vendor",
    "model",
    "rev",
    "sas_address",
    "sas_device_handle",
    "support_discard",
    "rotational",
    "nr_requests",
    "partitions",
    "device_nodes",
    "actuators",
    "scheduler_mode",
    "sectors",
    "sectorsize",
    "size",
    "human_readable_size",
    "path",
    "devname",
    "type",
    "parent",
    "id_bus",
}


@pytest.mark.parametrize("path", case_files("devices"), ids=lambda path: path.stem)
def test_devices(path: Path, tmp_path: Path) -> None:
    case = load(path)
    roots = Tree(tmp_path, case["tree"]).roots
    blocks = own_blocks(roots, case.get("loop_devices", False))
    pieces = [piece for block in blocks for piece in [block, *block.parts]]
    contents = {name: job() for name, job in inspections(pieces).items()}
    # Partitions get their nodes from the same place as their disk; one without a node has none.
    for name in case.get("unreadable", []):
        contents[name] = {"error": "Input/output error"}
    volumes = parse_volumes(json.dumps(case["pvs"])) if "pvs" in case else {}
    rows = describe_devices(roots, blocks, contents, volumes)

    assert list(case["expect"]) == [row["path"] for row in rows]
    for row in rows:
        assert set(row) == KEYS
        assert set(row["sys_api"]) == SYS_API_KEYS
        assert row["available"] is (not row["rejected_reasons"])
        expected = dict(case["expect"][row["path"]])
        for key, value in expected.pop("sys_api", {}).items():
            assert (key, row["sys_api"][key]) == (key, value)
        assert {key: row[key] for key in expected} == expected
    assert json.loads(json.dumps(rows)) == rows
    assert max(len(text) for text in _texts(rows)) <= 256


def _texts(value: object) -> list:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in value.items() for part in item for text in _texts(part)]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return []
