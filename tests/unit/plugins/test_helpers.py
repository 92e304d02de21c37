"""Reading, helper processes and programs hold their bounds."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from plugins.module_utils.apart import run_apart
from plugins.module_utils.command import find_program, last_line, run
from plugins.module_utils.reading import clean, clean_data, read_assignments, read_text
from plugins.module_utils.record import (
    claimed_by_other,
    encode_record,
    make_record,
    read_record,
    write_record,
)


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


def test_a_helper_that_dies_loses_only_its_answers() -> None:
    assert run_apart({"dies": lambda: os.kill(os.getpid(), signal.SIGKILL)}, 5.0) == {}


def test_programs() -> None:
    assert run(["/bin/sh", "-c", "echo out; echo err >&2"], 5).out == "out\n"
    failed = run(["/bin/sh", "-c", "echo why >&2; exit 3"], 5)
    assert failed.problem == "/bin/sh ended with status 3"
    assert last_line(failed.err) == "why"
    assert "cannot be started" in run(["/no/such/program"], 5).problem
    assert find_program("no-such-program") == ""


def test_a_program_is_stopped_with_all_that_it_started() -> None:
    began = time.monotonic()
    answer = run(["/bin/sh", "-c", "sleep 60 & sleep 60"], 0.2)

    assert answer.problem == "/bin/sh did not end within 0.2 s"
    assert time.monotonic() - began < 30


def test_bytes_that_are_no_text_are_read() -> None:
    assert run(["/bin/sh", "-c", r"printf '\377x'"], 5).out == "�x"


def test_records(tmp_path: Path) -> None:
    path = str(tmp_path / "var/host.json")
    record = make_record("h1", "192.0.2.1", ["b", "a", "b"], "fsid-1")
    write_record(path, record)

    assert read_record(path) == record
    assert record["labels"] == ["a", "b"]
    assert os.stat(path).st_mode & 0o777 == 0o644
    assert os.listdir(tmp_path / "var") == ["host.json"]
    assert encode_record(None) == ""


@pytest.mark.parametrize("text", ["", "null", "[]", "{", '"x"'])
def test_what_is_no_record_is_none(text: str, tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text(text)

    assert read_record(str(tmp_path / "host.json")) is None


@pytest.mark.parametrize(
    ("record", "cluster", "other"),
    [
        (None, "a", ""),
        ({"cluster": "a"}, "a", ""),
        ({"cluster": "b"}, "a", "b"),
        ({"cluster": "b"}, "", "b"),
        ({"cluster": ""}, "", ""),
        ({"cluster": ""}, "a", ""),
        ({"cluster": None}, "a", ""),
        ({}, "a", ""),
    ],
)
def test_a_host_of_another_cluster_is_noticed(record: dict, cluster: str, other: str) -> None:
    assert claimed_by_other(record, cluster) == other
