"""What the worker writes on a disk that may be full, and files with their room reserved."""

from __future__ import annotations

import contextlib
import json
import resource
import stat
from pathlib import Path
from typing import Iterator

import pytest

from adapter.engine.files import reserve, write_reserved
from adapter.engine.job_output import Lines, Output


@contextlib.contextmanager
def small_files() -> Iterator[None]:
    """Have files of 4,000 bytes at most, which is what a full disk looks like.

    No longer than needed: what this process prints may go to a file too.
    """
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_line_that_does_not_fit_spoils_no_other(state: Path) -> None:
    path = state / "events.jsonl"
    lines = Lines(path)
    with small_files():
        lines.write({"type": "note", "text": "x" * 3000})
        with pytest.raises(OSError, match="File too large"):
            lines.write({"type": "note", "text": "y" * 3000})
        lines.write({"type": "end"})
    found = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["type"] for line in found] == ["note", "end"]


def test_a_host_that_answers_too_much_has_failed(state: Path) -> None:
    lines = Lines(state / "events.jsonl", limit=1000)
    small = {"type": "host", "host": "h1", "role": "r", "status": "ok", "result": {"a": "x" * 700}}
    assert lines.write(small) == small
    assert lines.write({**small, "host": "h2"})["status"] == "ok"
    written = lines.write(small)
    assert written["status"] == "failed"
    assert "more than 0 MB" in written["message"]
    assert "result" not in written
    assert stat.S_IMODE((state / "events.jsonl").stat().st_mode) == 0o600


def test_output_that_does_not_fit_is_left_out(state: Path) -> None:
    output = Output(state / "output.log")
    with small_files():
        for letter in "abc":
            output.write(letter * 3000)
        output.close()
    assert (state / "output.log").read_text().startswith("aaa")


def test_the_beginning_and_the_end_of_much_output(state: Path) -> None:
    output = Output(state / "output.log", limit=1000)
    output.write("first\r\n")
    output.write("x" * 5000)
    output.write("last")
    output.close()
    text = (state / "output.log").read_text()
    assert text.startswith("first\n")
    assert "[2 events are left out here]" in text
    assert text.endswith("last\n")
    assert len(text) < 400


def test_reserved_room_is_used_once(state: Path) -> None:
    room, path = state / "reserve", state / "result.json"
    reserve(room, 4096)
    assert room.stat().st_blocks * 512 >= 4096
    write_reserved(room, path, {"a": "\udcff"})
    assert json.loads(path.read_text()) == {"a": "\udcff"}
    assert not room.exists()
    write_reserved(room, path, {"b": 2})
    assert json.loads(path.read_text()) == {"b": 2}
    assert [item.name for item in state.iterdir()] == ["result.json"]
