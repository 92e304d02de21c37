"""Move OSDs that leave on in the foreground: a command is the loop that a manager has."""

from __future__ import annotations

import contextlib
import time
from typing import Collection, Dict, List, Mapping, Optional, Sequence

from adapter.cli.ceph import CephError
from adapter.cli.output import own_words
from adapter.cli.session import JobsFailed, Session
from adapter.cluster.osd_owners import NO_SERVICE
from adapter.cluster.osd_removals import Removal, Stage, shown_status
from adapter.interface import OrchestratorEvent, datetime_now
from adapter.loop import Loop
from adapter.reconcile.osd_restoring import successor

PAUSE = 1.0
# How often the maps are read, and how often it is asked whether a manager has taken over (seconds).
MAP_INTERVAL, OWNER_INTERVAL = 15.0, 10.0
# How often a reason is printed anew where there is no line to be written over.
TELL_AGAIN = 30.0
GOES_ON = "`orch-ansible osd rm continue` goes on"


class Removing:
    """Step the removal queue of a session until OSDs have left it."""

    def __init__(self, session: Session) -> None:
        self._session, self._core = session, session.core
        self._reconciler = session.orchestrator.reconciler
        self._reconciler.remover.is_resting = False
        self._clock = session.context.environment.clock
        self._began = datetime_now()
        # As each OSD was shown last, when it was, and all that has been in the queue.
        self._shown: Dict[int, str] = {}
        self._told: Dict[int, float] = {}
        self._known: Dict[int, Removal] = {}
        self._read = self._asked = float("-inf")

    def until_gone(self, osd_ids: Collection[int], seconds: Optional[float] = None) -> None:
        """Go on until none of these OSDs is in the queue any more, for so long at most.

        Raises ``JobsFailed`` with what is left then, and for what was not done as asked;
        ``NotReady`` where a manager has taken over. Ctrl-C stops what is under way; the queue is
        kept.
        """
        loop, session = Loop(self._core), self._session
        end = None if seconds is None else self._clock() + seconds
        # One may be through before it is looked at again.
        self._left(osd_ids)
        try:
            while True:
                self._round(loop)
                left = self._left(osd_ids)
                self._tell(left)
                if not left:
                    break
                if end is not None and self._clock() >= end:
                    raise JobsFailed([*left.values(), f"not done within {seconds:g} s; {GOES_ON}"])
                self._wait()
        except KeyboardInterrupt:
            session.driver.cancel(session.engine.submitted)
            self._say(f"What is done is kept; {GOES_ON}.")
            raise
        finally:
            session.driver.idle_text = ""
            loop.close()
        self._tell_ends(osd_ids)

    def _round(self, loop: Loop) -> None:
        if self._session.driver.error is not None:
            raise self._session.driver.error
        core, now = self._core, self._clock()
        core.wake_event.clear()
        if now - self._asked >= OWNER_INTERVAL:
            self._asked = now
            # Who cannot be asked now is asked again, and before anything is done.
            with contextlib.suppress(CephError):
                self._session.refuse_managed()
        loop.step()
        if core.maps_changed.is_set() or now - self._read >= MAP_INTERVAL:
            core.maps_changed.clear()
            self._read = now
            self._reconciler.read_maps()
        self._reconciler.remover.step(now)

    def _left(self, osd_ids: Collection[int]) -> Dict[int, str]:
        """Return how far these OSDs are that are still in the queue."""
        queue = self._core.removals
        with self._core.lock:
            rows = {each: queue.get(each) for each in osd_ids}
            problems = {
                each: queue.problems[str(each)] for each in rows if str(each) in queue.problems
            }
        found = {
            osd_id: f"osd.{osd_id}: {own_words(shown_status(row, time.time()))}"
            for osd_id, row in rows.items()
            if row is not None
        }
        self._known.update({osd_id: row for osd_id, row in rows.items() if row is not None})
        found.update(
            {
                each: f"osd.{each}: its record cannot be used: {why}"
                for each, why in problems.items()
            }
        )
        return found

    def _tell(self, left: Dict[int, str]) -> None:
        """Show how far OSDs are: each step as a line, what is waited for in the line below."""
        now, driver = self._clock(), self._session.driver
        driver.idle_text = "; ".join(left.values())
        for osd_id, text in left.items():
            before, step = self._shown.get(osd_id, ""), text.partition(": ")[2].partition(":")[0]
            is_new = before.partition(": ")[2].partition(":")[0] != step
            quiet = driver.shows_line or now - self._told.get(osd_id, 0.0) < TELL_AGAIN
            if is_new or (text != before and not quiet):
                self._told[osd_id], self._shown[osd_id] = now, text
                self._say(text)

    def _tell_ends(self, osd_ids: Collection[int]) -> None:
        """Say what became of OSDs that are through; raise where something was not done."""
        kept = [self._known[each] for each in osd_ids if each in self._known]
        for removal in kept:
            if removal.stage is Stage.KEEPING:
                self._say(f"osd.{removal.osd_id} stays")
            elif not removal.replace:
                self._say(f"osd.{removal.osd_id} is removed")
        failed = []
        for event in self._events({removal.service or NO_SERVICE for removal in kept}):
            if event.level == OrchestratorEvent.ERROR:
                failed.append(own_words(event.message))
            else:
                self._say(event.message)
        if failed:
            raise JobsFailed(failed)

    def _events(self, services: Collection[str]) -> List[OrchestratorEvent]:
        with self._core.lock:
            found = [each for name in sorted(services) for each in self._core.events.of(name)]
        return [each for each in found if each.created >= self._began]

    def _say(self, text: str) -> None:
        self._session.driver.say(own_words(text))

    def _wait(self) -> None:
        """Wait for the end of a job, or a while."""
        if any(not job.is_finished for job in self._session.engine.submitted):
            self._core.wake_event.wait(PAUSE)
        else:
            self._session.context.environment.pause(PAUSE)


def going_on(session: Session, osd_ids: Sequence[int], flags: Mapping[str, bool]) -> Dict[int, str]:
    """Return what is said of OSDs that are being removed already, in the very way asked for."""
    core, found = session.core, {}
    osd_map = core.maps.osd_map()
    with core.lock:
        for osd_id in osd_ids:
            known = core.removals.get(osd_id)
            if known is None or known.stage is Stage.KEEPING or successor(known, osd_map):
                continue
            if all(getattr(known, name) == value for name, value in flags.items()):
                found[osd_id] = (
                    f"osd.{osd_id} is being removed already ({known.drain_status}); that goes on"
                )
    return found
