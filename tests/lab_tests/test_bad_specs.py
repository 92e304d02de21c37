"""``ceph orch apply -i`` of files that are no specs: one line, a failure, nothing changed.

Each file in bad_specs/ is a case: ``file`` is what is applied, ``says`` what the line must name.
"""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.lab_tests.lab_client import Answer, Lab, wait_until
from tests.lab_tests.test_bad_input import PWNED, assert_refused

CASES: dict[str, dict[str, Any]] = {
    path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))
    for path in sorted((Path(__file__).parent / "bad_specs").glob("*.yml"))
}
DIRECTORY = "/run/bad-specs"
WRITE = f"""
import base64, json, pathlib, sys
directory = pathlib.Path("{DIRECTORY}")
directory.mkdir(exist_ok=True)
for name, data in json.load(sys.stdin).items():
    (directory / f"{{name}}.yml").write_bytes(base64.b64decode(data))
"""
TRACEBACK = "Traceback"


@pytest.fixture(scope="module")
def before(ready: Lab) -> dict[str, Any]:
    """Put the files on the first host, and return what is to stay as it is."""
    data = {
        name: base64.b64encode(
            case["file"] if isinstance(case["file"], bytes) else case["file"].encode()
        ).decode()
        for name, case in CASES.items()
    }
    ready.sh(ready.first, 'exec python3 -c "$1"', WRITE, stdin=json.dumps(data))
    return what_is_kept(ready)


def what_is_kept(lab: Lab) -> dict[str, Any]:
    """Return the hosts, the names of what the module keeps, and what is set."""
    keys = [key for key in lab.ceph_json("config-key", "ls") if key.startswith("mgr/ansible/")]
    return {
        "hosts": lab.ceph_json("orch", "host", "ls"),
        "keys": keys,
        "options": lab.ceph_json("config", "dump"),
    }


def apply(lab: Lab, name: str, *words: str) -> Answer:
    return lab.ceph("orch", "apply", "-i", f"{DIRECTORY}/{name}.yml", *words, seconds=60)


def test_there_are_many() -> None:
    assert len(CASES) >= 25


@pytest.mark.usefixtures("before")
@pytest.mark.parametrize("name", CASES)
def test_one_line_says_what_is_wrong(ready: Lab, name: str) -> None:
    assert_refused(apply(ready, name), CASES[name]["says"])


@pytest.mark.usefixtures("before")
@pytest.mark.parametrize("name", ["type_unknown", "yaml_list_not_closed", "empty_documents"])
def test_a_dry_run_says_the_same(ready: Lab, name: str) -> None:
    assert_refused(apply(ready, name, "--dry-run"), CASES[name]["says"])


def test_nothing_was_changed_or_run(ready: Lab, before: dict[str, Any]) -> None:
    assert what_is_kept(ready) == before
    for host in ready.hosts():
        assert ready.ssh(host, "test", "-e", PWNED).rc == 1, host


@contextlib.contextmanager
def as_ceph_words_it(lab: Lab) -> Iterator[None]:
    option = ("config", "set", "mgr", "mgr/ansible/clean_cli_errors")
    lab.ok(*option, "false")
    try:
        yield
    finally:
        # A running manager is not told of an option that is removed.
        lab.ok(*option, "true")
        lab.ok("config", "rm", "mgr", "mgr/ansible/clean_cli_errors")


@pytest.mark.usefixtures("before")
def test_switched_off_ceph_answers_as_it_always_did(ready: Lab) -> None:
    with as_ceph_words_it(ready):
        wait_until("Ceph answers itself", lambda: TRACEBACK in apply(ready, "type_unknown").err, 10)
        answer = apply(ready, "type_unknown")
        assert "cli_errors" not in answer.err, "our code is in Ceph's traceback"
        # What Ceph expects ends with success: the reason for having this at all.
        assert apply(ready, "id_missing").rc == 0
    wait_until(
        "the errors are clean again", lambda: TRACEBACK not in apply(ready, "type_unknown").err, 10
    )


@pytest.mark.usefixtures("before")
def test_without_this_backend_ceph_answers_as_it_always_did(cluster: Lab) -> None:
    cluster.ok("orch", "set", "backend", "")
    try:
        wait_until(
            "Ceph answers itself", lambda: TRACEBACK in apply(cluster, "type_unknown").err, 10
        )
    finally:
        cluster.sh(cluster.first, "orch-ansible mgr enable")
    assert_refused(apply(cluster, "type_unknown"), CASES["type_unknown"]["says"])
