"""What the engine is asked for and what it answers, as plain data.

All of it can be written to and read from JSON; nothing here starts or reads anything.
"""

from __future__ import annotations

import enum
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Dict, List, Mapping, Optional, Tuple

# How the message of a job begins that was dropped for a newer one.
OVERTAKEN = "overtaken: "


@dataclass(frozen=True)
class Target:
    """A host as the engine reaches it.

    ``connection`` is ``ssh`` or ``local`` (this very machine, for the quick start). With
    ``invoker`` the user may run nothing as root but the invoker.
    """

    name: str
    addr: str
    port: int = 22
    user: str = "root"
    connection: str = "ssh"
    python: str = "/usr/bin/python3"
    invoker: bool = False


@dataclass(frozen=True)
class Request:
    """One playbook to be run on exactly the given hosts.

    ``operation`` is the method's name and the playbook's stem. ``variables`` are data: they reach
    Ansible marked unsafe. ``phases`` are the playbook's roles in order; progress is counted by
    them. ``timeout`` is in seconds from the start. ``changes`` says that the job takes the
    writer's lease of its hosts: two such jobs never run on one host at the same time.
    ``actor`` is who asked, ``summary`` one line of what for. ``secrets`` are texts by file name:
    the job finds them as files of its own user until it ends, and they are in no record.
    """

    operation: str
    targets: Tuple[Target, ...]
    variables: Mapping[str, Any] = field(default_factory=dict)
    phases: Tuple[str, ...] = ()
    check: bool = False
    diff: bool = False
    timeout: float = 600.0
    changes: bool = True
    actor: str = ""
    summary: str = ""
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def hosts(self) -> List[str]:
        """Return the names of the hosts in scope, in order."""
        return [target.name for target in self.targets]

    def to_json(self) -> Dict[str, Any]:
        """Return the request as JSON data, without the secrets."""
        data = asdict(replace(self, secrets={}))
        del data["secrets"]
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Request:
        """Read what ``to_json`` wrote; unknown keys of a later version are left out."""
        known = {f.name for f in fields(cls)}
        values = {key: value for key, value in data.items() if key in known}
        values["targets"] = tuple(Target(**target) for target in data["targets"])
        values["phases"] = tuple(data.get("phases", ()))
        return cls(**values)


class JobStatus(str, enum.Enum):
    """The state of a job; all but QUEUED and RUNNING are final."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed out"
    LOST = "lost"

    @property
    def final(self) -> bool:
        """Tell whether nothing can follow."""
        return self not in (JobStatus.QUEUED, JobStatus.RUNNING)


class HostStatus(str, enum.Enum):
    """What became of one host in a job."""

    WAITING = "waiting"
    OK = "ok"
    CHANGED = "changed"
    FAILED = "failed"
    UNREACHABLE = "unreachable"
    NO_RESULT = "no result"

    @property
    def good(self) -> bool:
        """Tell whether the host did what was asked."""
        return self in (HostStatus.OK, HostStatus.CHANGED)


@dataclass(frozen=True)
class HostOutcome:
    """What one host answered.

    ``result`` is what the playbook published for it (merged by key), ``message`` says why it
    failed, ``diff`` is what check mode or ``--diff`` showed.
    """

    status: HostStatus = HostStatus.WAITING
    message: str = ""
    result: Mapping[str, Any] = field(default_factory=dict)
    diff: Tuple[Any, ...] = ()

    def to_json(self, *, with_result: bool = True) -> Dict[str, Any]:
        """Return the outcome as JSON data, without the (large) result if so wished."""
        data: Dict[str, Any] = {"status": self.status.value, "message": self.message}
        if with_result:
            data["result"] = dict(self.result)
        if self.diff:
            data["diff"] = list(self.diff)
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> HostOutcome:
        """Read what ``to_json`` wrote."""
        return cls(
            status=HostStatus(data["status"]),
            message=str(data.get("message", "")),
            result=dict(data.get("result") or {}),
            diff=tuple(data.get("diff") or ()),
        )


@dataclass(frozen=True)
class JobRecord:
    """A job as it is known now. Times are seconds since the epoch.

    ``progress`` goes from 0.0 to 1.0 and never back. ``message`` says what is being done or how
    it ended. ``command`` is what an operator types to run the same by hand; where there is no such
    command, ``no_command`` says why. ``controller`` names the machine whose process runs it.
    """

    id: str
    request: Request
    status: JobStatus
    created: float
    started: Optional[float] = None
    finished: Optional[float] = None
    progress: float = 0.0
    message: str = ""
    command: str = ""
    no_command: str = ""
    controller: str = ""
    outcomes: Mapping[str, HostOutcome] = field(default_factory=dict)

    @property
    def never_began(self) -> bool:
        """Tell whether the job has ended and no host was told of it."""
        return self.status.final and self.started is None

    @property
    def is_overtaken(self) -> bool:
        """Tell whether the job was dropped before it began, for a newer one does its work."""
        return self.status is JobStatus.CANCELLED and self.message.startswith(OVERTAKEN)
