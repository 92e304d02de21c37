"""A lab with Ceph 18.2, and ``orch-ansible`` on its first host: what its tests share."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from adapter.cli.content import PARTS
from tests.lab_tests.lab_client import LAB, ROOT, Answer, Lab, run

SOURCE = "/root/ceph-orch-ansible"
AUTHORIZE = "mkdir -p -m 700 .ssh; cat >>.ssh/authorized_keys"
SECONDS = 900.0


@contextmanager
def old_site(ssh: Path) -> Iterator[Lab]:
    """Give a lab with Ceph 18.2, with this checkout's command on its first host."""
    name = os.environ.get("LAB") or "demo"
    answer = run([sys.executable, str(LAB), "--name", name, "hosts"])
    if answer.rc:
        pytest.skip(f"lab {name} does not run ({answer.err.strip()})")
    lab = Lab(name, ssh)
    if "version 18.2." not in lab.ok("version"):
        pytest.skip("needs Ceph 18.2: `tests/lab/lab up --release trixie --no-dashboard`")
    lab.lab("copy", *(str(ROOT / part) for part in ("adapter", *PARTS)), f"{lab.first}:{SOURCE}")
    install = f"cd {SOURCE} && PYTHONPATH=. python3 -m adapter.cli mgr install"
    lab.sh(lab.first, install)
    # One host has all copies where the lab has only one.
    size = str(min(len(lab.machines), 2))
    for option, value in (
        ("osd_pool_default_size", size),
        ("mon_allow_pool_size_one", "true"),
        ("osd_crush_chooseleaf_type", "0" if size == "1" else "1"),
    ):
        lab.ok("config", "set", "global", option, value)
    yield lab
    lab.close()


def command(lab: Lab, *words: str, stdin: str = "", seconds: float = SECONDS) -> Answer:
    """Run ``orch-ansible`` on the first host."""
    return lab.ssh(lab.first, "orch-ansible", *words, stdin=stdin, seconds=seconds)


def ok(lab: Lab, *words: str, stdin: str = "", seconds: float = SECONDS) -> str:
    """Return what ``orch-ansible`` prints; it must end well."""
    answer = command(lab, *words, stdin=stdin, seconds=seconds)
    assert answer.rc == 0, f"orch-ansible {shlex.join(words)}: {answer.err or answer.out}"
    return answer.out


def apply(lab: Lab, text: str) -> None:
    """Apply services; on a busy machine it takes longer than the command waits by itself."""
    words = ("apply", "-i", "-", "--wait", f"{SECONDS:.0f}")
    ok(lab, *words, stdin=text, seconds=2 * SECONDS)


def data(lab: Lab, *words: str) -> Any:
    """Return what ``orch-ansible`` prints as JSON."""
    return json.loads(ok(lab, *words, "--format", "json"))


def add_hosts(lab: Lab) -> None:
    """Let the command log in to all hosts, and manage them."""
    key = ok(lab, "key", "generate")
    for name, machine in lab.machines.items():
        lab.sh(name, AUTHORIZE, stdin=key)
        ok(lab, "host", "add", name, machine.addr)
