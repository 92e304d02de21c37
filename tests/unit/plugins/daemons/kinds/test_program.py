"""A program that is none of Ceph's: whose unit it is, what it reads, and what its check refuses."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import Any, Dict, List

import pytest

from plugins.module_utils.daemons.daemon import Daemon
from plugins.module_utils.daemons.deployment import Deployment, Wanted
from plugins.module_utils.daemons.kinds.base import DaemonRefused
from plugins.module_utils.daemons.kinds.program import Program
from plugins.module_utils.daemons.kinds.program_files import ProgramFiles
from plugins.module_utils.daemons.kinds.program_parts import OwnFile, read_told
from plugins.module_utils.daemons.kinds.registry import extras_of
from plugins.module_utils.daemons.listing import find_units
from plugins.module_utils.daemons.removal import Removal
from plugins.module_utils.system.reading import Roots
from tests.unit.plugins.programs import only_programs_of

FSID = "2f0b4d5e-9a4c-4a55-8f3f-0d8f5d9f2a11"
UNIT = "prometheus-node-exporter.service"
DROP_IN = f"etc/systemd/system/{UNIT}.d/ceph-orch.conf"
SYSTEMCTL = """#!/bin/sh
case "$1" in
show)
  for unit in "$@"; do case "$unit" in *.service)
  printf 'Id=%s\\nLoadState=loaded\\nActiveState=%s\\nSubState=%s\\n' "$unit" $STATE
  printf 'UnitFileState=enabled\\nExecMainStartTimestampMonotonic=%s\\n\\n' $STARTED
  ;; esac; done ;;
