"""Who a host is: what its report says beside daemons and disks."""

from __future__ import annotations

from pathlib import Path
from typing import List

import pytest

from plugins.module_utils.host.state import read_identity
from plugins.module_utils.system.reading import Roots


@pytest.mark.parametrize(
    ("mon_host", "mons"),
    [
        ("127.0.0.1", ["127.0.0.1"]),
        ("no-such-host.invalid 10.0.0.1", ["10.0.0.1", "no-such-host.invalid"]),
        ("", []),
    ],
)
def test_monitors_of_ceph_conf(tmp_path: Path, mon_host: str, mons: List[str]) -> None:
    (tmp_path / "ceph").mkdir()
    (tmp_path / "ceph/ceph.conf").write_text(f"[global]\nmon_host = {mon_host}\n")
    assert read_identity(Roots(etc=str(tmp_path)))["conf"] == {"mons": mons, "ours": False}


def test_names_of_monitors_are_resolved_where_they_are_used(tmp_path: Path) -> None:
    """A monitor that a host knew by name alone was taken away."""
    (tmp_path / "ceph").mkdir()
    (tmp_path / "ceph/ceph.conf").write_text("[global]\nmon_host = localhost:6789,10.0.0.1\n")
    mons = read_identity(Roots(etc=str(tmp_path)))["conf"]["mons"]
    assert "localhost" not in mons
    assert {"127.0.0.1", "::1"} & set(mons)
    assert "10.0.0.1" in mons
