"""One playbook through ansible-runner: the environment, the run, what its events are worth.

The only importer of ansible_runner. Nothing of runner's own bookkeeping is kept or believed.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
import time
from collections import deque
from pathlib import Path
from typing import IO, Any, Callable, Deque, Dict, Mapping, Optional

from adapter.engine.encode import mode_flags
from adapter.engine.events import EventReader
from adapter.engine.files import private_dir, write_json
from adapter.engine.model import Request
from adapter.engine.outcomes import one_line
from adapter.engine.progress import Progress

_MOST_FORKS = 50
# ansible-playbook's status for an exception of its own.
_UNEXPECTED = 250
# ansible-core 2.22 binds a socket of such a name; the whole path has 107 characters at most.
_SOCKET_NAME = "/pymp-12345678/listener-12345678"
_TEMPORARY_LENGTH = 107 - len(_SOCKET_NAME)
_NOT_THERE = "RPC server did not start"
_OUTPUT_BYTES = 2 * 1024 * 1024
_OUTPUT_TAIL = 200
# Larger results are dropped by runner's callback plugin without a word; its own bound is 700,000.
_MOST_RESULT = 100_000_000


class Lines:
    """Append lines to ``events.jsonl``, each written whole and flushed."""

    def __init__(self, path: Path) -> None:
        self._file: IO[bytes] = open(path, "ab", buffering=0, opener=_private)  # noqa: SIM115

    def write(self, line: Mapping[str, Any]) -> None:
        """Append one line with the time."""
        data = {"t": round(time.time(), 3), **line}
        self._file.write(json.dumps(data, separators=(",", ":"), default=str).encode() + b"\n")


class Output:
    """Keep what ansible-playbook printed: the beginning, and the end if there is too much."""

    def __init__(self, path: Path, limit: int = _OUTPUT_BYTES) -> None:
        self._file: IO[bytes] = open(path, "ab", opener=_private)  # noqa: SIM115
        self._left = limit
        self._dropped = 0
        self._tail: Deque[bytes] = deque(maxlen=_OUTPUT_TAIL)

    def write(self, text: str) -> None:
        """Append the lines of one event."""
        data = text.replace("\r", "").encode("utf-8", "replace") + b"\n"
        if self._left >= len(data):
            self._file.write(data)
            self._file.flush()
            self._left -= len(data)
        else:
            self._left = 0
            self._dropped += 1
            self._tail.append(data[:_OUTPUT_TAIL])

    def close(self) -> None:
        """Append the end of what was left out."""
        if self._dropped:
            self._file.write(f"[{self._dropped} events are left out here]\n".encode())
            self._file.writelines(self._tail)
        self._file.close()


class PlaybookRun:
    """One run. ``reader`` and ``progress`` know what has happened, at any time.

    ``stopping`` tells whether the job is being ended: what hosts say from then on is the noise of
    that. ``must_kill`` is asked about once a second whether to kill what still runs.
    """

    def __init__(
        self,
        job: Path,
        request: Request,
        settings: Mapping[str, Any],
        *,
        stopping: Callable[[], bool],
        must_kill: Callable[[], bool],
    ) -> None:
        self.reader = EventReader(request.hosts)
        self.progress = Progress(request, keep_results=False)
        self.return_code: Optional[int] = None
        self.error = ""
        self.event_error = ""
        self.lines = Lines(job / "events.jsonl")
        self._job = job
        self._request = request
        self._settings = settings
        self._stopping, self._must_kill = stopping, must_kill
        self._output = Output(job / "output.log")

    def run(self) -> None:
        """Run the playbook to its end, whatever that is; nothing is raised."""
        data_dir = private_dir(self._job / "runner")
        try:
            self._run(data_dir, "job")
            if self._never_began() and not self._stopping():
                text = f"started again: {self.reader.complaint()}"
                self.lines.write({"type": "note", "text": text})
                self.reader = EventReader(self._request.hosts)
                self._run(data_dir, "again")
        except (Exception, SystemExit) as error:  # noqa: BLE001
            # Runner exits on some errors, and raises a time-out after a run that went well.
            self.error = one_line(f"{type(error).__name__}: {error}")
        finally:
            self._output.close()
            for path in (data_dir, temporary_dir(self._job)):
                shutil.rmtree(path, ignore_errors=True)

    def _never_began(self) -> bool:
        """Tell whether ansible-core gave up on itself before any host was asked.

        The 2.22 beta does so on a busy machine: a helper process of its own is not there in time.
        """
        gave_up = self.return_code == _UNEXPECTED and not self.reader.has_stats
        return gave_up and _NOT_THERE in self.reader.complaint()

    def _run(self, data_dir: Path, ident: str) -> None:
        # Here and not above: it costs 0.12 s, which the parts that fail before need not pay.
        import ansible_runner

        # With suppress_env_files runner 2.4 forgets the settings it is given, unless this exists.
        write_json(private_dir(data_dir / "env") / "settings", runner_settings())
        flags = ["-e", f"@{self._job / 'vars.yml'}", *mode_flags(self._request)]
        done = ansible_runner.run(
            private_data_dir=str(data_dir),
            project_dir=str(self._settings["content_root"]),
            ident=ident,
            playbook=playbook_path(self._request),
            inventory=str(self._job / "inventory.yml"),
            cmdline=" ".join(map(shlex.quote, flags)),
            envvars=environment(self._job, self._request, self._settings),
            suppress_env_files=True,
            fact_cache_type="",
            quiet=True,
            event_handler=self._handle,
            cancel_callback=self._must_kill,
        )
        self.return_code = done.rc

    def _handle(self, event: Dict[str, Any]) -> bool:
        """Take over one event; constant work, and nothing that could raise reaches runner."""
        try:
            text = event.get("stdout")
            if text:
                self._output.write(str(text))
            if self._stopping():
                return False
            for line in self.reader.lines(event):
                self.lines.write(line)
                self.progress.apply(line)
        except Exception as error:  # noqa: BLE001
            self.event_error = one_line(f"an event was lost: {type(error).__name__}: {error}")
        return False


def temporary_dir(job: Path) -> Path:
    """Return where Ansible's temporary files go: beside the job, or in /tmp for a long path."""
    beside = job / "tmp"
    if len(os.fsencode(beside)) <= _TEMPORARY_LENGTH:
        return beside
    return Path("/tmp") / f"orch-{os.getpid()}-{job.name[-4:]}"  # noqa: S108 -- made 0700


