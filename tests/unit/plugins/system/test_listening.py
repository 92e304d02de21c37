"""Who listens on a port, and of which unit it is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from plugins.module_utils.system.listening import holders, is_listened_on


@pytest.mark.parametrize(
    ("group", "unit"),
    [
        ("0::/system.slice/a@b.service", "a@b.service"),
        ("0::/system.slice/a@b.service/libpod-payload-c0ffee", "a@b.service"),
        ("0::/user.slice/user@0.service/app.slice/a.service", "a.service"),
        ("0::/machine.slice/libpod-c0ffee.scope", ""),
    ],
)
def test_a_process_of_a_units_container_is_the_units(tmp_path: Path, group: str, unit: str) -> None:
    (tmp_path / "net").mkdir()
    (tmp_path / "7/fd").mkdir(parents=True)
    (tmp_path / "net/tcp").write_text(
        "head\n 0: 00000000:1F90 00000000:0000 0A 0:0 0:0 0 0 0 77 1\n"
    )
    (tmp_path / "7/cgroup").write_text(f"{group}\n")
    os.symlink("socket:[77]", tmp_path / "7/fd/3")

    assert [each.unit for each in holders(str(tmp_path), 8080)] == [unit]
    assert is_listened_on(str(tmp_path), 8080)
    assert not is_listened_on(str(tmp_path), 8081)
