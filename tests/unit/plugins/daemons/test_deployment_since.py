"""A daemon that began before its settings were changed is restarted, and no other."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from plugins.module_utils.daemons.daemon import Daemon
from plugins.module_utils.daemons.deployment import Deployment, Wanted
from plugins.module_utils.daemons.kinds.extra import NONE
from plugins.module_utils.system.reading import Roots
from tests.unit.plugins.programs import only_programs_of

KEY = "[mds.a]\n\tkey = AQBfakefakefakefakefakefakefakefakefake==\n"
SYSTEMCTL = """#!/bin/sh
printf 'LoadState=loaded\\nActiveState=%s\\nSubState=%s\\nUnitFileState=enabled\\n' $STATE
printf 'ExecMainStartTimestampMonotonic=%s\\n\\n' $STARTED
"""


def verdict(top: Path, patch: pytest.MonkeyPatch, ago: float, state: str, since: float) -> str:
    """Return what becomes of a daemon that was started so many seconds ago."""
    for name in ("bin", "etc/ceph", "var/lib/ceph/mds/ceph-a", "proc"):
        (top / name).mkdir(parents=True)
    (top / "bin/systemctl").write_text(SYSTEMCTL)
    (top / "bin/systemctl").chmod(0o755)
    only_programs_of(top, patch)
    patch.setenv("STATE", state)
    patch.setenv("STARTED", str(int((time.monotonic() - ago) * 1e6)))
    roots = Roots(etc=str(top / "etc"), var=str(top / "var"), proc=str(top / "proc"))
    daemon = Daemon(roots, "mds", "a")
    Path(daemon.keyring_path).write_text(KEY)
    # Written long ago.
    os.utime(daemon.keyring_path, (1, 1))
    deployment = Deployment(roots, [Wanted(daemon, KEY, since=since)], {"mds": NONE}, 1)
    deployment.refuse(False)
    deployment.predict()
    (row,) = deployment.rows
    return str(row["state"])


@pytest.mark.parametrize(
    ("state", "since", "becomes"),
    [
        ("active running", -5.0, "would be restarted"),
        ("active running", -60.0, "present"),
        ("inactive dead", -5.0, "would be started"),
    ],
)
def test_since(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str, since: float, becomes: str
) -> None:
    assert verdict(tmp_path, monkeypatch, 30.0, state, time.time() + since) == becomes


def test_without_a_time_what_runs_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert verdict(tmp_path, monkeypatch, 30.0, "active running", 0.0) == "present"
