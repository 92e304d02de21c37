"""Reading, helper processes and programs hold their bounds."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from pathlib import Path
from typing import List

import pytest

from plugins.module_utils.system.command import find_program, last_line, run
from plugins.module_utils.system.host_lock import HostLock
from plugins.module_utils.system.reading import clean, clean_data, read_assignments, read_text
from plugins.module_utils.system.subprocess_worker import run_apart


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        ("  a\tb\n", "a b"),
        (b"\xff\xfeA", "��A"),
        ("a\x00\x1b[31mb\u2028c\ud800d", "a [31mb c d"),
        (None, "None"),
        ("", ""),
    ],
)
def test_clean(value: object, text: str) -> None:
    assert clean(value) == text


def test_texts_are_bounded() -> None:
    assert len(clean("x" * 10**6)) == 256
    assert len(clean("\n" * 10**6 + "x")) == 0


def test_data_is_cleaned_all_through() -> None:
    nested: dict = {}
    inner = nested
    for _ in range(50):
        inner["a"] = {}
        inner = inner["a"]
    data = clean_data(
        {"a\nb": ["x\ny", float("inf"), True, 3, b"z", {"k": object}], "deep": nested}
    )

    assert data["a b"][:5] == ["x y", 0.0, True, 3, "z"]
    assert len(json.dumps(data)) < 1000


def test_reading_what_is_not_there(tmp_path: Path) -> None:
    assert read_text(str(tmp_path / "none"), "default") == "default"
    assert read_text(str(tmp_path), "default") == "default"
    assert read_text("\0", "default") == "default"


def test_assignments(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b'A=1\n# B=2\nC="x y"\nD\n=\nE=\xff\n')

    assert read_assignments(str(tmp_path / "f")) == {"A": "1", "C": "x y", "": "", "E": "�"}


def test_jobs_answer_by_name_and_failures_are_missing() -> None:
    def fail() -> None:
        raise OSError("dead disk")

    jobs = {f"job {number}": lambda number=number: number for number in range(200)}
    answers = run_apart({**jobs, "bad": fail, "none": lambda: None, "object": object}, 10.0)

    assert answers == {f"job {number}": number for number in range(200)}
    assert run_apart({}, 1.0) == {}


def test_a_job_that_hangs_does_not_hold_up_the_others(tmp_path: Path) -> None:
    fifo = tmp_path / "never"
    os.mkfifo(fifo)
    began = time.monotonic()
    answers = run_apart({"hangs": lambda: fifo.read_text(), "works": lambda: "x" * 10**6}, 0.5)

    assert answers == {"works": "x" * 10**6}
    assert time.monotonic() - began < 30


def test_a_helper_has_nothing_of_its_callers(tmp_path: Path) -> None:
    """One that hangs in the kernel stays behind, and would keep the locks of the host."""
    with HostLock(5.0, str(tmp_path)) as lock:
        answers = run_apart({"open": lambda: _open_files(), "null": lambda: _open_files()[:3]}, 5.0)
        assert os.fstat(lock.descriptor)

    assert answers["null"] == ["/dev/null"] * 3
    assert [name for name in answers["open"] if str(tmp_path) in name] == []
    assert len(answers["open"]) == 4


def _open_files() -> List[str]:
    found = []
    for number in range(64):
        with contextlib.suppress(OSError):
            found.append(os.readlink(f"/proc/self/fd/{number}"))
    return found


def test_a_helper_that_dies_loses_only_its_answers() -> None:
    assert run_apart({"dies": lambda: os.kill(os.getpid(), signal.SIGKILL)}, 5.0) == {}


def test_programs() -> None:
    assert run(["/bin/sh", "-c", "echo out; echo err >&2"], 5).out == "out\n"
    failed = run(["/bin/sh", "-c", "echo why >&2; exit 3"], 5)
    assert failed.problem == "/bin/sh ended with status 3"
    assert last_line(failed.err) == "why"
    assert run(["/no/such/program"], 5).problem == "program is not installed"
    assert "cannot be started" in run(["/"], 5).problem
    assert find_program("no-such-program") == ""


def test_a_program_is_stopped_with_all_that_it_started() -> None:
    began = time.monotonic()
    answer = run(["/bin/sh", "-c", "sleep 60 & sleep 60"], 0.2)

    assert answer.problem == "/bin/sh did not end within 0.2 s"
    assert time.monotonic() - began < 30


def test_bytes_that_are_no_text_are_read() -> None:
    assert run(["/bin/sh", "-c", r"printf '\377x'"], 5).out == "�x"
