"""The line that does a job again: its words as a shell takes them, what its playbook gets."""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from adapter.engine.by_hand import by_hand, job_variables
from adapter.engine.model import Request, Target
from adapter.operations import REGISTRY
from tests.unit.engine.harness import local

ROOT = Path(__file__).resolve().parents[3]
HOSTILE = "a b'c\"d$(touch gone)`touch gone`;&*?#~!\\"
STUB = """#!/usr/bin/python3
import json, os, sys
kept = {name: text for name, text in os.environ.items() if name.startswith("ANSIBLE_")}
print(json.dumps({"argv": sys.argv[1:], "environment": kept, "cwd": os.getcwd()}))
"""


def settings_of(top: Path, **more: Any) -> dict[str, Any]:
    content = top / "content"
    content.mkdir(exist_ok=True)
    return {"content_root": str(content), "ssh_config": str(top / "ssh_config"), **more}


def line_of(top: Path, request: Request, **more: Any) -> dict[str, str]:
    playbook = f"playbooks/{request.operation}.yml"
    program = str(top / "ansible-playbook")
    return by_hand(
        top / "jobs/1", settings_of(top, **more), request, playbook=playbook, program=program
    )


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """Return a directory that no shell takes as it stands, with a stub of the program."""
    found = tmp_path / HOSTILE
    found.mkdir()
    stub = found / "ansible-playbook"
    stub.write_text(STUB)
    stub.chmod(0o755)
    return found


@pytest.mark.parametrize("operation", sorted(REGISTRY))
@pytest.mark.parametrize("check", [False, True], ids=["run", "check"])
def test_a_shell_takes_the_words_as_they_are(top: Path, operation: str, check: bool) -> None:
    request = Request(operation, (Target("h1", "10.0.0.1"),), check=check, diff=check)
    line = line_of(top, request)["command"]
    assert "\n" not in line
    done = subprocess.run(
        ["sh"],
        input=f"{line} --extra\n",
        capture_output=True,
        text=True,
        check=True,
        cwd=top.parent,
    )
    seen = json.loads(done.stdout)
    assert seen["cwd"] == str(top / "content")
    assert seen["argv"] == [
        f"playbooks/{operation}.yml",
        "-i",
        str(top / "jobs/1/inventory.yml"),
        "-e",
        f"@{top}/jobs/1/vars.yml",
        "-e",
        "ceph_orch_by_hand=true",
        *(["--check", "--diff"] if check else []),
        "--extra",
    ]
    assert (ROOT / seen["argv"][0]).is_file()
    assert seen["environment"]["ANSIBLE_CONFIG"] == "ansible.cfg"
    words = shlex.split(seen["environment"]["ANSIBLE_SSH_ARGS"])
    assert words == ["-F", f"{top}/ssh_config", "-o", "ControlMaster=no"]
    assert not list(top.rglob("gone"))
    assert not list(top.parent.glob("gone"))


def test_the_playbook_is_told_whose_keys_it_had(tmp_path: Path) -> None:
    job = tmp_path / "20261123T052600-apply_mds-1a2b"
    secrets = job / "secrets"
    secrets.mkdir(parents=True)
    (secrets / "mds.a.keyring").write_text("[mds.a]\n\tkey = AQ==\n")
    (secrets / "mon.keyring").write_text("[mon.]\n\tkey = AQ==\n")
    (secrets / "note").write_text("of no key\n")
    assert job_variables(job) == {
        "ceph_orch_job": job.name,
        "ceph_orch_secrets": str(secrets),
        "ceph_orch_entities": {"mds.a.keyring": "mds.a", "mon.keyring": "mon."},
    }
    assert "AQ==" not in json.dumps(job_variables(job))


def test_without_secrets_there_is_only_the_jobs_name(tmp_path: Path) -> None:
    assert job_variables(tmp_path / "1") == {"ceph_orch_job": "1"}


def test_a_key_that_does_not_stay_is_said(top: Path) -> None:
    """The command of a session that used the manager's key would be refused by every host."""
    request = Request("get_inventory", (Target("h1", "10.0.0.1"),))
    found = line_of(top, request, ssh_stays=False)
    assert found["command"] == ""
    assert "the manager's" in found["no_command"]
    assert "`orch-ansible`" in found["no_command"]
    here = Request("get_inventory", local("h1"))
    assert line_of(top, here, ssh_stays=False)["command"]
