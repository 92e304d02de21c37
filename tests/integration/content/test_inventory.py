"""The inventory plugin gives the orchestrator's hosts, and evaluates nothing in them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, Dict, Optional

import pytest
import yaml

from adapter.mgr.store import MonStore
from tests.integration.content.runs import BIN, ROOT, Machine
from tests.unit.mgr.fake_mon import Manager, MonKeys

HOSTILE = "{{ lookup('ansible.builtin.pipe', 'touch CANARY') }}"


def _keep(directory: Path, **records: Any) -> None:
    (directory / "host").mkdir(parents=True, exist_ok=True)
    for name, record in records.items():
        text = record if isinstance(record, str) else yaml.safe_dump(record)
        (directory / "host" / f"{name}.yml").write_text(text, encoding="utf-8")


def _call(machine: Machine, *argv: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        argv,
        cwd=ROOT,
        env={**machine.environment(), "RECORDER_FILE": "/dev/null", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def _list(machine: Machine, source: Optional[Path] = None, **environment: str) -> Dict[str, Any]:
    done = _call(
        machine,
        str(BIN / "ansible-inventory"),
        "-i",
        str(source or ROOT / "inventory/orchestrator.yml"),
        "--list",
        **environment,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(_plain(done.stdout))


def _plain(text: str) -> str:
    """Take the marks of unsafe texts out of what ansible-inventory prints."""

    def unmark(pairs: Any) -> Any:
        mapping = dict(pairs)
        return mapping["__ansible_unsafe"] if set(mapping) == {"__ansible_unsafe"} else mapping

    return json.dumps(json.loads(text, object_pairs_hook=unmark))


def test_hosts_groups_and_variables(machine: Machine, tmp_path: Path) -> None:
    directory = tmp_path / "orch"
    _keep(
        directory,
        h1={
            "hostname": "h1",
            "addr": "192.0.2.1",
            "labels": ["_admin", "rgw-a"],
            "status": "",
            "keys": ["ssh-ed25519 AAAA"],
            "python": "/usr/bin/python3.11",
        },
        h2={"hostname": "h2", "addr": "", "labels": ["rgw-a"], "status": "maintenance"},
    )
    (directory / "ssh_config").write_text("")
    listed = _list(machine, ORCH_ANSIBLE_DIR=str(directory))

    variables = listed["_meta"]["hostvars"]
    assert variables["h1"] == {
        "ansible_host": "192.0.2.1",
        "ansible_python_interpreter": "/usr/bin/python3.11",
        "ansible_ssh_common_args": f"-F {directory}/ssh_config",
        "orch_record": {
            "hostname": "h1",
            "addr": "192.0.2.1",
            "labels": ["_admin", "rgw-a"],
            "status": "",
            "python": "/usr/bin/python3.11",
        },
        "orch_status": "",
    }
    assert variables["h2"]["ansible_host"] == "h2"
    assert variables["h2"]["orch_status"] == "maintenance"
    assert listed["label__admin"]["hosts"] == ["h1"]
    assert listed["label_rgw_a"]["hosts"] == ["h1", "h2"]
    assert listed["status_maintenance"]["hosts"] == ["h2"]


def test_no_hosts(machine: Machine, tmp_path: Path) -> None:
    assert _list(machine, ORCH_ANSIBLE_DIR=str(tmp_path / "none"))["_meta"]["hostvars"] == {}


REFUSED = {
    "an address that is a template": {"hostname": "bad", "addr": HOSTILE},
    "an address that is an option": {"hostname": "bad", "addr": "-oProxyCommand=touch CANARY"},
    "an address with a blank": {"hostname": "bad", "addr": "192.0.2.1 -v"},
    "another name": {"hostname": "other", "addr": "192.0.2.1"},
    "labels that are no list": {"hostname": "bad", "labels": "x"},
    "no mapping": "- a\n",
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_host_is_left_out(case: str, machine: Machine, tmp_path: Path) -> None:
    _keep(tmp_path / "orch", bad=REFUSED[case], good={"hostname": "good"})
    listed = _list(machine, ORCH_ANSIBLE_DIR=str(tmp_path / "orch"))

    assert list(listed["_meta"]["hostvars"]) == ["good"]


def test_a_file_that_is_no_yaml_is_an_error(machine: Machine, tmp_path: Path) -> None:
    _keep(tmp_path / "orch", h1="a: [")
    done = _call(
        machine,
        str(BIN / "ansible-inventory"),
        "--list",
        ORCH_ANSIBLE_DIR=str(tmp_path / "orch"),
        ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED="true",
    )

    assert done.returncode != 0
    assert "h1.yml cannot be read" in done.stderr


def test_templates_in_records_are_never_evaluated(machine: Machine, tmp_path: Path) -> None:
    _keep(
        tmp_path / "orch",
        h1={"hostname": "h1", "labels": [HOSTILE], "note": HOSTILE, "connection": "local"},
    )
    done = _call(
        machine,
        str(BIN / "ansible"),
        "all",
        "-i",
        str(ROOT / "inventory/orchestrator.yml"),
        "-m",
        "ansible.builtin.debug",
        "-a",
        "msg={{ orch_record.note }}+{{ orch_record.labels | first }}+{{ ansible_host }}",
        ORCH_ANSIBLE_DIR=str(tmp_path / "orch"),
    )

    assert done.returncode == 0, done.stderr
    assert f"{HOSTILE}+{HOSTILE}+h1" in done.stdout
    assert not (ROOT / "CANARY").exists()


def _ceph(tmp_path: Path, body: str) -> Path:
    """Make a source that asks a ``ceph`` of the test's own."""
    program = tmp_path / "ceph"
    program.write_text(f'#!/bin/sh\necho "$*" >{tmp_path}/asked\n{body}\n')
    program.chmod(0o755)
    source = tmp_path / "orchestrator.yml"
    source.write_text(
        "plugin: ceph_orch.ansible.orchestrator\nsource: ceph\n"
        f"ceph_command: [{program}, --cluster, x]\n"
    )
    return source


