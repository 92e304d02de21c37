"""Which monitors a ceph.conf names, whatever it looks like."""

from __future__ import annotations

from pathlib import Path

import pytest

from plugins.module_utils.cluster_conf import MARK, addresses, read_conf
from plugins.module_utils.reading import Roots


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
