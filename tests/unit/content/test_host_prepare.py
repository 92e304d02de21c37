"""What host_prepare runs on a host that may have no Python."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Dict

import pytest
import yaml

from tests.tools.documents import ROOT


def _prepare(tmp_path: Path, script: str, programs: Dict[str, str]) -> str:
    """Run what host_prepare runs, on a machine that has nothing but these programs."""
    source = yaml.safe_load((ROOT / "roles/host_prepare/vars/main.yml").read_text(encoding="utf-8"))
    bin_dir = tmp_path / "bin"
    bin_dir.mkdir()
    for name in ("tail", "tr", "touch", "chmod"):
        os.symlink(f"/usr/bin/{name}", bin_dir / name)
    for name, body in programs.items():
        (bin_dir / name).write_text(f"#!/bin/sh\n{body}\n")
        (bin_dir / name).chmod(0o755)
    return subprocess.run(
        ["/bin/sh", "-c", source["__host_prepare_script"][script]],
        env={"PATH": str(bin_dir), "BIN": str(bin_dir)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


INSTALLS = 'case "$*" in *install*python3*) touch "$BIN/python3"; chmod 755 "$BIN/python3";; esac'


@pytest.mark.parametrize(
    ("script", "programs", "said"),
    [
        ("look", {"python3": "exit 0"}, "ceph-orch: present"),
        ("look", {"apt-get": INSTALLS}, "ceph-orch: missing"),
        ("install", {"python3": "exit 0", "apt-get": "exit 9"}, "ceph-orch: present"),
        ("install", {"apt-get": INSTALLS}, "ceph-orch: installed"),
        ("install", {"dnf": INSTALLS}, "ceph-orch: installed"),
        ("install", {"zypper": INSTALLS}, "ceph-orch: installed"),
        ("install", {"apt-get": "echo E: no network; exit 100"}, "ceph-orch: failed E: no network"),
        ("install", {}, "ceph-orch: failed there is neither apt-get nor dnf nor zypper"),
    ],
)
def test_python_is_installed_only_where_it_is_missing(
    script: str, programs: Dict[str, str], said: str, tmp_path: Path
) -> None:
    assert _prepare(tmp_path, script, programs) == said
    assert (tmp_path / "bin/python3").exists() is (said.split()[1] in ("present", "installed"))
