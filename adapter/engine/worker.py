"""The child process that runs one job: ``python -m adapter.engine.worker JOBDIR [LOCK]``.

LOCK is the number of an inherited descriptor that holds the job's lock. Whatever happens in here,
``result.json`` is there at the end; what cannot be caught (SIGKILL) is seen by the parent because
the lock is free.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional, Sequence, Union

from adapter.engine import outcomes as words
from adapter.engine.by_hand import by_hand, job_variables
from adapter.engine.doing import Doing
from adapter.engine.encode import write_inventory, write_variables
from adapter.engine.files import read_json, try_lock
from adapter.engine.jobs import JobDir
from adapter.engine.model import HostOutcome, HostStatus, JobStatus, Request
from adapter.engine.playbook_run import PlaybookRun, playbook_path, program
from adapter.engine.processes import MARK
from adapter.engine.remote import end_on_hosts, why_unreachable
from adapter.engine.watchdog import Stop, Watchdog

if TYPE_CHECKING:
    from adapter.engine.awx_run import AwxRun

Run = Union[PlaybookRun, "AwxRun"]

_BUSY = 3
_UNUSABLE = 4
_LEFT = 5
_PR_SET_CHILD_SUBREAPER = 36


def main(arguments: Sequence[str]) -> int:
    """Run the job; return the exit status, which nobody needs: the result is in the file."""
    job = Path(arguments[0]).absolute()
    lock = int(arguments[1]) if len(arguments) > 1 else try_lock(job / "lock")
    if lock is None:
        sys.stderr.write(f"{job.name} is run by another process\n")
        return _BUSY
    os.set_inheritable(lock, False)
    settings = read_json(job / "request.json")
    try:
        request = Request.from_json(settings["request"])
    except (KeyError, TypeError, ValueError):
        result: Dict[str, Any] = {"status": "failed", "message": "request.json cannot be read"}
        JobDir(job).write_result({**result, "rc": None, "outcomes": {}})
        return _UNUSABLE
    result = _failed(request, "the worker ended before the playbook")
    try:
        result = run_job(job, request, settings)
    except OSError as error:
        result = _failed(request, f"{error.filename or job}: {error.strerror}")
    except (Exception, SystemExit) as error:  # noqa: BLE001 - there is always a result
        traceback.print_exc()
        result = _failed(request, words.one_line(f"{type(error).__name__}: {error}"))
    finally:
        JobDir(job).drop_secrets()
        if result:
            JobDir(job).write_result(result)
    if not result:
        return _LEFT
    return 0 if result["status"] == JobStatus.SUCCEEDED.value else 1


def run_job(job: Path, request: Request, settings: Mapping[str, Any]) -> Dict[str, Any]:
    """Run the playbook and return the result's data; nothing of a job that goes on elsewhere."""
    marker = str(settings["marker"])
    os.environ[MARK] = marker
    # It led Python here; in ansible-playbook's it would lead to ceph-mgr's modules.
    os.environ.pop("PYTHONPATH", None)
    _adopt_orphans()
    if "awx" in settings:
        return _run_in_awx(job, request, settings)
    watchdog = _watch(job, request.timeout, settings)
    write_inventory(job / "inventory.yml", request, marker)
    write_variables(job / "vars.yml", {**request.variables, **job_variables(job)})
    line = by_hand(job, settings, request, playbook=playbook_path(request), program=program())
    run = PlaybookRun(
        job,
        request,
        settings,
        stopping=lambda: watchdog.is_stopping,
        must_kill=watchdog.must_kill,
    )
    run.lines.write({"type": "start", "pid": os.getpid(), **line})
    doing = Doing(
        request.targets,
        str(settings["ssh_config"]),
        lambda: run.reader.busy,
        lambda host, text: _tell(run, host, text),
    )
    if not watchdog.is_stopping:
        if request.changes:
            doing.start()
        run.run()
    doing.finish()
    watchdog.finish()
    if watchdog.stop is not None and watchdog.is_left:
        run.take_back_lost(watchdog.stop.when)
    if watchdog.stop is not None or run.was_cut_off:
        watchdog.sweep()
        busy = [target for target in request.targets if target.name in run.reader.busy]
        end_on_hosts(busy, settings["ssh_config"], marker)
    elif run.reader.unexplained:
        silent = [target for target in request.targets if target.name in run.reader.unexplained]
        for host, reason in why_unreachable(silent, settings["ssh_config"]).items():
            run.progress.outcomes[host] = HostOutcome(HostStatus.UNREACHABLE, reason)
    cut_at = watchdog.stop.when if watchdog.stop is not None else watchdog.orphaned_at
    result = conclude(request, run, watchdog.stop, cut_at)
    with contextlib.suppress(OSError):
        run.lines.write({"type": "end", "status": result["status"]})
    return {**result, **line}


