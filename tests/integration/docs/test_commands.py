"""The commands of the documents that need no lab run here, Ansible's among them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.integration.content.runs import BIN
from tests.tools.docs_commands import HERE, forms, playbook_of, where
from tests.tools.documents import ROOT, commands, texts

ALL = commands()
TYPED = [each for each in ALL if each.typed]


@pytest.fixture
def at_home(tmp_path: Path) -> Any:
    """Run a program in the project's directory, with a home of its own, and return its output."""

    def run(*argv: str) -> str:
        kept = {key: value for key, value in os.environ.items() if "ANSIBLE" not in key}
        done = subprocess.run(
            [str(BIN / argv[0]), *argv[1:]],
            cwd=ROOT,
            env={**kept, "HOME": str(tmp_path), "PYTHONWARNINGS": "ignore"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def test_the_playbooks_of_the_documents_list_their_tasks(at_home: Any) -> None:
    names = sorted({playbook_of(each) for each in TYPED if each.program == "ansible-playbook"})
    out = at_home("ansible-playbook", "-i", "h1,", "--list-tasks", *names)

    for name in names:
        assert f"playbook: {name}" in out


def test_the_playbooks_that_need_no_cluster_run_here(at_home: Any) -> None:
    lines = [
        each.words[1:]
        for each in TYPED
        if each.program == "ansible-playbook" and where(each) == HERE
    ]
    assert lines
    for words in lines:
        # A name is all that the example needs of the host's.
        at_home("ansible-playbook", *(word.replace("$(hostname)", "h1") for word in words))


def test_ansible_doc_explains_every_module(at_home: Any) -> None:
    assert "`ansible-doc ceph_orch.ansible.MODULE`" in texts()["docs/playbooks.md"]
    names = sorted(path.stem for path in (ROOT / "plugins/modules").glob("[a-z]*.py"))
    out = at_home("ansible-doc", "--json", *(f"ceph_orch.ansible.{name}" for name in names))

    assert {name.rpartition(".")[2] for name in json.loads(out)} == set(names)


@pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="there is no ssh client here")
def test_orch_ansible_without_ceph_and_hosts(at_home: Any, tmp_path: Path) -> None:
    """The commands of the documents that need neither; a key comes first, as in the README."""
    lines = {
        " ".join(words)
        for each in ALL
        if each.program == "orch-ansible"
        for words in forms(each)
        if where(each) == HERE
    }
    assert {"device ls", "key generate"} <= lines
    for line in sorted(lines, key=lambda line: (line != "key generate", line)):
        assert "Traceback" not in at_home("orch-ansible", "--dir", str(tmp_path), *line.split())
