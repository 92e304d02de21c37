"""Which packages hosts are installing is asked while a task takes long, and told once."""

from __future__ import annotations

import queue
from pathlib import Path

import pytest

from adapter.engine.doing import Doing, said
from adapter.engine.model import Request, Target
from adapter.engine.progress import Progress
from tests.unit.engine.harness import local

UNIT = "ceph-orch-packages.service loaded active running installs radosgw, ceph-common\n"
SYSTEMCTL = """#!/bin/sh
cat "{top}/said"
"""


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (UNIT, "installs radosgw, ceph-common"),
        (UNIT.replace("active running", "activating start"), "installs radosgw, ceph-common"),
        (UNIT.replace("active running", "inactive dead"), ""),
        (UNIT.replace("installs radosgw, ceph-common", "ceph-orch-packages.service"), ""),
        ("", ""),
        ("0 loaded units listed.\n", ""),
        (UNIT.replace("radosgw", "\x1b[2Jx" * 100), "installs"),
    ],
    ids=["installs", "begins", "has ended", "another's", "nothing", "none listed", "long"],
)
def test_what_systemd_says(text: str, wanted: str) -> None:
    found = said(text)
    assert found == wanted or (wanted and found.startswith(wanted) and len(found) <= 160)
    assert found.isprintable()


def test_a_change_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "systemctl"
    program.write_text(SYSTEMCTL.format(top=tmp_path))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    (tmp_path / "said").write_text(UNIT)
    told: queue.Queue[tuple[str, str]] = queue.Queue()
    busy = {"h1": "daemon_deploy: Run the daemons", "stranger": "x"}
    doing = Doing(local("h1"), "/x", lambda: busy, lambda *each: told.put(each), every=0.01)
    doing.start()
    assert told.get(timeout=60) == ("h1", "installs radosgw, ceph-common")
    (tmp_path / "said").write_text("")
    assert told.get(timeout=60) == ("h1", "")
    doing.finish()
    doing.join(60)
    assert told.empty()


def test_it_stands_behind_the_hosts_name() -> None:
    targets = tuple(Target(f"h{n}", f"10.0.0.{n}") for n in range(1, 6))
    progress = Progress(Request("apply_rgw", targets, phases=("daemon_deploy",)))
    progress.apply({"type": "phase", "role": "ceph_orch.ansible.daemon_deploy"})
    assert progress.message == "apply_rgw: daemon_deploy on h1, h2, h3 and 2 more (0/5 hosts)"
    progress.apply({"type": "doing", "host": "h4", "text": "installs radosgw"})
    message = "apply_rgw: daemon_deploy on h4 (installs radosgw), h1, h2 and 2 more (0/5 hosts)"
    assert progress.message == message
    row = {"type": "host", "role": "daemon_deploy", "status": "ok", "result": {"a": 1}}
    for host in ("h1", "h3", "h4"):
        progress.apply({**row, "host": host})
    progress.apply({"type": "host", "host": "h5", "role": "daemon_deploy", "status": "failed"})
    assert progress.message == "apply_rgw: daemon_deploy on h2 (4/5 hosts, 1 failed)"
