"""The worker process as its parent sees it: start it, see whether it lives, end it.

Plain ``subprocess.Popen`` only: ceph-mgr runs this in a sub-interpreter, where neither fork nor
signal handlers are to be had.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Dict, List, Optional

import adapter
from adapter.engine import processes
from adapter.engine.jobs import JobDir

_DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Child:
    """One worker. ``process`` is None for the worker of an earlier parent."""

    def __init__(
        self,
        job: JobDir,
        marker: str,
        pid: Optional[int],
        process: Optional[subprocess.Popen[bytes]],
    ) -> None:
        self.pid = pid
        self._job = job
        self._marker = marker
        self._process = process

    @property
    def is_alive(self) -> bool:
        """Tell whether the worker lives; a dead one is reaped."""
        if self._process is not None:
            return self._process.poll() is None
        if not self._job.is_abandoned:
            return True
        if self.pid is not None:
            # A ceph-mgr that started itself anew is still the parent of its earlier children.
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self.pid, os.WNOHANG)
        return False

    @property
    def exit_code(self) -> Optional[int]:
        """Return the exit status, or None while it lives or where it is not known."""
        return self._process.returncode if self._process is not None else None

    def wait(self, seconds: float) -> None:
        """Wait so long for the end of a worker of this process, and reap it."""
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(seconds)

    def terminate(self) -> None:
        """Ask the worker to stop; it then stops what it runs."""
        if self.pid is not None and processes.is_marked(self.pid, self._marker):
            processes.signal_all([self.pid], signal.SIGTERM)

    def kill_worker(self) -> None:
        """End the worker alone, at once."""
        if self.pid is not None and processes.is_marked(self.pid, self._marker):
            processes.signal_all([self.pid], signal.SIGKILL)

    def kill(self) -> None:
        """End the worker and everything that belongs to its job, at once."""
        if self.pid is not None and processes.is_marked(self.pid, self._marker):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
        processes.signal_all(self.left_behind(), signal.SIGKILL)

    def left_behind(self) -> List[int]:
        """Return the processes of the job that are still there, the worker too."""
        return processes.marked(self._marker)


def start(job: JobDir, marker: str, lock: int, *, python: str, home: Path) -> Child:
    """Start the worker of a job and hand the lock over to it. Raises ``OSError``.

    Its environment is made here from nothing: what ceph-mgr has in its own (above all its module
    path, where a directory ``ansible`` hides the library) does not reach it.
    """
    argv = [python, "-m", "adapter.engine.worker", str(job.path), str(lock)]
    with open(job.file("worker.log"), "ab", opener=_private) as output:
        process = subprocess.Popen(
            argv,
            cwd=str(job.path),
            env=_environment(marker, home),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            close_fds=True,
            pass_fds=(lock,),
        )
    return Child(job, marker, process.pid, process)


def start_cleaner(job: JobDir, *, python: str, home: Path) -> subprocess.Popen[bytes]:
    """Start the process that ends what a lost job left on its hosts. Raises ``OSError``."""
    with open(job.file("worker.log"), "ab", opener=_private) as output:
        return subprocess.Popen(
            [python, "-m", "adapter.engine.remote", str(job.path)],
            cwd=str(job.path),
            env=_environment("", home),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            close_fds=True,
        )


def problem_of(python: str) -> str:
    """Return why an interpreter cannot start a worker, or nothing; a look, not a try."""
    if shutil.which(python):
        return ""
    command = Path(adapter.__file__).resolve().parent.parent / "bin" / "orch-ansible"
    return (
        f"There is no interpreter {python} any more, which runs the playbooks and the command "
        f"orch-ansible. Install it again, or name another one (PATH): `PATH {command} mgr install "
        "--python PATH`, then restart this manager."
    )


def default_python() -> str:
    """Return this interpreter, or the system's where this program is not one (ceph-mgr)."""
    name = os.path.basename(sys.executable or "")
    return sys.executable if name.startswith("python") else "/usr/bin/python3"


def _environment(marker: str, home: Path) -> Dict[str, str]:
    return {
        "PATH": os.environ.get("PATH") or _DEFAULT_PATH,
        "LANG": "C.UTF-8",
        "HOME": str(home),
        "PYTHONPATH": str(Path(adapter.__file__).resolve().parent.parent),
        # What would be written beside plugins has the modes of whoever runs the job.
        "PYTHONDONTWRITEBYTECODE": "1",
        processes.MARK: marker,
    }


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
