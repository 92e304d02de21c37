"""Jobs as people and programs read them: a table, the details of one, as text or data."""

from __future__ import annotations

import datetime
from typing import Any, Dict, Iterable, List, Optional

from adapter import tables
from adapter.engine.completion import Completion
from adapter.engine.model import HostOutcome, JobRecord, JobStatus
from adapter.errors import NotReady

LAST = "last"
COLUMNS = ("ID", "STATUS", "PROGRESS", "HOSTS", "STARTED", "TOOK", "SUMMARY")


def listed(records: Iterable[JobRecord], *, everything: bool = False) -> List[JobRecord]:
    """Return jobs from old to new; without ``everything`` not the reads that went well."""
    kept = [
        record
        for record in records
        if everything or record.request.changes or record.status is not JobStatus.SUCCEEDED
    ]
    return kept[::-1]


def meant(records: Iterable[JobRecord], job_id: str) -> str:
    """Return the id of a job; ``last`` means the newest one that is listed. Raises ``NotReady``."""
    if job_id != LAST:
        return job_id
    found = listed(records)
    if not found:
        raise NotReady("There is no job yet.", "`ceph orch host add NAME ADDR` makes the first.")
    return found[-1].id


def row(record: JobRecord) -> Dict[str, Any]:
    """Return the short form of a job; times in ISO 8601, ``seconds`` from start to end."""
    return {
        "id": record.id,
        "operation": record.request.operation,
        "status": record.status.value,
        "progress": round(record.progress, 3),
        "hosts": record.request.hosts,
        "actor": record.request.actor,
        "summary": record.request.summary,
        "message": record.message,
        "created": _iso(record.created),
        "started": _iso(record.started),
        "finished": _iso(record.finished),
        "seconds": _seconds(record),
    }


def details(completion: Completion) -> Dict[str, Any]:
    """Return all of a job: the short form, the command by hand and the outcome per host."""
    record = completion.record
    outcomes = {
        host: completion.outcomes.get(host, HostOutcome()).to_json(with_result=False)
        for host in record.request.hosts
    }
    return {
        **row(record),
        "check": record.request.check,
        "changes": record.request.changes,
        "deadline_seconds": record.request.timeout,
        "controller": record.controller,
        "command": record.command,
        "no_command": "" if record.command else record.no_command or _why_no_command(record),
        "outcomes": outcomes,
    }


def table(rows: List[Dict[str, Any]]) -> str:
    """Return jobs as a table."""
    if not rows:
        return "No jobs"
    lines = [
        (
            each["id"],
            each["status"],
            f"{each['progress']:.0%}",
            _short(each["hosts"]),
            (each["started"] or "-")[:19],
            "-" if each["seconds"] is None else f"{each['seconds']:.1f}s",
            _what(each),
        )
        for each in rows
    ]
    return "\n".join(line.rstrip() for line in tables.table(COLUMNS, lines).splitlines())


def text(data: Dict[str, Any]) -> str:
    """Return the details of a job as lines."""
    lines = [
        f"Job       {data['id']}",
        f"What      {data['summary']} ({data['operation']}{', check' if data['check'] else ''})",
        f"Who       {data['actor']} on {data['controller']}",
        f"Status    {data['status']}: {data['message']}",
        f"Progress  {data['progress']:.0%}",
        f"Created   {data['created']}",
        f"Started   {data['started'] or '-'}",
        f"Finished  {data['finished'] or '-'}",
        f"By hand   {data['command'] or '# ' + data['no_command']}",
        *([f"Since     {data['since']}"] if data.get("since") else []),
        "Hosts",
    ]
    for host, outcome in data["outcomes"].items():
        message = f": {outcome['message']}" if outcome["message"] else ""
        lines.append(f"  {host}  {outcome['status']}{message}")
    return "\n".join(lines)


def _why_no_command(record: JobRecord) -> str:
    """Return why a job has no command, where it was not its worker that said so."""
    if record.status is JobStatus.QUEUED:
        return "there is no command before the job begins; show it again then"
    if record.status is JobStatus.RUNNING:
        return "the job is just beginning; show it again"
    return "the job did not begin, so there is nothing to repeat; ask for the same again"


def _what(row: Dict[str, Any]) -> str:
    """Return what a job does; of one that is queued also what it waits for."""
    reason = row["message"].partition("; ")[2] if row["status"] == JobStatus.QUEUED.value else ""
    return f"{row['summary']} ({reason})" if reason else str(row["summary"])


def _short(hosts: List[str]) -> str:
    return ",".join(hosts) if len(hosts) <= 3 else f"{hosts[0]} and {len(hosts) - 1} more"


def _iso(moment: Optional[float]) -> Optional[str]:
    if moment is None:
        return None
    stamp = datetime.datetime.fromtimestamp(moment, tz=datetime.timezone.utc)
    return stamp.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _seconds(record: JobRecord) -> Optional[float]:
    if record.started is None or record.finished is None:
        return None
    return round(record.finished - record.started, 3)
