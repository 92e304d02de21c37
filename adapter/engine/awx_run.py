"""One playbook in AWX: launched, followed, ended, and what its events are worth.

The counterpart of ``playbook_run``; the worker needs no Ansible for it.
"""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any, Callable, Dict, Mapping, Optional, Sequence, Set

from adapter.awxapi.client import Object
from adapter.engine.awx_events import Event, EventStream, from_documents
from adapter.engine.awx_launch import Launch, there
from adapter.engine.awx_memory import memory_of
from adapter.engine.awx_place import Asking, AwxPlace
from adapter.engine.awx_template import FINAL, NotLaunched
from adapter.engine.awx_turns import Turns
from adapter.engine.events import EventReader
from adapter.engine.job_output import Lines, Output
from adapter.engine.jobs import JobDir, Tail
from adapter.engine.model import HostStatus, JobStatus, Request
from adapter.engine.outcomes import describe_timeout, one_line
from adapter.engine.playbook_run import forks
from adapter.engine.progress import Progress
from adapter.engine.watchdog import Stop
from adapter.errors import AdapterError, NotReady

BY_HAND = "AWX has run it: relaunch the job there, or type the `ceph orch` command again"

_LOOK_THERE = "look there before its hosts are changed again"
_STEP = 0.1
# So many looks come sooner when the playbook has ended, or is to end: AWX itself needs a moment.
_NEAR = 8
_SOONER = 0.2
# None is over sooner than that many intervals.
_FIRST = 2.0
# One request in three is about the job: events say more, but not that AWX itself has ended it.
_OF_THREE = 3
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_BAD = (HostStatus.FAILED, HostStatus.UNREACHABLE)
# How AWX explains that it has lost a job, or ended it because of its time.
_REAPED = ("marked as running at system start up", "reaped", "instance shutdown", "was not running")
_TIMEOUT = "terminated due to timeout"


