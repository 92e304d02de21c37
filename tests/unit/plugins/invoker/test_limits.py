"""What root allows besides: only root's file counts, and one that cannot be used allows nothing."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from plugins.module_utils.invoker.document import Refused
from plugins.module_utils.invoker.limits import Limits, limits_of, problem_of, read_limits


def test_without_a_file_nothing_more_is_allowed(tmp_path: Path) -> None:
    assert read_limits(str(tmp_path / "none")) == Limits()


def test_what_the_file_says() -> None:
    data = {"packages": ["a"], "light_commands": [["/bin/light", "{path}"]], "clusters": []}

    found = limits_of(json.dumps(data).encode())

    assert found == Limits(packages=("a",), light_commands=(("/bin/light", "{path}"),))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"package": ["a"]}',
        '{"packages": "a"}',
        '{"packages": [3]}',
        '{"packages": [["a"]]}',
        '{"light_commands": ["/bin/light"]}',
        '{"light_commands": [[["a"]]]}',
        '{"light_commands": "a"}',
        '{"packages": ["%s"]}' % ("a" * 70_000),
        "[" * 100_000,
    ],
)
def test_a_file_that_cannot_be_used(text: str) -> None:
    with pytest.raises(Refused, match="As root, correct it or remove it"):
        limits_of(text.encode())


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("{}")
    (tmp_path / "link").symlink_to("real")

    with pytest.raises(Refused, match="cannot be read"):
        read_limits(str(tmp_path / "link"))


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)

    with pytest.raises(Refused, match="is not a file"):
        read_limits(str(tmp_path / "pipe"))


@pytest.mark.parametrize(
    ("mode", "owner", "says"),
    [
        (0o100644, 0, ""),
        (0o100600, 0, ""),
        (0o100664, 0, "others than root"),
        (0o100646, 0, "others than root"),
        (0o100600, 1000, "does not belong to root"),
        (0o040755, 0, "is not a file"),
    ],
)
def test_whose_file_counts(mode: int, owner: int, says: str) -> None:
    found = problem_of(os.stat_result((mode, 1, 1, 1, owner, 0, 0, 0, 0, 0)))

    assert says in found if says else not found
