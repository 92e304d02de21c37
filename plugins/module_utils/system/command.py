"""Run a program by its argument list, with a deadline that holds."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from typing import Dict, Iterable, Mapping, Optional

from .distribution import not_installed

# Where administrators' tools are, also for a login that is not root's.
SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
OUTPUT_LIMIT = 32 << 20


class Answer:
    """What a program said; ``problem`` is empty when it ended with status 0 in time.

    ``status`` is None where the program did not start or not end.
    """

    def __init__(
        self, out: str = "", err: str = "", problem: str = "", status: Optional[int] = None
    ) -> None:
        self.out = out
        self.err = err
        self.problem = problem
        self.status = status


class Command:
    """A program that has been started; others can be done while it works."""

    def __init__(
        self, argv: Iterable[str], environment: Optional[Mapping[str, str]] = None
    ) -> None:
        self.argv = list(argv)
        self._problem = ""
        self._process: Optional[subprocess.Popen[bytes]] = None
        try:
            self._process = subprocess.Popen(
                self.argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=_environment(environment),
                cwd="/",
                start_new_session=True,
            )
        except FileNotFoundError:
            self._problem = not_installed(os.path.basename(self.argv[0]))
        except (OSError, ValueError) as error:
            self._problem = f"{self.argv[0]} cannot be started: {error}"

    def result(self, timeout: float) -> Answer:
        """Wait for the end, at most for so many seconds; then the program is killed.

        A process that waits for a dead disk cannot be killed; it is left behind, not waited for.
        """
        if self._process is None:
            return Answer(problem=self._problem)
        try:
            out, err = self._process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            self._kill(self._process)
            return Answer(problem=f"{self.argv[0]} did not end within {timeout:g} s")
        text = out[:OUTPUT_LIMIT].decode("utf-8", "replace")
        notes = err[-4096:].decode("utf-8", "replace")
        status = self._process.returncode
        problem = f"{self.argv[0]} ended with status {status}" if status else ""
        return Answer(text, notes, problem, status)

    def end(self) -> None:
        """End a program whose answer nobody waits for any more."""
        if self._process is not None and self._process.returncode is None:
            self._kill(self._process)

    @staticmethod
    def _kill(process: subprocess.Popen[bytes]) -> None:
        try:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(0.2)
        except (OSError, subprocess.TimeoutExpired):
            pass
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def run(
    argv: Iterable[str], timeout: float, environment: Optional[Mapping[str, str]] = None
) -> Answer:
    """Run a program to its end."""
    return Command(argv, environment).result(timeout)


def find_program(name: str) -> str:
    """Return the path of a program, or an empty text when it is not installed."""
    path = os.pathsep.join([os.environ.get("PATH", ""), SEARCH_PATH])
    return shutil.which(name, path=path) or ""


def last_line(text: str) -> str:
    """Return the last line that says something: where programs put the reason."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else ""


def _environment(extra: Optional[Mapping[str, str]]) -> Dict[str, str]:
    environment = dict(os.environ)
    environment["PATH"] = os.pathsep.join([SEARCH_PATH, environment.get("PATH", "")])
    environment["LC_ALL"] = "C.UTF-8"
    environment.update(extra or {})
    return environment
