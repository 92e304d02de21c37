"""Inventories are read as data: nothing in them is run, and what is not kept is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict

import pytest
import yaml

from adapter.cluster.inventory_file import LONGEST, read_inventory
from adapter.errors import InvalidValue

CASES: Dict[str, Dict[str, Any]] = yaml.safe_load(
    Path(__file__).with_name("inventories.yml").read_text(encoding="utf-8")
)
GOOD = sorted(name for name, case in CASES.items() if "hosts" in case)
BAD = sorted(set(CASES) - set(GOOD))


@pytest.mark.parametrize("name", GOOD)
def test_hosts_and_notes(name: str) -> None:
    case = CASES[name]

    found = read_inventory(case["text"], "root")

    assert set(found.hosts) == set(case["hosts"])
    for host, (addr, labels, *why) in case["hosts"].items():
        listed = found.hosts[host]
        if not why:
            assert (listed.addr, list(listed.labels), listed.refused) == (addr, labels, "")
        else:
            assert why[0] in listed.refused
    assert len(found.notes) == len(case["notes"]), found.notes
    for words, note in zip(case["notes"], found.notes):
        assert words in note


@pytest.mark.parametrize("name", BAD)
def test_refused(name: str) -> None:
    with pytest.raises(InvalidValue) as raised:
        read_inventory(CASES[name]["text"], "root")

    assert CASES[name]["refused"] in str(raised.value)
    assert "\n" not in str(raised.value)


def test_no_value_of_a_line_is_in_a_message() -> None:
    with pytest.raises(InvalidValue) as raised:
        read_inventory('h1 ansible_ssh_pass="hunter2', "root")

    assert "hunter2" not in str(raised.value)


def test_a_file_without_end_is_not_read() -> None:
    with pytest.raises(InvalidValue):
        read_inventory("h1\n" * LONGEST, "root")


def test_many_groups_that_share_are_read_in_no_time() -> None:
    """Each of forty groups is in both of the next level: paths double with each."""
    lines = []
    for level in range(40):
        for side in "ab":
            lines += [f"[g{level}{side}:children]", f"g{level + 1}a", f"g{level + 1}b"]
    lines += ["[g40a]", "h1", "[g40b]", "h1"]

    found = read_inventory("\n".join(lines), "root")

    assert len(found.hosts["h1"].labels) == 82
