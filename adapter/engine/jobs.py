"""Job directories: one per job, what is in them, how long they stay.

The lock of a job is held from the directory's creation to the job's end: by the parent while the
job is queued, by the worker (which inherits it) from its start. So who can take the lock of a job
without a result knows that nobody looks after it any more, and there is no moment between.
"""

from __future__ import annotations

import calendar
import contextlib
import json
import os
import re
import secrets
import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence

from adapter.engine.files import (
    PathLike,
    private_dir,
    read_json,
    reserve,
    try_lock,
    write_json,
    write_private,
    write_reserved,
)
from adapter.engine.model import JobRecord, JobStatus, Request
from adapter.engine.outcomes import read_outcomes, without_results

JOB_ID = re.compile(r"[0-9]{8}T[0-9]{6}-[a-z][a-z0-9_]*-[0-9a-f]{4}")
_UNFINISHED = ".new-"
_REMOVED = ".gone-"
_STALE_AFTER = 3600.0
_CHUNK = 4 * 1024 * 1024
# What a result takes on disk, without and per host.
_RESULT_BYTES = 8192
_RESULT_BYTES_PER_HOST = 512


@dataclass(frozen=True)
class Keep:
    """How much of finished jobs is kept: at most so many, so many bytes, so many seconds."""

    count: int = 200
    bytes: int = 512 * 1024 * 1024
    age: float = 30 * 86400.0


@dataclass(frozen=True)
class JobDir:
    """The files of one job; see docs/architecture.md, section "A job"."""

    path: Path

    @property
    def id(self) -> str:
        """Return the job's id."""
        return self.path.name

    def file(self, name: str) -> Path:
        """Return the path of one of the files."""
        return self.path / name

    @property
    def has_result(self) -> bool:
        """Tell whether the job has ended."""
        return self.file("result.json").exists()

    @property
    def secrets(self) -> Path:
        """Return the directory of the files that are gone when the job has ended."""
        return self.file("secrets")

    def drop_secrets(self) -> None:
        """Remove the secrets."""
        shutil.rmtree(self.secrets, ignore_errors=True)

    def try_lock(self) -> Optional[int]:
        """Return a descriptor that holds the job's lock, or None if somebody else does."""
        return try_lock(self.file("lock"))

    def request(self) -> Optional[Request]:
        """Return what was asked for, or None where that cannot be read."""
        data = read_json(self.file("request.json"))
        try:
            return Request.from_json(data["request"])
        except (AttributeError, KeyError, TypeError, ValueError):
            return None

    def last_sign(self) -> Optional[float]:
        """Return when the job has ended, or else has said something last (epoch seconds)."""
        for name in ("result.json", "events.jsonl"):
            with contextlib.suppress(OSError):
                return self.file(name).stat().st_mtime
        return None

    @property
    def is_abandoned(self) -> bool:
        """Tell whether neither a worker nor a parent holds the job, or it is not there at all."""
        descriptor = self.try_lock()
        if descriptor is None:
            return not self.path.exists()
        os.close(descriptor)
        return True

    def renew_lease(self) -> None:
        """Tell the worker that its parent lives."""
        with contextlib.suppress(OSError):
            os.utime(self.file("lease"))

    def ask_to_stop(self) -> bool:
        """Tell the worker to stop; return whether it could be told."""
        try:
            self.file("cancel").touch(mode=0o600)
        except OSError:
            return False
        return True

    def write_result(self, data: Mapping[str, Any]) -> None:
        """Write the result; the room for it was reserved with the job. Raises ``OSError``."""
        write_reserved(self.file("reserve"), self.file("result.json"), data)

    def drop_work(self) -> None:
        """Remove what only a running job needs."""
        for name in ("runner", "tmp"):
            path = self.file(name)
            if path.is_symlink():
                shutil.rmtree(os.readlink(path), ignore_errors=True)
                with contextlib.suppress(OSError):
                    path.unlink()
            shutil.rmtree(path, ignore_errors=True)

    def write_record(
        self,
        record: JobRecord,
        marker: str,
        pid: Optional[int],
        started_at: Optional[float] = None,
    ) -> None:
        """Write the record without variables and results; an error is left to the next time.

        ``started_at`` is the monotonic time of the start, which outlives a changed clock.
        """
        data = record_to_json(record)
        data.update(marker=marker, pid=pid, started_at=started_at)
        with contextlib.suppress(OSError):
            write_json(self.file("record.json"), data)

    def size(self) -> int:
        """Return the bytes of all files."""
        total = 0
        for directory, _, names in os.walk(self.path):
            for name in names:
                with contextlib.suppress(OSError):
                    total += os.lstat(os.path.join(directory, name)).st_size
        return total


