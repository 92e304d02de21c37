"""A gateway that stops has the time that its spec gives it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, List

import pytest

from plugins.module_utils.daemons.daemon import Daemon
from plugins.module_utils.daemons.deployment import Wanted
from plugins.module_utils.daemons.kinds.registry import extras_of
from plugins.module_utils.daemons.kinds.rgw import GatewayFiles
from plugins.module_utils.system.reading import Roots
from tests.unit.plugins.programs import only_programs_of

UNIT = "etc/systemd/system/ceph-radosgw@rgw.a.h1.x.service.d/ceph-orch.conf"


@pytest.fixture
def roots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Roots:
    """Return a host on which systemctl writes down what it is asked."""
    program = only_programs_of(tmp_path, monkeypatch) / "systemctl"
    program.write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/asked\n')
    program.chmod(0o755)
    return Roots(dev="none", etc=str(tmp_path / "etc"), var=str(tmp_path / "var"))


def asked(tmp_path: Path) -> List[str]:
    path = tmp_path / "asked"
    return path.read_text().splitlines() if path.exists() else []


def test_systemd_waits_as_long_as_the_spec_says(roots: Roots, tmp_path: Path) -> None:
    daemon = Daemon(roots, "rgw", "a.h1.x")
    files: Any = extras_of(roots)["rgw"]
    assert isinstance(files, GatewayFiles)
    usual, longer = Wanted(daemon), Wanted(daemon, stop_timeout=315)

    assert not files.is_unfinished(usual)
    files.setup(usual)
    assert asked(tmp_path) == []

    assert files.is_unfinished(longer)
    assert not files.needs_setup(longer), "a gateway need not be restarted for it"
    files.setup(longer)
    assert not files.is_unfinished(longer)
    assert "TimeoutStopSec=315" in (tmp_path / UNIT).read_text().splitlines()
    assert files.is_unfinished(usual)
    files.setup(usual)
    assert not (tmp_path / UNIT).exists()

    files.setup(longer)
    files.cleanup(daemon)
    assert not (tmp_path / UNIT).parent.exists()
    assert asked(tmp_path) == ["daemon-reload"] * 4