def test_a_large_record_is_read_from_the_monitors(machine: Machine, tmp_path: Path) -> None:
    keys = MonKeys(limit=3000)
    store = MonStore(Manager(keys))
    labels = [f"rack-{number**3}" for number in range(3000)]
    for name, count in (("h1", 3000), ("h2", 400), ("h3", 1)):
        store.set(f"host.{name}", {"hostname": name, "labels": labels[:count]})
    assert any(key.startswith("mgr/ansible/part.") for key in keys.values)
    (tmp_path / "answer.json").write_text(json.dumps(keys.values))
    listed = _list(machine, _ceph(tmp_path, f"cat {tmp_path}/answer.json"))["_meta"]["hostvars"]

    assert sorted(listed) == ["h1", "h2", "h3"]
    assert listed["h1"]["orch_record"]["labels"] == labels


def test_hosts_from_the_monitors(machine: Machine, tmp_path: Path) -> None:
    values = {
        "mgr/ansible/host.h1": json.dumps({"hostname": "h1", "addr": "192.0.2.1", "labels": ["a"]}),
        "mgr/ansible/host.bad": "not json",
        "mgr/ansible/other": "x",
    }
    (tmp_path / "answer.json").write_text(json.dumps(values))
    listed = _list(machine, _ceph(tmp_path, f"cat {tmp_path}/answer.json"))

    assert list(listed["_meta"]["hostvars"]) == ["h1"]
    assert listed["label_a"]["hosts"] == ["h1"]
    asked = (tmp_path / "asked").read_text().strip()
    assert asked == "--cluster x config-key dump mgr/ansible/host. --format json"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("echo 'Error EACCES: access denied' >&2; exit 13", "Error EACCES: access denied"),
        ("echo nonsense", "The monitors do not give the hosts"),
        ("echo '[]'", "the answer is not a mapping"),
    ],
)
def test_monitors_that_do_not_answer(
    body: str, said: str, machine: Machine, tmp_path: Path
) -> None:
    done = _call(
        machine,
        str(BIN / "ansible-inventory"),
        "-i",
        str(_ceph(tmp_path, body)),
        "--list",
        ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED="true",
    )

    assert done.returncode != 0
    assert said in done.stderr