class JobDirs:
    """All job directories of a state directory."""

    def __init__(self, root: PathLike) -> None:
        self.root = private_dir(Path(root))

    def ids(self) -> List[str]:
        """Return the ids of all jobs, the oldest first."""
        return sorted(name for name in os.listdir(self.root) if JOB_ID.fullmatch(name))

    def get(self, job_id: str) -> Optional[JobDir]:
        """Return a job's directory if there is one."""
        if not JOB_ID.fullmatch(job_id) or not (self.root / job_id).is_dir():
            return None
        return JobDir(self.root / job_id)

    def create(
        self,
        record: JobRecord,
        settings: Mapping[str, Any],
        marker: str,
        more: Mapping[str, str] = MappingProxyType({}),
    ) -> JobDir:
        """Make the directory of a new job, complete with request, record and lease.

        It gets its name only when everything is in it; ``more`` are further files. Raises
        ``OSError``, ``FileExistsError`` for an id that is taken.
        """
        if (self.root / record.id).exists():
            raise FileExistsError(record.id)
        temporary = private_dir(self.root / f"{_UNFINISHED}{record.id}")
        try:
            self._fill(JobDir(temporary), record, settings, marker)
            for name, text in more.items():
                write_private(temporary / name, text, lasting=True)
            temporary.rename(self.root / record.id)
        except BaseException:
            # A full disk would else fill up with what was tried on it, the secrets too.
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        return JobDir(self.root / record.id)

    def _fill(
        self, job: JobDir, record: JobRecord, settings: Mapping[str, Any], marker: str
    ) -> None:
        write_json(job.file("request.json"), {"request": record.request.to_json(), **settings})
        write_json(
            job.file("record.json"), {**record_to_json(record), "marker": marker, "pid": None}
        )
        for name in ("lock", "lease"):
            job.file(name).touch(mode=0o600)
        for name, text in record.request.secrets.items():
            write_private(private_dir(job.secrets) / name, text)
        hosts = len(record.request.targets)
        reserve(job.file("reserve"), _RESULT_BYTES + _RESULT_BYTES_PER_HOST * hosts)

    def remove(self, job_id: str, *, ended: bool = False) -> bool:
        """Remove a finished job; tell whether it is gone. One that is held stays.

        ``ended`` says that the job has ended although it could not leave a result.
        """
        job = self.get(job_id)
        if job is None:
            return True
        if not (ended or job.has_result) or not job.is_abandoned:
            return False
        gone = self.root / f"{_REMOVED}{job_id}"
        try:
            job.path.rename(gone)
        except OSError:
            return False
        shutil.rmtree(gone, ignore_errors=True)
        return True

    def sweep(self) -> None:
        """Remove what an earlier process left half made or half removed."""
        for name in os.listdir(self.root):
            if name.startswith((_UNFINISHED, _REMOVED)):
                path = self.root / name
                with contextlib.suppress(OSError):
                    if time.time() - path.stat().st_mtime > _STALE_AFTER:
                        shutil.rmtree(path, ignore_errors=True)


