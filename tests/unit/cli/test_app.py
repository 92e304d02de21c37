"""The command as a whole: help, errors, completion, jobs, keys."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Iterator, Tuple

import click
import pytest
from click.testing import CliRunner

from adapter.cli.app import root
from adapter.cli.config import Config
from adapter.cli.context import ssh_access
from tests.unit.cli.door import Door

HERE = Path(__file__).resolve().parents[3]


def commands(group: click.Group, *path: str) -> Iterator[Tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)
        else:
            yield " ".join((*path, name)), command


VERBS = dict(commands(root))


def test_the_help_begins_with_a_quick_start() -> None:
    lines = CliRunner().invoke(root, ["--help"]).output.splitlines()

    assert "orch-ansible device ls" in lines[2]
    assert "orch-ansible host add" in lines[3]


@pytest.mark.parametrize("path", VERBS)
def test_every_verb_teaches_by_an_example(path: str) -> None:
    result = CliRunner().invoke(root, [*path.split(), "--help"])

    assert result.exit_code == 0
    assert f"orch-ansible {path}" in result.output.split("Example:")[1]


@pytest.mark.parametrize("path", VERBS)
def test_every_verb_takes_the_options_for_all(path: str, door: Door) -> None:
    verb = VERBS[path]
    options = {option for parameter in verb.params for option in parameter.opts}

    assert {"--dir", "--progress", "--verbose", "--debug"} <= options
    assert verb.get_short_help_str(60)[-3:] != "...", "one line in the list of verbs"


def test_the_directory_may_stand_behind_the_verb(three: Door, tmp_path: Path) -> None:
    other = tmp_path / "other"

    assert "0 hosts" in three.run("host", "ls", "--dir", str(other)).stdout


def test_the_directory_comes_from_the_environment(
    three: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORCH_ANSIBLE_DIR", str(three.directory))
    result = CliRunner().invoke(root, ["host", "ls"])

    assert "3 hosts in cluster" in result.output


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["hots"], "No such command 'hots'"),
        (["host", "ls", "--colour"], "host ls: No such option"),
        (["host", "ls", "-f", "xml"], "is not one of 'plain', 'json', 'yaml'"),
        (["host", "add"], "host add: Missing argument 'NAME'"),
        (["job", "log", "x", "--lines", "0"], "x>=1"),
        (["completion", "tcsh"], "is not one of 'bash', 'zsh', 'fish'"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(door: Door, words: list[str], expected: str) -> None:
    line = door.refused(*words)

    assert expected in line
    assert "--help`." in line


def test_a_mistake_of_ours_is_one_line_and_debug_shows_where(door: Door) -> None:
    def broken(*_: object) -> object:
        raise RuntimeError("oops\nmore")

    door._access = broken  # type: ignore[method-assign,assignment]

    assert door.refused("host", "ls", status=1).startswith("RuntimeError: oops more.")
    result = CliRunner().invoke(root, ["--debug", "--dir", "/dev/null", "host", "ls"])
    assert result.exit_code != 0


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    (tmp_path / "config.yml").write_text("x: 1\n")
    result = CliRunner().invoke(root, ["host", "ls", "--debug", "--dir", str(tmp_path)])

    assert "Traceback" in result.stderr
    assert result.stderr.splitlines()[-1].startswith("orch-ansible: Invalid setting")


def test_a_directory_that_cannot_be_made(door: Door, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = CliRunner().invoke(root, ["--dir", str(tmp_path / "file" / "x"), "host", "ls"])

    assert result.exit_code == 1
    assert result.stderr.startswith("orch-ansible: ")
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script(shell: str) -> None:
    result = CliRunner().invoke(root, ["completion", shell])

    assert f"_ORCH_ANSIBLE_COMPLETE={shell}_complete" in result.output


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("orch-ansible host rm h", ["h1", "h10", "h2"]),
        ("orch-ansible host drain h1", ["h1", "h10"]),
        ("orch-ansible host drain s", ["stop"]),
        ("orch-ansible host drain stop h2", ["h2"]),
        ("orch-ansible device ls h1", ["h1", "h10"]),
        ("orch-ansible host label rm h1 o", ["osd"]),
        ("orch-ansible job show 2026", ["20261123T000000-add_host-0001"]),
        ("orch-ansible job log l", ["last"]),
        ("orch-ansible rm mds", ["mds.data"]),
        ("orch-ansible ls rgw", ["rgw.site"]),
        ("orch-ansible ps --service-name m", ["mds.data"]),
        ("orch-ansible ps --daemon-type o", ["osd"]),
        ("orch-ansible daemon restart osd.1", ["osd.1", "osd.12"]),
        ("orch-ansible device light h2 /dev/s", ["/dev/sdb"]),
        ("orch-ansible device light h1 /dev/s", []),
        ("orch-ansible de", ["device"]),
    ],
)
def test_names_are_completed(three: Door, words: str, expected: list[str]) -> None:
    (three.directory / "jobs" / "20261123T000000-add_host-0001").mkdir(parents=True)
    (three.directory / "spec").mkdir()
    for name in ("mds.data", "rgw.site"):
        (three.directory / "spec" / f"{name}.yml").write_text("{}\n")
    daemons = [{"daemon_type": "osd", "daemon_id": number} for number in ("1", "12", "3")]
    report = {"devices": [{"path": "/dev/sdb"}, {"path": "/dev/vda"}], "daemons": daemons}
    (three.directory / "reports").mkdir(exist_ok=True)
    (three.directory / "reports/h2.json").write_text(json.dumps(report))
    (three.directory / "reports/h1.json").write_text("spoiled")
    environment = {
        **os.environ,
        "PYTHONPATH": str(HERE),
        "ORCH_ANSIBLE_DIR": str(three.directory),
        "_ORCH_ANSIBLE_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    argv = [sys.executable, "-c", "from adapter.cli import main; main()"]
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)

    found = [line.split(",")[1] for line in done.stdout.splitlines() if line]
    assert found == expected, done.stderr


def test_jobs_are_listed_shown_and_logged(three: Door) -> None:
    rows = json.loads(three.run("job", "ls", "-f", "json").stdout)
    assert [row["operation"] for row in rows] == ["add_host"] * 3
    job = rows[0]["id"]

    assert f"Job       {job}" in three.run("job", "show", job).stdout
    assert json.loads(three.run("job", "show", job, "-f", "json").stdout)["id"] == job
    assert job in three.run("job", "log", job).stdout
    assert "has ended already: succeeded" in three.run("job", "cancel", job).stdout
    assert "There is no job 'x'" in three.refused("job", "show", "x")


@pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="there is no ssh-keygen")
def test_a_key_is_made_once(door: Door) -> None:
    door.ssh = ssh_access(door.directory / "ssh", Config())
    assert "There is no ssh key." in door.refused("key", "public", status=1)

    made = door.run("key", "generate").stdout

    assert made.startswith("ssh-ed25519 ")
    assert door.run("key", "public").stdout == made
    assert (door.directory / "ssh" / "identity").stat().st_mode & 0o777 == 0o600
    assert "--force" in door.refused("key", "generate")
    assert door.run("key", "generate", "--force").stdout != made
    (door.directory / "config.yml").write_text("ssh_identity_file: /etc/key\n")
    assert "ssh_identity_file" in door.refused("key", "generate", status=1)