class AwxRun:
    """One run. ``reader`` and ``progress`` know what has happened, at any time.

    ``stopping`` tells whether the job is being ended; ``cut_by`` says afterwards what has come of
    that. ``leaving`` tells whether a job that runs is to be left to whoever comes next: then it
    ``has_left``, and nothing is known of its end.
    """

    def __init__(
        self,
        job: Path,
        request: Request,
        settings: Mapping[str, Any],
        *,
        stopping: Callable[[], bool],
        leaving: Callable[[], bool] = lambda: False,
    ) -> None:
        self.reader = EventReader(request.hosts)
        self.progress = Progress(request, keep_results=False)
        self.return_code: Optional[int] = None
        self.error = ""
        self.event_error = ""
        self.stop: Optional[Stop] = None
        self.was_killed = False
        self.has_left = False
        self._told = _lines_of(job / "events.jsonl")
        self.lines = Lines(job / "events.jsonl")
        self._request = request
        self._stopping, self._leaving = stopping, leaving
        self._place = place = AwxPlace.from_json(settings["awx"])
        self._output = Output(job / "output.log")
        file = Path(settings["ssh_config"]).with_name("awx_turns")
        turns = Turns(file, place.rate, self._pause)
        self._asking = Asking(place, self._pause, self._patience, turns.take)
        self._launch = Launch(
            JobDir(job),
            request,
            str(settings["marker"]),
            place,
            self._asking,
            wait=self._pause,
            stopping=stopping,
            forks=forks(len(request.targets)),
            known_hosts=Path(settings["ssh_config"]).with_name("known_hosts"),
        )
        self._running_since: Optional[float] = None
        self._why: Optional[Stop] = None
        self._cancel_since: Optional[float] = None
        self._is_asked = False
        self._refused = ""
        self._is_wrong = False
        self._gap_since: Optional[float] = None
        self._ended_itself = False
        self._was_launched = False
        self._launched = 0.0
        self._near = 0
        self._not_started = "AWX has not taken it in time"
        self._name = "its job in AWX"

    @property
    def was_cut_off(self) -> bool:
        """Tell whether the playbook ended in the middle, or could not begin."""
        return not self.reader.has_stats

    def through(self, at: Optional[float]) -> Set[str]:
        """Return no host: what AWX has not told yet may be that a host had more to do."""
        del at
        return set()

    def cut_by(self, stop: Optional[Stop]) -> Optional[Stop]:
        """Return why the job was cut off; ``stop`` is why it was to end, if it was.

        What AWX says of its end counts, whatever was asked for meanwhile. A job that AWX has never
        had is not one that took too long.
        """
        if self.stop is not None or self._ended_itself:
            return self.stop
        if stop is None or stop.status is not JobStatus.TIMED_OUT or self._was_launched:
            return stop
        return Stop(JobStatus.FAILED, one_line(f"not started: {self._not_started}"))

    def run(self) -> None:
        """Run the job to its end, whatever that is; nothing is raised."""
        over = True
        try:
            over = self._run()
        except NotLaunched as error:
            if not self._stopping():
                self.stop = Stop(JobStatus.FAILED, one_line(f"not started: {error}"))
        except AdapterError as error:
            over = not self._launch.is_unsure
            if not over:
                said = f"AWX does not say whether it has started it: {error.message.rstrip('.')}"
                self.stop = Stop(JobStatus.LOST, one_line(f"{said}; {_LOOK_THERE}"))
            elif self._stopping():
                self._not_started = error.message
            else:
                self.stop = Stop(JobStatus.FAILED, one_line(f"not started: {error.message}"))
        except Exception as error:  # noqa: BLE001
            over = False
            self.error = one_line(f"{type(error).__name__}: {error}")
        finally:
            left = self._launch.tidy() if over else ""
            if left:
                self._write({"type": "note", "text": left})
            self._output.close()

    def close(self) -> None:
        """Close the file of lines; a worker leaves that to its end."""
        self.lines.close()

    def _run(self) -> bool:
        """Launch or find the job and follow it; tell whether it has ended there."""
        found = self._launch.find() if self._launch.was_begun else None
        job = found or self._launch.start()
        self._was_launched, self._launched = True, time.monotonic()
        self._name = f"AWX job {job['id']}"
        self._write({"type": "note", "text": f"{self._name}: {self._place.url}{job['url']}"})
        objection = self._launch.objection(job)
        self._is_wrong = bool(objection)
        if objection:
            self._why = Stop(JobStatus.FAILED, one_line(f"cancelled, because {objection}"))
        stream = EventStream(str(job["related"].get("job_events")))
        self._judge(job, time.monotonic())
        looks = 0
        while job.get("status") not in FINAL:
            if self._leaving() and self._why is None:
                self.has_left = True
                return False
            if self._must_end and not self._cancel(job):
                return False
            self._pause(self._place.interval * self._share(looks))
            looks += 1
            if self._is_heard(job) and looks % _OF_THREE:
                self._listen(stream)
                continue
            asked = time.monotonic()
            told = self._look(job)
            if told is None:
                return False
            # What AWX does not say is no reason for anything.
            if told is not job:
                job = told
                self._judge(job, asked)
        self._conclude(job, stream)
        return True

    # -- while it runs

    def _is_heard(self, job: Object) -> bool:
        """Tell whether events are worth asking for."""
        return job.get("status") == "running" and not self._must_end and not self.reader.has_stats

    def _share(self, looks: int) -> float:
        """Return how many intervals are waited: less than one near the end."""
        self._near += self.reader.has_stats or self._must_end
        if 0 < self._near <= _NEAR:
            return _SOONER
        return 1.0 if looks else _FIRST

    @property
    def _must_end(self) -> bool:
        return self._why is not None or self._stopping()

    def _patience(self) -> float:
        """Return for how many seconds AWX may be silent."""
        return min(self._place.stop, self._place.silence) if self._must_end else self._place.silence

    def _judge(self, job: Object, asked: float) -> None:
        """See whether a deadline had passed when AWX was asked: its answer may have been slow."""
        if job.get("status") == "running":
            if self._running_since is None:
                self._running_since = time.monotonic()
            if asked - self._running_since > self._request.timeout and self._why is None:
                self._why = Stop(JobStatus.TIMED_OUT, describe_timeout(self._request.timeout))
        elif job.get("status") in FINAL:
            # It may have begun and ended between two looks.
            return
        elif asked - self._launched > self._place.queue and self._why is None:
            self._why = Stop(
                JobStatus.FAILED,
                f"{self._name} has not begun within {self._place.queue:g} s (it is "
                f"{job.get('status')}): has AWX capacity for it, and is another job of the "
                "template running?",
            )

    def _cancel(self, job: Object) -> bool:
        """Ask AWX to end the job; tell whether it is still to be waited for."""
        now = time.monotonic()
        if self._cancel_since is None:
            self._cancel_since = now
        if not self._is_asked:
            try:
                self._asking.once(lambda awx: awx.post(str(job["related"]["cancel"]), {}))
                self._is_asked = True
            except AdapterError as error:
                if error.message != self._refused:
                    self._note(f"{self._name} cannot be cancelled yet: {error.message}")
                self._refused = error.message
        if now - self._cancel_since <= self._place.stop:
            return True
        why = self._why.message if self._why is not None else "it was to end"
        refused = "" if self._is_asked else f" ({self._refused.rstrip('.')})"
        self.stop = Stop(
            JobStatus.LOST,
            one_line(
                f"{why}, and AWX has not said within {self._place.stop:g} s that {self._name} "
                f"has ended{refused}; {_LOOK_THERE}"
            ),
        )
        return False

    def _look(self, job: Object) -> Optional[Object]:
        """Return the job as it is now; None when AWX does not say it for too long."""

        try:
            return self._asking.once(partial(there, url=str(job["url"])))
        except AdapterError as error:
            said = error
        try:
            self._asking.pause_after(NotReady(said.message))
        except NotReady:
            self.stop = Stop(
                JobStatus.LOST,
                one_line(
                    f"AWX has said nothing of {self._name} for {self._patience():g} s "
                    f"({said.message.rstrip('.')}); {_LOOK_THERE}"
                ),
            )
            return None
        return job

    def _listen(self, stream: EventStream) -> None:
        """Take over new events."""
        try:
            events = self._asking.once(stream.read)
        except AdapterError:
            # The next look at the job says whether AWX is there at all.
            return
        self._take_all(events)
        now = time.monotonic()
        if not stream.has_gap:
            self._gap_since = None
        elif self._gap_since is None:
            self._gap_since = now
        elif now - self._gap_since > self._place.events:
            self._gap_since = None
            self._take_all(stream.give_up())

    # -- its end

    def _conclude(self, job: Object, stream: EventStream) -> None:
        status = str(job.get("status"))
        explanation = one_line(job.get("job_explanation") or "")
        # A job that was cancelled too late has ended by itself.
        self._ended_itself = status != "canceled" and not self._is_wrong
        if job.get("started") and (self._ended_itself or not self._must_end):
            self._hear_the_rest(job, stream)
        if self.stop is not None:
            return
        if self._ended_itself and status == "successful":
            self.return_code = 0
        elif not self._ended_itself and self._must_end:
            self.stop = self._why
        elif status == "canceled":
            self.stop = Stop(JobStatus.CANCELLED, f"{self._name} was cancelled in AWX")
        elif _TIMEOUT in explanation:
            self.stop = Stop(JobStatus.TIMED_OUT, f"AWX has ended {self._name} at its own deadline")
        elif any(words in explanation.lower() for words in _REAPED):
            said = f"AWX has lost {self._name}: {explanation}"
            self.stop = Stop(JobStatus.LOST, one_line(said))
        elif status == "error" or explanation:
            reason = explanation or one_line(job.get("result_traceback") or "it does not say why")
            said = f"AWX could not run {self._name}: {reason}"
            self.stop = Stop(JobStatus.FAILED, one_line(said))
        elif all(told.status.good for told in self.progress.outcomes.values()):
            reason = self.reader.complaint() or "it does not say why"
            said = f"AWX says that {self._name} has failed, and no host does: {reason}"
            self.stop = Stop(JobStatus.FAILED, one_line(said))

    def _hear_the_rest(self, job: Object, stream: EventStream) -> None:
        """Read the events that are written down after the end, and what stands for lost ones."""
        until = time.monotonic() + self._place.events
        complete = True
        try:
            # The last event that says something comes last, and none is missing before it.
            while not self.reader.has_stats:
                complete = bool(job.get("event_processing_finished"))
                self._take_all(self._asking.ask(stream.read))
                if complete or self.reader.has_stats or time.monotonic() >= until:
                    break
                self._pause(self._place.interval / 2)
                job = self._asking.ask(partial(there, url=str(job["url"])))
            if not self.reader.has_stats:
                self._take_all(stream.give_up())
            if stream.lost or not self.reader.has_stats:
                self._note(f"{stream.lost or 'some'} events of {self._name} are lost in AWX")
                self._read_documents(job)
        except AdapterError as error:
            ended = "well" if job.get("status") == "successful" else "not well"
            said = f"{self._name} has ended {ended}, and AWX does not tell its events"
            self.stop = Stop(JobStatus.LOST, one_line(f"{said}: {error.message}"))

    def _read_documents(self, job: Object) -> None:
        path = str(job["related"]["job_host_summaries"])
        rows = self._asking.ask(lambda awx: list(awx.pages(path)))
        bad = {host for host, told in self.progress.outcomes.items() if told.status in _BAD}
        self._take_all(from_documents(job.get("artifacts"), rows, bad))

    # -- what it says

    def _take_all(self, events: Sequence[Event]) -> None:
        for event in events:
            self._take(event)

    def _take(self, event: Event) -> None:
        # AWX has Ansible print in colours.
        text = _COLOUR.sub("", str(event.get("stdout") or ""))
        if text:
            self._output.write(text)
        try:
            for line in self.reader.lines({**event, "stdout": text}):
                self._write(line)
        except Exception as error:  # noqa: BLE001
            self.event_error = one_line(f"an event was lost: {type(error).__name__}: {error}")

    def _note(self, text: str) -> None:
        self._write({"type": "note", "text": one_line(text)})

    def _write(self, line: Mapping[str, Any]) -> None:
        """Write a line, unless an earlier worker of this job has written it."""
        key = _key(line)
        if self._told[key]:
            self._told[key] -= 1
            self.progress.apply(line)
            return
        try:
            self.progress.apply(self.lines.write(line))
        except OSError as error:
            self.event_error = one_line(f"what it answered could not be kept: {error.strerror}")

    def _pause(self, seconds: float) -> None:
        """Pause; a job that begins to end is not waited for."""
        before = self._must_end
        end = time.monotonic() + seconds
        while time.monotonic() < end and (before or not self._must_end):
            time.sleep(max(0.0, min(_STEP, end - time.monotonic())))


def seconds_left(job: Path, request: Request, settings: Mapping[str, Any]) -> float:
    """Return for how long a job may still be there; an earlier worker may have begun it."""
    place, now = AwxPlace.from_json(settings["awx"]), time.time()
    passed = now - float(memory_of(job).get("began") or now)
    return max(place.stop, request.timeout + place.beyond - max(0.0, passed))


def _lines_of(path: Path) -> Counter[str]:
    return Counter(_key(line) for line in Tail(path).read_all() if isinstance(line, dict))


def _key(line: Mapping[str, Any]) -> str:
    data: Dict[str, Any] = {key: value for key, value in line.items() if key != "t"}
    return json.dumps(data, sort_keys=True, default=str)
