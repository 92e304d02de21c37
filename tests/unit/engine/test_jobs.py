"""Job directories, their record, the tail of the events, what is kept."""

from __future__ import annotations

import json
import os
import stat
import time
from dataclasses import replace
from pathlib import Path

import pytest

from adapter.engine.files import read_json, try_lock, write_if_changed, write_json
from adapter.engine.jobs import (
    JobDirs,
    Keep,
    Tail,
    new_id,
    record_from_json,
    record_to_json,
    salvaged,
    surplus,
)
from adapter.engine.model import HostOutcome, HostStatus, JobRecord, JobStatus, Request
from tests.unit.engine.harness import local

NOW = 1_795_410_720.0
REQUEST = Request("get_report", local("h1"), {"key": "secret"}, phases=("a",))


def record(number: int = 0, **settings: object) -> JobRecord:
    name = f"20261123T0512{number:02d}-get_report-3f2a"
    values = JobRecord(name, REQUEST, JobStatus.SUCCEEDED, NOW + number)
    return replace(values, **settings)


def test_ids_sort_by_time_and_are_safe(state: Path) -> None:
    first, second = new_id("get_report", NOW), new_id("get_report", NOW + 1)
    assert first.startswith("20261123T051200-get_report-")
    assert first < second
    assert JobDirs(state).get(first) is None


def test_a_new_directory_is_complete_and_private(state: Path) -> None:
    dirs = JobDirs(state / "jobs")
    job = dirs.create(record(), {"content_root": "/x"}, "mark")
    assert dirs.ids() == [job.id]
    assert dirs.get(job.id) == job
    assert stat.S_IMODE(job.path.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in job.path.iterdir()} == {0o600}
    request = read_json(job.file("request.json"))
    assert Request.from_json(request["request"]) == REQUEST
    assert request["content_root"] == "/x"
    assert "secret" not in job.file("record.json").read_text()
    assert job.size() > 100


def test_records_survive_json() -> None:
    outcomes = {"h1": HostOutcome(HostStatus.FAILED, "why", {"big": 1})}
    before = record(started=NOW, finished=NOW + 1, message="m", outcomes=outcomes)
    after = record_from_json(json.loads(json.dumps(record_to_json(before))))
    assert after is not None
    assert after.request == replace(REQUEST, variables={})
    assert after.outcomes["h1"] == HostOutcome(HostStatus.FAILED, "why")
    assert replace(after, request=REQUEST, outcomes={}) == replace(before, outcomes={})
    for damaged in (None, [], {}, {"id": "x"}, {**record_to_json(before), "status": "odd"}):
        assert record_from_json(damaged) is None


def test_the_lock_tells_whether_somebody_cares(state: Path) -> None:
    job = JobDirs(state).create(record(), {}, "mark")
    held = job.try_lock()
    assert held is not None
    assert not job.is_abandoned
    assert job.try_lock() is None
    os.close(held)
    assert job.is_abandoned
    assert try_lock(state / "missing" / "lock") is None


def test_only_ended_and_released_jobs_are_removed(state: Path) -> None:
    dirs = JobDirs(state)
    job = dirs.create(record(), {}, "mark")
    assert not dirs.remove(job.id), "it has no result"
    write_json(job.file("result.json"), {})
    held = job.try_lock()
    assert not dirs.remove(job.id), "it is held"
    os.close(held or 0)
    assert dirs.remove(job.id)
    assert dirs.ids() == []
    assert dirs.remove(job.id)
    assert not dirs.remove("../../etc") or True


def test_leftovers_are_swept_when_they_are_old(state: Path) -> None:
    dirs = JobDirs(state)
    old, new = state / ".new-old", state / ".gone-new"
    for path in (old, new):
        path.mkdir()
    os.utime(old, (1, 1))
    dirs.sweep()
    assert (old.exists(), new.exists()) == (False, True)


def test_the_tail_gives_whole_lines_once(state: Path) -> None:
    path = state / "events.jsonl"
    tail = Tail(path)
    assert tail.read() == []
    with open(path, "wb") as file:
        file.write(b'{"a": 1}\nno json\n\xff\xfe\n{"b"')
        file.flush()
        assert tail.read() == [{"a": 1}]
        assert tail.read() == []
        file.write(b": 2}\n")
        file.flush()
        assert tail.read() == [{"b": 2}]
        file.write(json.dumps({"big": "x" * 9_000_000}).encode() + b'\n{"c": 3}\n')
        file.flush()
        assert [sorted(event) for event in tail.read_all()] == [["big"], ["c"]]
        assert list(tail.read_all()) == []


def test_what_is_too_much() -> None:
    records = [record(number, finished=NOW + number) for number in range(5)]
    sizes = {job.id: 10 for job in records}
    ids = [job.id for job in reversed(records)]
    now = NOW + 5
    assert surplus(records, sizes, Keep(), now) == []
    assert surplus(records, sizes, Keep(count=2), now) == ids[2:]
    assert surplus(records, sizes, Keep(bytes=35), now) == ids[3:]
    assert surplus(records, sizes, Keep(age=1.5), now) == ids[1:]


def test_what_is_too_much_goes_by_the_order_and_not_by_the_clock() -> None:
    records = [record(1, finished=NOW), record(0, finished=NOW - 5)]
    assert surplus(records, {}, Keep(count=1), NOW) == [records[0].id]


def test_a_job_that_cannot_be_made_leaves_nothing(state: Path) -> None:
    dirs = JobDirs(state)
    secret = replace(REQUEST, secrets={"a": "x", "no/such/directory": "y"})
    with pytest.raises(OSError, match="directory"):
        dirs.create(replace(record(), request=secret), {}, "mark")
    assert list(state.iterdir()) == []


def test_a_damaged_record_is_made_anew_from_the_request(state: Path) -> None:
    job = JobDirs(state).create(record(), {}, "mark")
    job.file("record.json").write_bytes(b"")
    found = salvaged(job)
    assert found is not None
    assert (found.id, found.request.hosts, found.status) == (job.id, REQUEST.hosts, "running")
    assert time.strftime("%Y%m%dT%H%M%S", time.gmtime(found.created)) == job.id[:15]
    job.file("request.json").write_bytes(b"")
    assert salvaged(job) is None


def test_files_are_written_when_they_change(state: Path) -> None:
    path = state / "file"
    assert write_if_changed(path, "a")
    assert not write_if_changed(path, "a")
    assert write_if_changed(path, "b")
    path.chmod(0o644)
    assert write_if_changed(path, "b")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [item.name for item in state.iterdir()] == ["file"]
