"""What daemons tell of themselves is read as Ceph prints it, and trusted in nothing."""

from __future__ import annotations

import json
from typing import Any, Dict, List

import pytest

from adapter.cluster.told_daemons import ToldDaemon, address_of, read_daemons
from adapter.errors import NotReady

MON_DUMP = {
    "mons": [
        {
            "name": "a",
            "public_addrs": {
                "addrvec": [
                    {"type": "v2", "addr": "10.0.0.1:3300"},
                    {"type": "v1", "addr": "10.0.0.1:6789"},
                ]
            },
        },
        {"name": "gone", "public_addrs": {"addrvec": [{"addr": "[fd00::9]:3300"}]}},
    ]
}
METADATA: Dict[str, List[Dict[str, Any]]] = {
    "mon": [{"name": "a", "hostname": "h1", "addrs": "[v2:10.0.0.1:3300/0,v1:10.0.0.1:6789/0]"}],
    "mgr": [{"name": "x", "hostname": "h1", "addr": "127.0.0.1"}],
    "osd": [
        {"id": 0, "hostname": "h2", "front_addr": "[v2:10.0.0.2:6802/3,v1:10.0.0.2:6803/3]"},
        {"id": 1},
    ],
    "mds": [{"name": "one", "hostname": "h3", "addr": "[v2:10.0.0.3:6800/1,v1:10.0.0.3:6801/1]"}],
}
SERVICES = {
    "services": {
        "rgw": {
            "daemons": {
                "summary": "",
                "4123": {
                    "addr": "10.0.0.4:0/77",
                    "metadata": {"id": "rgw.h4.rgw0", "hostname": "h4", "zone_name": "default"},
                },
            }
        }
    }
}


def read(**changes: Any) -> Dict[str, ToldDaemon]:
    metadata = {kind: json.dumps(rows) for kind, rows in {**METADATA, **changes}.items()}
    return {each.name: each for each in read_daemons(metadata, json.dumps(MON_DUMP), SERVICES)}


def test_hosts_and_addresses() -> None:
    found = {name: (each.hostname, each.addresses) for name, each in read().items()}

    assert found == {
        "mon.a": ("h1", ("10.0.0.1",)),
        "mon.gone": ("", ("fd00::9",)),
        "mgr.x": ("h1", ()),
        "osd.0": ("h2", ("10.0.0.2",)),
        "osd.1": ("", ()),
        "mds.one": ("h3", ("10.0.0.3",)),
        "rgw.h4.rgw0": ("h4", ("10.0.0.4",)),
    }
    assert read()["rgw.h4.rgw0"].said["zone_name"] == "default"


def test_the_address_of_a_monitor_comes_before_others() -> None:
    mgr = ToldDaemon("mgr", "x", "h1", ("10.1.0.1",))
    mon = ToldDaemon("mon", "a", "h1", ("10.0.0.1",))
    rgw = ToldDaemon("rgw", "g", "h1", ("10.2.0.1",))

    assert address_of([rgw, mgr, mon]) == "10.0.0.1"
    assert address_of([rgw, mgr]) == "10.1.0.1"
    assert address_of([rgw]) == "10.2.0.1"
    assert address_of([ToldDaemon("mgr", "x", "h1")]) == ""


@pytest.mark.parametrize("addr", ["127.0.0.1:1/2", "0.0.0.0:1/2", "[::1]:1/2", "x:1/2", "", None])
def test_what_others_do_not_reach_is_no_address(addr: Any) -> None:
    assert read(mgr=[{"name": "x", "hostname": "h1", "addr": addr}])["mgr.x"].addresses == ()


@pytest.mark.parametrize("hostname", [None, 7, ["h1"], {"a": 1}])
def test_a_host_name_that_is_no_text_is_none(hostname: Any) -> None:
    assert read(mgr=[{"name": "x", "hostname": hostname}])["mgr.x"].hostname == ""


def test_rows_that_are_none_are_passed_over() -> None:
    assert "mgr.x" not in read(mgr=["x", None, 3])


def test_an_answer_that_is_no_json_is_not_taken_for_none() -> None:
    with pytest.raises(NotReady):
        read_daemons({"mgr": "Error"}, json.dumps(MON_DUMP), {})
