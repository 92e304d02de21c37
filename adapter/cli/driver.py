"""Moves the engine on while the command waits, and shows what is being done."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from typing import Callable, Dict, List, Optional, TextIO

from adapter.cli.engine import WatchedEngine
from adapter.cli.output import printable
from adapter.engine.completion import Completion
from adapter.errors import abridged

POLL = 0.05
LOG_POLL = 0.5
CANCEL_WAIT = 30.0


class ProgressLine:
    """One line on a terminal, written over and over; on anything else nothing."""

    def __init__(self, stream: Optional[TextIO], wanted: bool) -> None:
        self._stream = stream if wanted and stream is not None and stream.isatty() else None
        self._shown = ""

    @property
    def is_shown(self) -> bool:
        """Tell whether anything is written."""
        return self._stream is not None

    def show(self, text: str) -> None:
        """Show a text in place of the last one."""
        if self._stream is None or text == self._shown:
            return
        width = max(20, shutil.get_terminal_size().columns - 1)
        self._shown = text
        self._write(f"\r\x1b[2K{abridged(text, width)}")

    def clear(self) -> None:
        """Leave the line empty."""
        if self._stream is not None and self._shown:
            self._shown = ""
            self._write("\r\x1b[2K")

    def _write(self, text: str) -> None:
        if self._stream is not None:
            self._stream.write(text)
            self._stream.flush()


class Driver:
    """Polls the engine in a thread of its own: methods that wait for their job can then wait."""

    def __init__(
        self,
        engine: WatchedEngine,
        *,
        progress: bool,
        verbose: bool,
        say: Callable[[str], None],
        poll: float = POLL,
    ) -> None:
        self._engine, self._poll = engine, poll
        self._line = ProgressLine(sys.stderr, progress and not verbose)
        self._verbose, self._say = verbose, say
        self._printed: Dict[str, int] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="poll", daemon=True)
        self.error: Optional[Exception] = None
        # What is shown while no job runs.
        self.idle_text = ""

    @property
    def shows_line(self) -> bool:
        """Tell whether there is a line that is written over."""
        return self._line.is_shown

    def say(self, text: str) -> None:
        """Print a line of its own, above the one that is written over."""
        self._line.clear()
        self._say(printable(text))

    def start(self) -> None:
        """Begin to poll."""
        self._thread.start()

    def stop(self) -> None:
        """Stop polling."""
        self._stop.set()
        self._thread.join(timeout=5)
        self._line.clear()

    def _run(self) -> None:
        next_log = 0.0
        while not self._stop.wait(self._poll):
            try:
                self._engine.poll()
            except Exception as error:  # noqa: BLE001 -- told by the thread that waits
                self.error = error
                return
            self._show()
            if self._verbose and time.monotonic() >= next_log:
                next_log = time.monotonic() + LOG_POLL
                self.print_logs()

    def _show(self) -> None:
        running = [each for each in self._engine.submitted if not each.is_finished]
        if running:
            job = running[0]
            more = f" (and {len(running) - 1} more jobs)" if len(running) > 1 else ""
            self._line.show(printable(f"{job.progress:4.0%} {job.message}{more}"))
        elif self.idle_text:
            self._line.show(printable(self.idle_text))
        else:
            self._line.clear()

    def print_logs(self) -> None:
        """Print what the jobs' playbooks have printed since the last time."""
        for job in self._engine.submitted:
            lines = list(self._engine.log(job.job_id))
            for line in lines[self._printed.get(job.job_id, 0) :]:
                self._say(printable(line))
            self._printed[job.job_id] = len(lines)

    def wait(self, jobs: List[Completion]) -> None:
        """Wait until the jobs have ended; Ctrl-C asks them to stop, and is then passed on."""
        try:
            self._wait(jobs)
        except KeyboardInterrupt:
            self.cancel(jobs)
            raise
        finally:
            self._line.clear()
            if self._verbose:
                self.print_logs()

    def _wait(self, jobs: List[Completion], seconds: Optional[float] = None) -> None:
        end = None if seconds is None else time.monotonic() + seconds
        for job in jobs:
            # A short wait at a time, so that Ctrl-C and a dead poller are noticed.
            while not job.wait(0.2):
                if self.error is not None:
                    raise self.error
                if end is not None and time.monotonic() >= end:
                    return

    def cancel(self, jobs: List[Completion]) -> None:
        """Ask the jobs to stop, and wait a while until they have."""
        running = [job for job in jobs if not job.is_finished]
        self._line.clear()
        for job in running:
            self._say(
                f"Cancelling job {job.job_id}; press Ctrl-C again to stop waiting for its end ..."
            )
            job.cancel()
        self._wait(running, CANCEL_WAIT)
        for job in running:
            self._say(f"Job {job.job_id}: {job.message if job.is_finished else 'still ending'}")
