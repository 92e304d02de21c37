"""Alertmanager's command is made of its peers, and of nothing that is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, List

import pytest

from plugins.module_utils.daemons.daemon import Daemon
from plugins.module_utils.daemons.deployment import Wanted
from plugins.module_utils.daemons.kinds.alertmanager import KIND
from plugins.module_utils.system.reading import Roots


def wanted(tmp_path: Path, peers: Any = None, addr: str = "") -> Wanted:
    files = (
        {}
        if peers is None
        else {"peers.json": peers if isinstance(peers, str) else json.dumps(peers)}
    )
    daemon = Daemon(Roots(etc=str(tmp_path), var=str(tmp_path)), "alertmanager", "h1")
    return Wanted(daemon, port=9093, addr=addr, files=files)


def of_cluster(one: Wanted) -> List[str]:
    words = KIND.command("/etc/x", "/var/x", one)
    assert words[:3] == [
        "/usr/bin/prometheus-alertmanager",
        "--config.file=/etc/x/alertmanager.yml",
        "--storage.path=/var/x",
    ]
    return [word.partition("--cluster.")[2] for word in words if word.startswith("--cluster.")]


@pytest.mark.parametrize("peers", [None, {"own": "10.0.0.1", "peers": []}])
def test_one_alone_listens_for_no_others(tmp_path: Path, peers: Any) -> None:
    assert of_cluster(wanted(tmp_path, peers)) == ["listen-address="]


@pytest.mark.parametrize(
    ("own", "addr", "listens", "advertises"),
    [
        ("10.0.0.1", "", "0.0.0.0", "10.0.0.1"),
        ("10.0.0.1", "10.9.0.1", "10.9.0.1", "10.9.0.1"),
        ("[fd00::1]", "", "[::]", "[fd00::1]"),
        ("[fd00::1]", "fd09::1", "[fd09::1]", "[fd09::1]"),
        ("", "", "0.0.0.0", ""),
    ],
)
def test_several_know_each_other(
    tmp_path: Path, own: str, addr: str, listens: str, advertises: str
) -> None:
    one = wanted(tmp_path, {"own": own, "peers": ["10.0.0.2", "[fd00::3]", "h4.example"]}, addr)
    told = [f"advertise-address={advertises}:9094"] if advertises else []
    assert of_cluster(one) == [
        f"listen-address={listens}:9094",
        *told,
        *("peer=10.0.0.2:9094", "peer=[fd00::3]:9094", "peer=h4.example:9094"),
    ]


@pytest.mark.parametrize(
    ("peers", "says"),
    [
        ("[", "is not a mapping of own and peers"),
        ("[]", "is not a mapping of own and peers"),
        ({"own": ""}, "is not a mapping of own and peers"),
        ({"own": "", "peers": "10.0.0.1"}, "its peers are no list"),
        ({"own": "", "peers": ["10.0.0.1 --x"]}, "'10.0.0.1 --x', which is no address"),
        ({"own": "", "peers": ["10.0.0.1\n"]}, "which is no address"),
        ({"own": "", "peers": [1]}, "'1', which is no address"),
        ({"own": "--x", "peers": []}, "'--x', which is no address"),
    ],
)
def test_what_is_no_address_is_refused(tmp_path: Path, peers: Any, says: str) -> None:
    one = wanted(tmp_path, peers)
    assert says in KIND.objection(one)
    assert of_cluster(one) == ["listen-address="]
