"""``orch-ansible adopt``: a file of specs, and nothing in the directory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict

import pytest
import yaml

from adapter.cli.ceph import Ceph, CephError
from tests.unit.cli.door import Door

ANSWERS: Dict[str, Any] = {
    "fsid": "F51D",
    "mon dump": {
        "mons": [{"name": "h1", "public_addrs": {"addrvec": [{"addr": "10.0.0.1:3300"}]}}]
    },
    "mon metadata": [{"name": "h1", "hostname": "h1"}],
    "mgr metadata": [],
    "osd metadata": [],
    "mds metadata": [],
    "service dump": {"services": {}},
    "node ls": {"mon": {"h1": ["h1"]}},
    "osd dump": {"epoch": 1, "osds": [], "pools": []},
    "osd tree": {"nodes": []},
    "quorum_status": {"quorum_names": ["h1"], "monmap": {"mons": [{"name": "h1"}]}},
    "mgr dump": {},
    "fs dump": {"filesystems": [], "standbys": []},
    "config dump": [],
    "auth ls": {"auth_dump": []},
    "config get": "",
}


class Cluster(Ceph):
    """One monitor, no backend."""

    def __call__(self, *words: str, timeout: float = 0, given: str = "") -> str:
        """Answer."""
        line = " ".join(words)
        if line.startswith("orch status"):
            raise CephError([*words], "Error ENOENT: No orchestrator configured", 2)
        for prefix, answer in ANSWERS.items():
            if line.startswith(prefix):
                return answer if isinstance(answer, str) else json.dumps(answer)
        raise AssertionError(line)


@pytest.fixture
def by_hand(door: Door) -> Door:
    """Return the command beside a cluster that nobody manages."""
    door.ceph = Cluster()
    return door


def test_the_file_has_host_and_monitor(by_hand: Door) -> None:
    printed = by_hand.run("adopt").stdout

    (host,) = (each for each in yaml.safe_load_all(printed) if each)
    assert host == {"service_type": "host", "hostname": "h1", "addr": "10.0.0.1", "labels": ["mon"]}
    assert "# mon.h1 on h1: no host that was looked at has a unit of it" in printed
    assert "`orch-ansible apply -i FILE` takes it over" in printed
    assert by_hand.operations() == [("list_daemons", ["h1"])]
    assert by_hand.requests[0].check


def test_nothing_is_kept(by_hand: Door) -> None:
    by_hand.run("adopt")

    assert by_hand.files() == {}
    assert by_hand.ssh.pinned == []


def test_as_data(by_hand: Door) -> None:
    found = json.loads(by_hand.run("adopt", "-f", "json").stdout)

    assert found["cluster"] == "F51D"
    assert [each["hostname"] for each in found["specs"]] == ["h1"]


def test_an_inventory_that_cannot_be_read(by_hand: Door, tmp_path: Path) -> None:
    file = tmp_path / "inventory"
    file.write_text("$ANSIBLE_VAULT;1.1;AES256\n6162\n")

    line = by_hand.refused("adopt", "--inventory", str(file))

    assert "ansible-vault has encrypted it" in line
    assert by_hand.requests == []


def test_a_host_of_the_inventory(by_hand: Door, tmp_path: Path) -> None:
    file = tmp_path / "inventory"
    file.write_text("[mons]\nfirst ansible_host=10.0.0.1\n")

    printed = by_hand.run("adopt", "--inventory", str(file)).stdout

    assert "# in the inventory: first" in printed
