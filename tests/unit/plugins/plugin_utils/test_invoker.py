"""The invoker as the one file that root has: made the same each time, and alone in the world."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any, Dict, List

import pytest

from adapter import __version__

FIRST = f"#!{sys.executable} -IS\n".encode()
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may run it")


@pytest.fixture(scope="module")
def maker() -> Any:
    return importlib.import_module("plugins.plugin_utils.invoker")


@pytest.fixture
def invoker(maker: Any, tmp_path: Path) -> Path:
    path = tmp_path / "ceph-orch-invoker"
    path.write_bytes(maker.build(sys.executable))
    path.chmod(0o700)
    return path


def ask(path: Path, *arguments: str, given: bytes = b"", **environment: str) -> Any:
    return subprocess.run(
        [str(path), *arguments], input=given, capture_output=True, env=environment, check=False
    )


def test_it_is_the_same_each_time(maker: Any) -> None:
    made = maker.build(sys.executable)

    assert made == maker.build(sys.executable)
    assert made.startswith(FIRST)


def test_what_is_in_it(invoker: Path) -> None:
    with zipfile.ZipFile(invoker) as archive:
        names = archive.namelist()
    own = "ceph_orch"

    assert f"{own}/modules/host_report.py" in names
    assert f"{own}/module_utils/invoker/policy.py" in names
    assert "ansible/module_utils/basic.py" in names
    assert [name for name in names if "backend_install" in name or "invoker_install" in name] == []
    assert {name.rpartition(".")[2] for name in names} == {"py"}


@as_root
def test_it_says_what_it_is(invoker: Path) -> None:
    done = ask(invoker, given=b'{"verb": "version"}')

    said = json.loads(done.stdout)
    assert done.returncode == 0
    assert said["version"] == __version__
    assert "osd_create" in said["verbs"]


@as_root
def test_it_runs_a_module(invoker: Path) -> None:
    given = {"verb": "host_report", "version": __version__, "parameters": {"gather": []}}

    done = ask(invoker, given=json.dumps(given).encode())

    said = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert said["ceph_orch_result"]["identity"]["hostname"]
    assert said["changed"] is False


@as_root
@pytest.mark.parametrize(
    ("arguments", "given", "status", "says"),
    [
        (["--help"], b'{"verb": "version"}', 64, "takes no arguments"),
        ([""], b'{"verb": "version"}', 64, "takes no arguments"),
        ([], b"", 64, "not JSON"),
        ([], b'{"verb": "shell", "version": "%s"}' % __version__.encode(), 64, "no verb shell"),
        ([], b'{"verb": "host_report", "version": "0"}', 65, "install_invoker.yml"),
        ([], b'{"verb": "host_report"}', 65, "what asks it none"),
        ([], b'{"verb": "version", "version": "0"}', 65, "install_invoker.yml"),
        ([], b'{"verb": "end"}', 64, "Invalid mark"),
    ],
)
def test_what_it_refuses(
    invoker: Path, arguments: List[str], given: bytes, status: int, says: str
) -> None:
    done = ask(invoker, *arguments, given=given)

    assert done.returncode == status
    assert says in done.stderr.decode()
    assert done.stdout == b""
    assert done.stderr.count(b"\n") == 1


PLANTED = "import os; os.mkdir({place!r})\n"


@as_root
@pytest.mark.parametrize("name", ["json", "ansible", "sitecustomize", "usercustomize", "os"])
def test_it_imports_nothing_of_its_caller(invoker: Path, tmp_path: Path, name: str) -> None:
    """Seen to fail without ``-I``."""
    planted, place = tmp_path / "planted", tmp_path / "ran"
    for folder in (planted, planted / "lib", invoker.parent):
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.py").write_text(PLANTED.format(place=str(place)))
    hostile: Dict[str, str] = {
        "PYTHONPATH": str(planted),
        "PYTHONHOME": str(planted),
        "PYTHONSTARTUP": str(planted / f"{name}.py"),
        "PYTHONINSPECT": "1",
        "PYTHONUSERBASE": str(planted),
        "HOME": str(planted),
        "PATH": str(planted),
    }

    done = ask(invoker, given=b'{"verb": "version"}', **hostile)

    assert done.returncode == 0, done.stderr
    assert not place.exists()


@as_root
def test_one_that_others_may_write_does_nothing(invoker: Path, tmp_path: Path) -> None:
    invoker.chmod(0o777)
    done = ask(invoker, given=b'{"verb": "version"}')
    assert done.returncode == 64
    assert b"may be written by others than root" in done.stderr
    invoker.chmod(0o700)
    (tmp_path / "link").symlink_to(invoker)
    done = ask(tmp_path / "link", given=b'{"verb": "version"}')
    assert done.returncode == 64
    assert b"is a link" in done.stderr


ANSWERS = [
    ((0, '{"changed": false, "_ansible_x": 1}', ""), {"changed": False}),
    ((1, 'noise\n{"failed": true, "msg": "x"}\n', ""), {"failed": True, "msg": "x"}),
    ((64, "", "ceph-orch-invoker: There is no verb x."), "There is no verb x."),
    ((65, "", "ceph-orch-invoker: It is of version 1."), "It is of version 1."),
    ((1, "", "sudo: a password is required"), "The ssh user may not run /usr/local/libexec/"),
    ((1, "", "sudo: sorry, you must have a tty to run sudo"), "The ssh user may not run"),
    (
        (1, "", "sudo: /usr/local/libexec/ceph-orch-invoker: command not found"),
        "There is no /usr/local/libexec/ceph-orch-invoker on this host.",
    ),
    ((127, "", "/bin/sh: 1: sudo: not found"), "There is no sudo on this host."),
    ((137, "", ""), "ended with status 137: it printed nothing"),
    ((0, '{"a": ', ""), "ended with status 0"),
    ((64, '{"changed": true}', "x"), "ended with status 64: x"),
]


@pytest.mark.parametrize(("answer", "expected"), ANSWERS)
def test_what_an_answer_means(answer: Any, expected: Any) -> None:
    action = importlib.import_module("plugins.action.invoke")
    given = dict(zip(("rc", "stdout", "stderr"), answer))

    found = action.read_answer(given)

    if isinstance(expected, dict):
        assert found == expected
    else:
        assert found["failed"] is True
        assert expected in found["msg"]
