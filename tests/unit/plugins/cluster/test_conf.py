"""Which monitors a ceph.conf names, whatever it looks like."""

from __future__ import annotations

from pathlib import Path

import pytest

from plugins.module_utils.cluster.conf import MARK, addresses, monitors, read_conf
from plugins.module_utils.system.reading import Roots


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("", []),
        ("192.0.2.1", ["192.0.2.1"]),
        ("192.0.2.1,192.0.2.2:6789", ["192.0.2.1", "192.0.2.2"]),
        ("[v2:192.0.2.1:3300/0,v1:192.0.2.1:6789/0]", ["192.0.2.1", "192.0.2.1"]),
        (
            "[v2:192.0.2.1:3300/0,v1:192.0.2.1:6789/0] [v2:192.0.2.2:3300/0]",
            ["192.0.2.1", "192.0.2.1", "192.0.2.2"],
        ),
        ("[v2:[2001:db8::1]:3300/0,v1:[2001:db8::1]:6789/0]", ["2001:db8::1", "2001:db8::1"]),
        ("2001:db8::1", ["2001:db8::1"]),
        ("[2001:db8::1]:6789", ["2001:db8::1"]),
        ("a.example.org; b", ["a.example.org", "b"]),
        ("192.0.2.1 # the old one", ["192.0.2.1"]),
    ],
)
def test_addresses(value: str, found: list[str]) -> None:
    assert addresses(value) == found


def test_files(tmp_path: Path) -> None:
    roots = Roots(etc=str(tmp_path))
    assert read_conf(roots) is None

    path = tmp_path / "ceph/ceph.conf"
    path.parent.mkdir()
    path.write_text("[global]\nmon host = 192.0.2.2\n[mon.a]\nmon addr = 192.0.2.1:6789\n")
    assert read_conf(roots) == {"mons": ["192.0.2.1", "192.0.2.2"], "ours": False}

    path.write_text(f"{MARK}\n[global]\n\tmon_host = [v2:192.0.2.1:3300/0]\n")
    assert read_conf(roots) == {"mons": ["192.0.2.1"], "ours": True}

    path.write_bytes(b"\xff\x00=" * 1000)
    assert read_conf(roots) == {"mons": [], "ours": False}

    path.write_text("[global]\nmon_host = 192.0.2.1\nmon_host = 192.0.2.2,\\\n  192.0.2.3\n")
    assert read_conf(roots) == {"mons": ["192.0.2.2", "192.0.2.3"], "ours": False}


V2 = "[v2:[fd00::1]:3300/0,v1:[fd00::1]:6789/0]"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("mon_host = a", ["a"]),
        (
            f"[global]\nmon host = {V2},[v2:192.0.2.2:3300/0] b # c",
            ["b", "[v2:192.0.2.2:3300/0]", V2],
        ),
        ("[global]\nmon_host = old\nmon-host = a", ["a"]),
        ("[global]\nmon_host = a,\\\n  b, \\\n  c\n[osd]\nx = 1", ["a", "b", "c"]),
        ("[global]\nfsid = \\\nmon_host = no\nmon_host = a", ["a"]),
        # What is another cluster's, for a client of it.
        ("[global]\nmon_host = a\n[client.far]\nmon_host = b\n[mon.a]\nmon addr = c", ["a"]),
        ("[global]\nmon_host = a\n[mon]\nmon_host = b", ["b"]),
        ("[mon.a]\nmon addr = a:6789\n[mon.b]\nmon addr = b", ["a:6789", "b"]),
    ],
)
def test_which_monitors_ceph_takes(text: str, found: list[str]) -> None:
    assert sorted(monitors(text.split("\n"))) == sorted(found)
