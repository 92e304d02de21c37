"""The host keys that go to AWX with the inventory, with a real ssh."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path
from typing import List

import pytest

from adapter.engine.awx_hosts import awx_variables, pinned_keys, ssh_options
from adapter.engine.ssh_files import known_host_name
from tests.unit.engine.harness import OTHER_KEY, Sshd


def _login(sshd: Sshd, keys: List[str]) -> subprocess.CompletedProcess:
    variables = awx_variables(sshd.target, "0" * 16, keys)
    options = shlex.split(variables["ansible_ssh_common_args"])
    command = ["ssh", "-F", "none", "-i", str(sshd.key), *options, "-p", str(sshd.port)]
    return subprocess.run(
        [*command, "-o", "BatchMode=yes", "-l", sshd.user, "127.0.0.1", "true"],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("first", [(), (OTHER_KEY,)], ids=["alone", "beside another"])
def test_a_host_with_its_key_is_reached(sshd: Sshd, first: tuple) -> None:
    name = known_host_name(sshd.target)
    keys = [f"{name} {key}" for key in (*first, sshd.public_host_key)]
    done = _login(sshd, keys)
    assert done.returncode == 0, done.stderr


def test_a_host_with_another_key_is_not(sshd: Sshd) -> None:
    done = _login(sshd, [f"{known_host_name(sshd.target)} {OTHER_KEY}"])
    assert done.returncode == 255
    assert "Host key verification failed" in done.stderr


def test_without_keys_no_host_is_taken(sshd: Sshd) -> None:
    assert _login(sshd, []).returncode == 255


def test_keys_are_those_of_the_address_and_port(sshd: Sshd, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    name = known_host_name(sshd.target)
    known.write_text(f"127.0.0.1 {OTHER_KEY}\n{name} {sshd.public_host_key}\n")
    assert pinned_keys(sshd.target, known) == [f"{name} {sshd.public_host_key}"]
    assert "StrictHostKeyChecking=yes" in ssh_options([])
