"""A program of this machine is run to its end."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from adapter.programs import TimeoutExpired, run_program


def test_what_it_said_and_how_it_ended() -> None:
    said = "import sys; print(sys.stdin.read() + '!'); sys.exit('no: \\udcff')"
    done = run_program([sys.executable, "-c", said], 60.0, given="yes")

    assert (done.returncode, done.stdout) == (1, "yes!\n")
    assert done.stderr.startswith("no: ")


def test_it_reads_nothing_where_nothing_is_given(tmp_path: Path) -> None:
    code = "import os, sys; print(repr(sys.stdin.read()), os.getcwd())"
    done = run_program([sys.executable, "-c", code], 60.0, cwd=str(tmp_path))

    assert done.stdout == f"'' {os.path.realpath(tmp_path)}\n"


def test_one_that_hangs_is_ended() -> None:
    with pytest.raises(TimeoutExpired):
        run_program(["sleep", "60"], 0.1)


def test_one_that_is_not_there() -> None:
    with pytest.raises(FileNotFoundError):
        run_program(["/nowhere/at-all"], 1.0)
