"""One playbook through ansible-runner: the environment, the run, what its events are worth.

The only importer of ansible_runner. Nothing of runner's own bookkeeping is kept or believed.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional, Set

from adapter.engine.encode import mode_flags
from adapter.engine.events import EventReader
from adapter.engine.files import private_dir, read_json, write_json
from adapter.engine.job_output import Lines, Output
from adapter.engine.jobs import JobDir
from adapter.engine.model import HostOutcome, Request
from adapter.engine.outcomes import one_line
from adapter.engine.progress import Progress

# Ansible looks for a free place without a pause: fewer places cost more than they save.
_USUAL_FORKS = 50
# One host in twenty may hang, and 25 places are left to the others. A place costs 10 MB and more:
# 100 of them were 1.3 GB.
_HOSTS_PER_SPARE_FORK = 20
_SPARE = 25
# ansible-playbook's status for an exception of its own.
_UNEXPECTED = 250
# ansible-core 2.22 binds a socket of such a name; the whole path has 107 characters at most.
_SOCKET_NAME = "/pymp-12345678/listener-12345678"
_TEMPORARY_LENGTH = 107 - len(_SOCKET_NAME)
# Between two tasks of one host it is milliseconds.
_PAUSE = 1.0
# A signal to all processes of a unit ends ssh, and is heard here some time later on a busy machine.
_SAME_MOMENT = 3.0
_NOT_THERE = "RPC server did not start"
# Larger results are dropped by runner's callback plugin without a word; its own bound is 700,000.
_MOST_RESULT = 100_000_000


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
        self._no_end_seen = False
        self._heard: Dict[str, float] = {}
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
            self._no_end_seen = type(error).__name__ == "TIMEOUT"
            self.error = one_line(f"{type(error).__name__}: {error}")
        finally:
            self._output.close()
            JobDir(self._job).drop_work()

    @property
    def was_cut_off(self) -> bool:
        """Tell whether ansible-playbook ended in the middle, or could not begin."""
        return not self.reader.has_stats

    def through(self, at: Optional[float]) -> Set[str]:
        """Return the hosts that had done everything at a monotonic time, if that is known.

        They had done the last phase, and then nothing for long.
        """
        return {
            host
            for host, when in self._heard.items()
            if at is not None
            and at - when > _PAUSE
            and host not in self.reader.busy
            and self.progress.is_through(host)
        }

    def take_back_lost(self, at: float) -> None:
        """Forget that hosts could not be reached any more right before a signal at that time.

        systemd ends a unit with one signal to each of its processes, the ssh of this job too. The
        hosts were reached until then: they are where their tasks were, and may be still at work.
        """
        for host, task in self.reader.lost_at.items():
            if host in self.progress.outcomes and at - self._heard.get(host, at) < _SAME_MOMENT:
                self.reader.busy[host] = task
                self.progress.outcomes[host] = HostOutcome()

    @property
    def was_killed(self) -> bool:
        """Tell whether a signal ended ansible-playbook: it left no status."""
        known = self.return_code is not None or (self.error and not self._no_end_seen)
        return self.was_cut_off and not known

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
        try:
            self._run_playbook(ansible_runner, data_dir, ident, flags)
        finally:
            self._read_the_rest(data_dir / "artifacts" / ident / "job_events")

    def _run_playbook(self, runner: Any, data_dir: Path, ident: str, flags: List[str]) -> None:
        done = runner.run(
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
            self._heard[str((event.get("event_data") or {}).get("host"))] = time.monotonic()
            for line in self.reader.lines(event):
                self.progress.apply(self.lines.write(line))
        except OSError as error:
            self.event_error = one_line(f"what it answered could not be kept: {error.strerror}")
        except Exception as error:  # noqa: BLE001
            self.event_error = one_line(f"an event was lost: {type(error).__name__}: {error}")
        return False

    def _read_the_rest(self, directory: Path) -> None:
        """Take over events that runner left unread, in their order.

        It reads for five seconds after the end and then gives up, on a slow disk or because a
        process that was left behind holds the terminal. Their files are there still.
        """
        found = [read_json(path) for path in directory.glob("*-partial.json")]
        events = [event for event in found if isinstance(event, dict)]
        for event in sorted(events, key=lambda event: str(event.get("created"))):
            self._handle(event)


def temporary_dir(job: Path) -> Path:
    """Make the directory of Ansible's temporary files: in the job's, or in /tmp for a long path.

    For a long path the job's directory has a link to it, so that whoever ends the job finds it.
    """
    beside = job / "tmp"
    if len(os.fsencode(beside)) <= _TEMPORARY_LENGTH:
        return private_dir(beside)
    if not beside.is_symlink():
        beside.symlink_to(tempfile.mkdtemp(prefix="orch-", dir="/tmp"))
    return Path(os.readlink(beside))


def forks(hosts: int) -> int:
    """Return for how many hosts Ansible works at a time.

    A host that hangs keeps its place until the job's end.
    """
    return max(1, min(hosts, max(_USUAL_FORKS, _SPARE + hosts // _HOSTS_PER_SPARE_FORK)))


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


def program() -> str:
    """Return the ansible-playbook that is run: the one beside this Python, else the first found."""
    return shutil.which("ansible-playbook", path=_search_path()) or "ansible-playbook"


def _search_path() -> str:
    programs = os.path.dirname(sys.executable)
    return os.pathsep.join(filter(None, (programs, os.environ.get("PATH"))))


def ssh_arguments(settings: Mapping[str, Any]) -> str:
    """Return ssh's arguments for Ansible: the shared configuration and nothing else."""
    return f"-F {shlex.quote(str(settings['ssh_config']))}"


def environment(job: Path, request: Request, settings: Mapping[str, Any]) -> Dict[str, str]:
    """Return what ansible-playbook's environment has beside the worker's own."""
    temporary = temporary_dir(job)
    return {
        "PATH": _search_path(),
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
        # A host that hangs holds up no other: each goes through a changing play for itself. A
        # report is one task, where the other strategy costs less.
        "ANSIBLE_STRATEGY": "free" if request.changes else "linear",
        "ANSIBLE_FORKS": str(forks(len(request.targets))),
        # Only the file that was written for this job is an inventory.
        "ANSIBLE_INVENTORY_ENABLED": "yaml",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_DEPRECATION_WARNINGS": "False",
        "ANSIBLE_RETRY_FILES_ENABLED": "False",
        "MAX_EVENT_RES": str(_MOST_RESULT),
    }