class Tail:
    """Read the whole lines of a growing file of JSON lines, each once.

    What is no JSON is left out. The file may be missing.
    """

    def __init__(self, path: PathLike) -> None:
        self._path = path
        self._offset = 0

    def read(self) -> List[Any]:
        """Return what is new, at most some megabytes at a time; nothing new gives no line."""
        try:
            size = os.stat(self._path).st_size
            if size <= self._offset:
                return []
            data = self._whole_lines(size - self._offset)
        except OSError:
            return []
        self._offset += len(data)
        return [event for event in map(_parsed, data.splitlines()) if event is not None]

    def read_all(self) -> Iterable[Any]:
        """Yield everything that is new."""
        while True:
            offset = self._offset
            yield from self.read()
            if self._offset == offset:
                return

    def _whole_lines(self, available: int) -> bytes:
        with open(self._path, "rb") as handle:
            handle.seek(self._offset)
            data = handle.read(min(available, _CHUNK))
            while b"\n" not in data[-_CHUNK:] and len(data) < available:
                data += handle.read(_CHUNK)
        return data[: data.rfind(b"\n") + 1]


def new_id(operation: str, now: float) -> str:
    """Return an id that sorts by time and is safe as a file name."""
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime(now))
    return f"{stamp}-{operation}-{secrets.token_hex(2)}"


def surplus(
    finished: Sequence[JobRecord], sizes: Mapping[str, int], keep: Keep, now: float
) -> List[str]:
    """Return the ids of the finished jobs that are too many, too large together, or too old.

    They are given in the order in which they ended: by their times, the newest job would be the
    oldest after the clock was set back.
    """
    gone: List[str] = []
    used = 0
    for count, record in enumerate(reversed(finished), 1):
        used += sizes.get(record.id, 0)
        ended = record.finished or record.created
        if count > keep.count or used > keep.bytes or now - ended > keep.age:
            gone.append(record.id)
    return gone


def record_to_json(record: JobRecord) -> Dict[str, Any]:
    """Return a record as JSON data, without variables and the hosts' results."""
    slim = replace(record.request, variables={}, secrets={})
    return {
        "id": record.id,
        "request": slim.to_json(),
        "status": record.status.value,
        "created": record.created,
        "started": record.started,
        "finished": record.finished,
        "progress": record.progress,
        "message": record.message,
        "command": record.command,
        "no_command": record.no_command,
        "controller": record.controller,
        "outcomes": {
            host: outcome.to_json(with_result=False)
            for host, outcome in without_results(record.outcomes).items()
        },
    }


def record_from_json(data: Any) -> Optional[JobRecord]:
    """Read what ``record_to_json`` wrote, or return None if it cannot be read."""
    try:
        return JobRecord(
            id=str(data["id"]),
            request=Request.from_json(data["request"]),
            status=JobStatus(data["status"]),
            created=float(data["created"]),
            started=_time(data.get("started")),
            finished=_time(data.get("finished")),
            progress=float(data.get("progress") or 0.0),
            message=str(data.get("message") or ""),
            command=str(data.get("command") or ""),
            no_command=str(data.get("no_command") or ""),
            controller=str(data.get("controller") or ""),
            outcomes=read_outcomes(data.get("outcomes")),
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def salvaged(job: JobDir) -> Optional[JobRecord]:
    """Return the record of a job whose own is damaged (the power failed), from its request."""
    data = read_json(job.file("request.json"))
    try:
        request = Request.from_json(data["request"])
        when = calendar.timegm(time.strptime(job.id[:15], "%Y%m%dT%H%M%S"))
    except (KeyError, TypeError, ValueError):
        return None
    return JobRecord(
        id=job.id,
        request=replace(request, variables={}),
        status=JobStatus.RUNNING,
        created=float(when),
        message=f"{request.operation}: its record is damaged",
    )


def _time(value: Any) -> Optional[float]:
    return None if value is None else float(value)


def _parsed(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None