*) echo "$@" >>TOP/asked ;;
esac
"""
CHECK = """#!/bin/sh
grep -q wrong "$2" || exit 0
echo "$2: line 7 is wrong" >&2
exit 1
"""


class Reader(Program):
    """A program with files, and a check of one of them."""

    name = "node-exporter"
    unit = UNIT
    files = (OwnFile("main.yml", ("checker", "config")), OwnFile("targets.json", reload=False))

    def command(self, folder: str, store: str, wanted: Any) -> List[str]:
        """Return the command."""
        return ["/usr/bin/reader", f"--config={folder}/main.yml"]


@pytest.fixture
def roots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Roots:
    """Return a host on which systemctl writes down what it is asked."""
    programs = only_programs_of(tmp_path, monkeypatch)
    texts = {"systemctl": SYSTEMCTL.replace("TOP", str(tmp_path)), "checker": CHECK}
    for name, text in texts.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    (tmp_path / "proc").mkdir()
    monkeypatch.setenv("STATE", "inactive dead")
    monkeypatch.setenv("STARTED", "0")
    return Roots(
        dev="none",
        **{name: str(tmp_path / name) for name in ("etc", "var", "proc")},
    )


def runs(monkeypatch: pytest.MonkeyPatch, ago: float = -60.0) -> None:
    monkeypatch.setenv("STATE", "active running")
    monkeypatch.setenv("STARTED", str(int((time.monotonic() - ago) * 1e6)))


def asked(tmp_path: Path) -> List[str]:
    path = tmp_path / "asked"
    return path.read_text().splitlines() if path.exists() else []


def wanted(roots: Roots, **fields: Any) -> Wanted:
    daemon = Daemon(roots, "node-exporter", "h1")
    return Wanted(daemon, cluster=FSID, **{"port": 9100, **fields})


def verdict(roots: Roots, one: Wanted) -> str:
    deployment = Deployment(roots, [one], {"node-exporter": extras_of(roots)["node-exporter"]}, 1)
    deployment.refuse(False)
    deployment.predict()
    return str(deployment.rows[0]["state"])


def test_the_unit_of_the_package_runs_it_and_says_whose_it_is(roots: Roots, tmp_path: Path) -> None:
    one = wanted(roots, addr="fd00::1", args=["--collector.x=^/(a|b)($|/)"])
    files = extras_of(roots)["node-exporter"]
    assert verdict(roots, one) == "would be created"
    files.setup(one)
    assert (tmp_path / DROP_IN).read_text().splitlines()[2:] == [
        "ExecStart=",
        "ExecStart=/usr/bin/prometheus-node-exporter --no-collector.timex "
        '"--web.listen-address=[fd00::1]:9100" "--collector.x=^/(a|b)($$|/)"',
    ]
    assert read_told(str(tmp_path / DROP_IN)) == (FSID, "fd00::1", 9100, False)
    assert not files.needs_setup(one)
    assert files.needs_setup(wanted(roots)), "another address is no other command"
    assert verdict(roots, one) == "would be started"


def test_one_that_somebody_else_has_set_up_is_left_alone(
    roots: Roots, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs(monkeypatch)
    with pytest.raises(DaemonRefused, match=f"{UNIT} runs and was not set up from here"):
        verdict(roots, wanted(roots))
    daemon = Daemon(roots, "node-exporter", "h1")
    removal = Removal(roots, [daemon], extras_of(roots), purge=False)
    removal.do()
    assert removal.rows[0]["state"] == "absent"
    assert asked(tmp_path) == []
    assert UNIT not in [unit["Id"] for unit in find_units(roots, [])]


def test_removal_leaves_nothing(
    roots: Roots, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = ProgramFiles(roots, Reader())
    one = wanted(roots, files={"main.yml": "a", "targets.json": "[]"})
    files.setup(one)
    runs(monkeypatch)
    assert UNIT in [unit["Id"] for unit in find_units(roots, [])]
    Removal(roots, [one.daemon], {"node-exporter": files}, purge=False).do()
    assert [verb.split()[0] for verb in asked(tmp_path)] == [
        *("daemon-reload", "disable", "stop", "daemon-reload"),
    ]
    assert not (tmp_path / "etc/ceph-orch-ansible").exists()
    assert not (tmp_path / DROP_IN).parent.exists()


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"args": ["--a=b\nExecStartPre=/bin/true"]}, "Invalid argument .* control characters"),
        ({"files": {"../../etc/shadow": "x"}}, "Invalid file '../../etc/shadow'"),
        ({"files": {"main.yml": "wrong"}}, "checker refuses main.yml: main.yml: line 7 is wrong"),
    ],
)
def test_what_it_could_not_use_is_refused_before_anything_is_written(
    roots: Roots, tmp_path: Path, fields: Dict[str, Any], says: str
) -> None:
    files = ProgramFiles(roots, Reader())
    good = wanted(roots, files={"main.yml": "good"})
    files.setup(good)
    before = sorted(tmp_path.rglob("*"))
    (said,) = files.refuse(wanted(roots, **fields))
    assert re.search(says, said)
    assert sorted(tmp_path.rglob("*")) == before
    assert files.refuse(good) == []


def test_files_are_changed_without_a_restart_and_told_where_it_does_not_look_itself(
    roots: Roots, tmp_path: Path
) -> None:
    files = ProgramFiles(roots, Reader())
    files.setup(wanted(roots, files={"main.yml": "a", "targets.json": "[]"}))
    folder = tmp_path / "etc/ceph-orch-ansible/node-exporter"
    others = wanted(roots, files={"main.yml": "a", "targets.json": "[1]"})
    assert files.needs_reload(others)
    assert not files.needs_setup(others)
    files.reload(others)
    assert (folder / "targets.json").read_text() == "[1]"
    assert asked(tmp_path) == ["daemon-reload"]

    files.reload(wanted(roots, files={"main.yml": "b", "targets.json": "[1]"}))
    assert asked(tmp_path) == ["daemon-reload", f"reload -- {UNIT}"]
    assert sorted(os.listdir(folder)) == ["main.yml", "targets.json"]

    # Killed between a file and the word of it.
    (folder / ".pending").touch()
    same = wanted(roots, files={"main.yml": "b", "targets.json": "[1]"})
    assert files.needs_reload(same)
    files.reload(same)
    assert asked(tmp_path)[-1] == f"reload -- {UNIT}"
    assert not files.needs_reload(same)

    files.reload(wanted(roots, files={"main.yml": "b"}))
    assert os.listdir(folder) == ["main.yml"]