def runner_settings() -> Dict[str, Any]:
    """Return ansible-runner's settings.

    ``pexpect_timeout`` is how often ``cancel_callback`` is asked while nothing is printed (5 s by
    default); the end of a run is seen at once whatever it is. ``pexpect_use_poll`` is for
    descriptors above 1023. Runner's own output file would only be a second ``output.log``.

    Measured (core 2.19, 2 cores): imports 0.15 s CPU, each event 0.3 ms in the worker and about
    1 ms in runner's callback plugin, pexpect's fixed pause after the end 0.1 s; together 0.2 s
    more than plain ansible-playbook for 3 hosts.
    """
    return {"pexpect_timeout": 1, "pexpect_use_poll": True, "suppress_output_file": True}


def playbook_path(request: Request) -> str:
    """Return the playbook below the content root."""
    return f"playbooks/{request.operation}.yml"


def ssh_arguments(settings: Mapping[str, Any]) -> str:
    """Return ssh's arguments for Ansible: the shared configuration and nothing else."""
    return f"-F {shlex.quote(str(settings['ssh_config']))}"


def environment(job: Path, request: Request, settings: Mapping[str, Any]) -> Dict[str, str]:
    """Return what ansible-playbook's environment has beside the worker's own."""
    programs = os.path.dirname(sys.executable)
    temporary = private_dir(temporary_dir(job))
    return {
        "PATH": os.pathsep.join(filter(None, (programs, os.environ.get("PATH")))),
        "ANSIBLE_CONFIG": os.path.join(settings["content_root"], "ansible.cfg"),
        "ANSIBLE_HOME": str(private_dir(Path(settings["state_dir"]) / "ansible")),
        "ANSIBLE_LOCAL_TEMP": str(temporary),
        # A module that is ended leaves its payload behind, here where it is removed.
        "TMPDIR": str(temporary),
        "ANSIBLE_SSH_ARGS": ssh_arguments(settings),
        # Runner would switch this off.
        "ANSIBLE_HOST_KEY_CHECKING": "True",
        # One module is one ssh command; without it 100 hosts took 30 s instead of 12 s.
        "ANSIBLE_PIPELINING": "True",
        "ANSIBLE_FORKS": str(max(1, min(len(request.targets), _MOST_FORKS))),
        # Only the file that was written for this job is an inventory.
        "ANSIBLE_INVENTORY_ENABLED": "yaml",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_DEPRECATION_WARNINGS": "False",
        "ANSIBLE_RETRY_FILES_ENABLED": "False",
        "MAX_EVENT_RES": str(_MOST_RESULT),
    }


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
