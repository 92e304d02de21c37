"""Keyrings and ceph.conf: what a job was given, and what the monitors say when it is done again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.content.runs import ROOT

KEY = "AQDkeyMadeForTests000000000000000000000A=="
FROM_FILE = "[mds.a]\n\tkey = fromAfile==\n"
CEPH = """#!/bin/sh
echo "$*" >>"$(dirname "$0")/asked"
case $5 in
"") echo "[global]"; echo "    mon_host = now";;
mds.a) echo {key};;
*) echo "Error ENOENT: failed to find $5 in keyring" >&2; exit 2;;
esac
"""


KEYRINGS = "{{ lookup('ceph_orch.ansible.keyrings', rows) | to_json }}"


def playbook(text: str) -> list[dict[str, Any]]:
    task = {"ansible.builtin.copy": {"content": text, "dest": "{{ answer }}", "mode": "0600"}}
    return [{"hosts": "all", "gather_facts": False, "tasks": [task]}]


class Controller:
    """A controller whose ``ceph`` knows one key."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.secrets = top / "secrets"
        self._ceph = top / "bin/ceph"
        self._ceph.parent.mkdir()
        self._ceph.write_text(CEPH.format(key=KEY))
        self._ceph.chmod(0o755)

    @property
    def asked(self) -> list[str]:
        """Return what ``ceph`` was asked."""
        path = self._ceph.with_name("asked")
        return path.read_text().splitlines() if path.exists() else []

    def read(self, *daemons: tuple[str, str], entities: Any = None) -> tuple[Any, str]:
        """Return the keyrings of daemons, or None, and what else was said."""
        rows = [{"id": name, "keyring_file": file} for name, file in daemons]
        known = {"ceph_orch_secrets": str(self.secrets), "ceph_orch_entities": entities or {}}
        return self.run(KEYRINGS, rows=rows, **known)

    def run(self, text: str, more: dict[str, str] | None = None, **given: Any) -> tuple[Any, str]:
        """Return what a template gives, or None, and what else was said.

        ``more`` is added to the environment.
        """
        path, answer = self.top / "play.yml", self.top / "answer.json"
        path.write_text(yaml.safe_dump(playbook(text)))
        given["answer"] = str(answer)
        programs = f"{self._ceph.parent}:{os.path.dirname(sys.executable)}:/usr/bin:/bin"
        done = subprocess.run(
            ["ansible-playbook", "-i", "h1,", "-c", "local", str(path), "-e", json.dumps(given)],
            cwd=ROOT,
            env={
                **os.environ,
                "PATH": programs,
                "ANSIBLE_HOME": str(self.top / "home"),
                "ANSIBLE_LOCALHOST_WARNING": "False",
                **(more or {}),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        said = done.stdout + done.stderr
        if done.returncode:
            return None, said
        return json.loads(answer.read_text()), said


@pytest.fixture
def controller(tmp_path: Path) -> Controller:
    return Controller(tmp_path)


def test_while_the_job_runs_its_files_are_read(controller: Controller) -> None:
    controller.secrets.mkdir()
    (controller.secrets / "mds.a.keyring").write_text(FROM_FILE)
    found, _ = controller.read(
        ("a", "mds.a.keyring"), ("b", ""), entities={"mds.a.keyring": "mds.a"}
    )
    assert found == {"mds.a.keyring": FROM_FILE}
    assert controller.asked == []
    found, said = controller.read(("b", "mds.b.keyring"), entities={"mds.b.keyring": "mds.b"})
    assert found is None, "a file that is missing while the job runs is no reason to ask elsewhere"
    assert "mds.b.keyring" in said
    assert controller.asked == []


def test_by_hand_the_monitors_are_asked(controller: Controller) -> None:
    """Seen to fail before: the keyring_file of a job that had ended could not be read."""
    names = {"mds.a.keyring": "mds.a", "mds.b.keyring": "mds.b"}
    daemons = (("a", "mds.a.keyring"), ("b", "mds.b.keyring"), ("c", "mds.c.keyring"))
    found, said = controller.read(*daemons, entities=names)
    assert found == {
        "mds.a.keyring": f"[mds.a]\n\tkey = {KEY}\n",
        "mds.b.keyring": "",
        "mds.c.keyring": "",
    }
    wanted = "--connect-timeout 10 auth print-key"
    assert controller.asked == [f"{wanted} mds.a", f"{wanted} mds.b"]
    assert "key of mds.b cannot be fetched" in " ".join(said.split())
    assert KEY not in said


@pytest.mark.parametrize(
    ("given", "by_hand", "wanted"),
    [
        ("[global]\nmon_host = then\n", "true", "[global]\n    mon_host = now\n"),
        ("[global]\nmon_host = then\n", "", "[global]\nmon_host = then\n"),
        ("", "true", ""),
    ],
    ids=["by hand", "the job itself", "none"],
)
def test_a_ceph_conf_is_that_of_now(
    controller: Controller, given: str, by_hand: str, wanted: str
) -> None:
    """Seen to fail before: a job done again took monitors out that had come since."""
    text = "{{ lookup('ceph_orch.ansible.minimal_conf', given) | to_json }}"
    found, _ = controller.run(
        text, given=given, **({"ceph_orch_by_hand": by_hand} if by_hand else {})
    )
    assert found == wanted
    assert controller.asked == (
        ["--connect-timeout 10 config generate-minimal-conf"] if by_hand and given else []
    )


def test_what_is_no_entity_is_not_asked_for(controller: Controller) -> None:
    found, _ = controller.read(("a", "x.keyring"), entities={"x.keyring": "--help"})
    assert found == {"x.keyring": ""}
    assert controller.asked == []


CREDENTIAL = f"""[client.bootstrap-osd]
\tkey = otherKey==
\tcaps mon = "profile bootstrap-osd"
[mds.a]
\tkey = {KEY}
\tcaps mds = "allow"
\tcaps mon = "profile mds"
"""


def test_in_awx_keys_come_from_the_credential(controller: Controller) -> None:
    path = controller.top / "credential"
    path.write_text(CREDENTIAL)
    rows = [{"id": "a", "keyring_file": "mds.a"}, {"id": "b", "keyring_file": ""}]
    given = {"CEPH_ORCH_KEYRINGS": str(path)}
    found, said = controller.run(KEYRINGS, given, rows=rows)
    assert found == {"mds.a": f"[mds.a]\n\tkey = {KEY}\n"}, said

    rows = [{"id": "b", "keyring_file": "mds.b"}]
    found, said = controller.run(KEYRINGS, given, rows=rows)
    assert found is None
    assert "The credential has no key of 'mds.b'. Add what `ceph auth get mds.b`" in " ".join(
        said.split()
    )
    assert KEY not in said
    assert "otherKey" not in said
    assert controller.asked == [], "a job of AWX has no access to the monitors"


def test_a_credential_may_have_the_files_of_many_daemons(controller: Controller) -> None:
    """The key of each is its whole text. Only the first 64 kB were read once."""
    path, long = controller.top / "credential", "A" * 70_000
    texts = [f"[haproxy.a{number}.haproxy.cfg]\n\tkey = {long}\n" for number in range(3)]
    path.write_text("".join((*texts, CREDENTIAL)))
    rows = [{"id": "a", "keyring_file": "mds.a"}]
    rows.append({"id": "b", "secret_files": {"haproxy.cfg": "haproxy.a2.haproxy.cfg"}})
    found, said = controller.run(KEYRINGS, {"CEPH_ORCH_KEYRINGS": str(path)}, rows=rows)
    wanted = {"mds.a": f"[mds.a]\n\tkey = {KEY}\n", "haproxy.a2.haproxy.cfg": texts[2]}
    assert found == wanted, said


def test_a_keyring_is_read_whole_or_not_at_all(controller: Controller) -> None:
    controller.secrets.mkdir()
    (controller.secrets / "mds.a").write_text("x" * ((1 << 22) + 1))
    found, said = controller.read(("a", "mds.a"))
    assert found is None
    assert "cannot be read: it has more than 4194304 characters" in " ".join(said.split())


def test_the_files_of_a_job_come_before_a_credential(controller: Controller) -> None:
    controller.secrets.mkdir()
    (controller.secrets / "mds.a").write_text(FROM_FILE)
    path = controller.top / "credential"
    path.write_text(CREDENTIAL)
    given = {"ceph_orch_secrets": str(controller.secrets)}
    rows = [{"id": "a", "keyring_file": "mds.a"}]
    found, _ = controller.run(KEYRINGS, {"CEPH_ORCH_KEYRINGS": str(path)}, rows=rows, **given)
    assert found == {"mds.a": FROM_FILE}