def _run_in_awx(job: Path, request: Request, settings: Mapping[str, Any]) -> Dict[str, Any]:
    """Run the playbook in AWX and return the result's data, or nothing where it goes on there."""
    # Here and not above: it costs 0.05 s, which jobs on this machine need not pay.
    from adapter.engine.awx_run import BY_HAND, AwxRun, seconds_left

    # Nothing of the job runs here; who follows it in AWX beside this process has its marker, too.
    watchdog = _watch(job, seconds_left(job, request, settings), {**settings, "marker": ""})
    leaves = bool(settings.get("leaves"))
    run = AwxRun(
        job,
        request,
        settings,
        stopping=lambda: watchdog.is_stopping,
        leaving=lambda: leaves and watchdog.is_left,
    )
    line = {"command": "", "no_command": BY_HAND}
    run.lines.write({"type": "start", "pid": os.getpid(), **line})
    # Also where it is to end at once: an earlier worker may have launched it.
    run.run()
    watchdog.finish()
    if run.has_left:
        return {}
    stop = run.cut_by(watchdog.stop)
    if request.changes and (stop is not None or run.was_cut_off):
        busy = [target for target in request.targets if target.name in run.reader.busy]
        end_on_hosts(busy or request.targets, settings["ssh_config"], str(settings["marker"]))
    result = conclude(request, run, stop, None)
    with contextlib.suppress(OSError):
        run.lines.write({"type": "end", "status": result["status"]})
    return {**result, **line}


def _watch(job: Path, seconds: float, settings: Mapping[str, Any]) -> Watchdog:
    """Start the watchdog of a job that may take so many seconds."""
    watchdog = Watchdog(job, seconds, float(settings["lease"]), str(settings["marker"]))
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: watchdog.signalled())
    watchdog.start()
    return watchdog


def _tell(run: PlaybookRun, host: str, text: str) -> None:
    run.lines.write({"type": "doing", "host": host, "text": text})


def conclude(
    request: Request, run: Run, stop: Optional[Stop], cut_at: Optional[float]
) -> Dict[str, Any]:
    """Return the result's data from what is known of a run that is over, or was cut off."""
    outcomes = words.settle(
        request,
        _forgive(run),
        run.progress.published,
        reason=f"{stop.message} before this host answered" if stop else _why_no_result(run),
        interrupted=stop is not None or run.was_cut_off,
        through=run.through(cut_at),
        at=run.reader.busy,
    )
    code = run.return_code
    if stop is not None:
        status, message = stop.status, stop.message
    elif run.was_killed or (run.was_cut_off and run.progress.published):
        status, message = JobStatus.FAILED, _gave_up(run)
    elif any(not outcome.status.good for outcome in outcomes.values()):
        status = JobStatus.FAILED
        message = words.describe_end(status, outcomes)
    elif code == 0 or (code is None and run.reader.has_stats):
        status = JobStatus.SUCCEEDED
        message = words.describe_end(status, outcomes)
    else:
        status, message = JobStatus.FAILED, _gave_up(run)
    return _result(status, message, code, outcomes)


def _forgive(run: Run) -> Dict[str, HostOutcome]:
    """Return the outcomes without failures that the playbook itself dealt with."""
    outcomes = dict(run.progress.outcomes)
    for host in run.reader.forgiven & run.progress.published:
        outcomes[host] = HostOutcome(
            HostStatus.CHANGED if host in run.progress.changed else HostStatus.OK
        )
    return outcomes


def _why_no_result(run: Run) -> str:
    if not run.reader.has_stats:
        return _gave_up(run)
    if run.event_error:
        return run.event_error
    if run.reader.no_hosts_matched:
        return "the playbook matched no hosts"
    return "the playbook published no result for this host"


def _gave_up(run: Run) -> str:
    if run.was_killed:
        return "ansible-playbook was killed; did this machine run out of memory?"
    reason = run.reader.complaint() or run.error or "it printed nothing"
    code = run.return_code
    ended = "did not end well" if code is None else f"ended with {code}"
    return words.one_line(f"ansible-playbook {ended}: {reason}")


def _failed(request: Request, message: str) -> Dict[str, Any]:
    outcomes = words.settle(request, {}, set(), reason=message)
    return _result(JobStatus.FAILED, message, None, outcomes)


def _result(
    status: JobStatus, message: str, code: Optional[int], outcomes: Mapping[str, HostOutcome]
) -> Dict[str, Any]:
    return {
        "status": status.value,
        "message": words.one_line(message, words.SENTENCE_LENGTH),
        "rc": code,
        "outcomes": {
            host: outcome.to_json(with_result=False)
            for host, outcome in words.without_results(outcomes).items()
        },
    }


def _adopt_orphans() -> None:
    """Become the parent of descendants that lose theirs, so that they can still be found."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _arguments() -> List[str]:
    if len(sys.argv) not in (2, 3):
        sys.stderr.write("usage: python -m adapter.engine.worker JOBDIR [LOCK]\n")
        raise SystemExit(2)
    return sys.argv[1:]


if __name__ == "__main__":
    status = main(_arguments())
    sys.stdout.flush()
    sys.stderr.flush()
    # Everything is written; taking the interpreter down in good order would cost 0.03 s.
    os._exit(status)
