"""``DIR/config.yml``."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from adapter.cli import config
from adapter.errors import AdapterError
from adapter.settings import Settings
from tests.unit.cli.door import Door


def written(directory: Path, text: str) -> config.Config:
    (directory / "config.yml").write_text(text)
    return config.load(directory)


@pytest.mark.parametrize("text", ["", "# nothing\n"])
def test_the_defaults_hold(tmp_path: Path, text: str) -> None:
    assert config.load(tmp_path) == written(tmp_path, text) == config.Config()


def test_every_setting_can_be_given(tmp_path: Path) -> None:
    known = {field.name for field in dataclasses.fields(Settings)}
    assert known <= {*config.CHECKERS, *config.OF_MANAGERS}
    found = written(
        tmp_path,
        "ssh_user: ceph-admin\nsudo_invoker: true\nssh_identity_file: key\n"
        "light_command: [/opt/led, '{path}']\nlight_sysfs_root: /fake\n"
        "python: /opt/venv/bin/python\n",
    )

    assert found.settings == Settings(
        "ceph-admin", True, light_command=("/opt/led", "{path}"), light_sysfs_root="/fake"
    )
    assert found.ssh_identity_file == str(tmp_path / "key"), "beside the file"
    assert found.python == "/opt/venv/bin/python"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ssh_usr: root\n", ["'ssh_usr'", "Is it 'ssh_user'?"]),
        ("colour: red\n", ["'colour'", "There are: ssh_user"]),
        ("1: 2\n", ["1", "no such setting"]),
        ("ssh_user: -oProxyCommand=x\n", ["ssh_user", "not a login name"]),
        ("sudo_invoker: 'yes'\n", ["sudo_invoker", "neither true nor false"]),
        ("report_interval: 60\n", ["a setting of managers", "mgr/ansible/report_interval`"]),
        ("probe_interval: 5\n", ["a setting of managers", "Leave it out"]),
        ("report_batch: 10\n", ["a setting of managers", "Leave it out"]),
        ('light_command: "\'"\n', ["light_command", "Check its quotes"]),
        ("light_command: {a: b}\n", ["light_command", "neither"]),
        ("light_sysfs_root: 7\n", ["light_sysfs_root", "Put it in quotes"]),
        ("- a\n", ["does not hold a mapping"]),
        ("a: [\n", ["is not YAML"]),
    ],
)
def test_what_is_wrong_is_named_on_one_line(door: Door, text: str, words: list[str]) -> None:
    (door.directory / "config.yml").write_text(text)

    line = door.refused("host", "ls")

    for word in words:
        assert word in line


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "config.yml").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(AdapterError, match="is not YAML"):
        config.load(tmp_path)
