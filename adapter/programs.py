"""Run a program of this machine to its end, with its output as text."""

from __future__ import annotations

import subprocess
from subprocess import CompletedProcess, TimeoutExpired
from typing import Optional, Sequence

__all__ = ["CompletedProcess", "TimeoutExpired", "run_program"]


def run_program(
    argv: Sequence[str], timeout: float, *, given: str = "", cwd: Optional[str] = None
) -> subprocess.CompletedProcess[str]:
    """Run a program, which reads ``given``, and return how it ended, whatever its status.

    Raises ``OSError`` where it cannot be started, and ``TimeoutExpired`` where it has not ended in
    time; it is killed then.
    """
    return subprocess.run(
        list(argv),
        input=given,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=timeout,
        check=False,
        cwd=cwd,
    )
