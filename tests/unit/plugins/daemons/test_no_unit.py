"""A host without a daemon's unit: the package is missing, or brings none, as Debian 12's does."""

from __future__ import annotations

from pathlib import Path

import pytest

from plugins.module_utils.daemons.daemon import Daemon
from plugins.module_utils.daemons.deployment import no_unit
from plugins.module_utils.system.reading import Roots
from tests.unit.plugins.programs import only_programs_of


@pytest.mark.parametrize(
    ("there", "wanted"),
    [
        (
            False,
            "the host has no unit cephfs-mirror@cephfs-mirror.a.service. Install the package that "
            "has cephfs-mirror.",
        ),
        (
            True,
            "the host has cephfs-mirror and no unit cephfs-mirror@cephfs-mirror.a.service: its "
            "package brings none. Write /etc/systemd/system/cephfs-mirror@.service.",
        ),
    ],
)
def test_what_is_missing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool, wanted: str
) -> None:
    (tmp_path / "bin").mkdir()
    if there:
        (tmp_path / "bin/cephfs-mirror").write_text("#!/bin/sh\n")
        (tmp_path / "bin/cephfs-mirror").chmod(0o755)
    only_programs_of(tmp_path, monkeypatch)

    assert no_unit(Daemon(Roots(var=str(tmp_path)), "cephfs-mirror", "a")) == wanted
