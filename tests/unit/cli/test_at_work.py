"""One command at a time changes a directory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from adapter.cli.at_work import FILE, at_work, who_works
from adapter.errors import NotReady

HOLD = (
    "import sys; from pathlib import Path; from adapter.cli.at_work import at_work\n"
    "with at_work(Path(sys.argv[1]), 'osd rm 3'):\n"
    "    print('held', flush=True); sys.stdin.read()\n"
)


def test_nobody_works_where_nobody_has_the_lock(tmp_path: Path) -> None:
    assert who_works(tmp_path) == ""
    with at_work(tmp_path, "apply"):
        assert who_works(tmp_path) == f"`orch-ansible apply` (process {os.getpid()})"
    assert who_works(tmp_path) == ""


def test_a_second_process_is_refused_until_the_first_is_killed(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == b"held\n"
        with (
            pytest.raises(NotReady, match=f"osd rm 3` .process {first.pid}."),
            at_work(tmp_path, "apply"),
        ):
            raise AssertionError
        first.kill()
    with at_work(tmp_path, "apply"):
        assert "apply" in who_works(tmp_path)


def test_what_the_file_says_is_only_words(tmp_path: Path) -> None:
    with at_work(tmp_path, "apply"):
        (tmp_path / FILE).write_text("[]")
        assert who_works(tmp_path) == "another `orch-ansible`"
