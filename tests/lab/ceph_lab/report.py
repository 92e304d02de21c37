"""Say what is being done, with its time."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

_START = time.monotonic()


def say(text: str) -> None:
    """Print one line with the seconds since the command started, to stderr."""
    # One write per line, so that lines of parallel steps do not mix.
    sys.stderr.write(f"[{time.monotonic() - _START:6.1f}s] {text}\n")
    sys.stderr.flush()


def show(text: str) -> None:
    """Print what the command was asked for, to stdout."""
    sys.stdout.write(f"{text}\n")


def complain(text: str) -> None:
    """Print why the command failed, in one line to stderr."""
    sys.stderr.write(f"lab: {text}\n")


@contextmanager
def step(text: str) -> Iterator[None]:
    """Say that a step begins and, when it ends well, how long it took."""
    say(f"{text} ...")
    begin = time.monotonic()
    yield
    say(f"{text}: done in {time.monotonic() - begin:.1f} s")
