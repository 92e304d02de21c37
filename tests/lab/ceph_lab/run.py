"""Run external commands and fail with their own words."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence

from ceph_lab.errors import CommandError, LabError

TAIL_LINES = 8

# A command dies with the lab command that runs it, even when that one is killed:
# nothing goes on working in a lab that is being removed.
BOUND = ("setpriv", "--pdeathsig", "KILL", "--")


def run(
    argv: Sequence[str],
    *,
    stdin: str | None = None,
    timeout: float | None = None,
    env: Mapping[str, str] | None = None,
) -> str:
    """Run a command to its end and return its standard output.

    `timeout` is in seconds, `env` is added to the environment. Raises
    CommandError when the status is not 0, LabError when the command is
    missing or takes longer than its time.
    """
    if shutil.which(argv[0]) is None:
        raise LabError(f"{argv[0]}: command not found; install the package that has it")
    try:
        done = subprocess.run(
            [*BOUND, *argv],
            input=stdin if stdin is not None else "",
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            env={**os.environ, **(env or {})},
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise LabError(f"{shlex.join(argv)}: no end after {timeout:g} s") from error
    if done.returncode != 0:
        output = done.stdout + done.stderr
        raise CommandError(
            f"{_shorten(shlex.join(argv))}: exit status {done.returncode}: {tail(output)}",
            done.returncode,
            output,
        )
    return done.stdout


def succeeds(argv: Sequence[str], timeout: float | None = None) -> bool:
    """Tell whether a command ends with status 0 within `timeout` seconds."""
    try:
        run(argv, timeout=timeout)
    except LabError:
        return False
    return True


def tail(text: str, lines: int = TAIL_LINES) -> str:
    """Return the last lines of a text, joined so that they fit one message."""
    kept = [line.strip() for line in text.strip().splitlines()[-lines:] if line.strip()]
    return " | ".join(kept) or "no output"


def _shorten(command: str, limit: int = 160) -> str:
    line = " ".join(command.split())
    return line if len(line) <= limit else line[:limit] + "..."
