"""Take OSDs from a host step by step: what is done for all of them, and for each."""

from __future__ import annotations

import contextlib
import time
from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple

from ..cluster.osd_map import NoAnswer, Question, asked, asking
from ..system.host_lock import SOON, HostLock
from ..system.reading import Roots
from ..systemd.units import UnitsFailed
from .elsewhere import problems_of_return, who_asks
from .removal import (
    Host,
    RemovalRefused,
    Traces,
    check_wanted,
    find_all,
    is_wiped,
    left_alone,
    names_of_copies,
    predict,
    refuse_living,
    take_down,
    unread,
    unseen,
    zap,
)
from .startup import Startup
from .stopping import ABSENT, DOWN, KEPT, LATER, STOPPED, is_startable, start, state_before, stop

# What is said besides where an OSD was given back between its end and the wipe.
_TAKEN_DOWN = (
    " Its unit and its directory were taken away before it was there again: where it is to stay, "
    "`ceph orch daemon add osd HOST:DEVICE --skip-validation` sets it up from its disk."
)
FAILED, PRESENT = "failed", "present"
UNCHANGED = (ABSENT, DOWN, FAILED, LATER, PRESENT, *KEPT)
# A manager's run stops another OSD only within so many seconds of its begin: on a host whose
# network was cut it does not hear that its job has failed.
STOPS_WITHIN = 30.0


class Work:
    """One run of the module; ``rows`` get a row for each OSD. ``params`` are the module's.

    ``changed`` tells that an OSD was begun to be taken away, whatever became of it then.
    """

    def __init__(
        self, params: Mapping[str, Any], roots: Roots, check_mode: bool, rows: List[Dict[str, Any]]
    ) -> None:
        self._params = params
        self._roots = roots
        self._check_mode = check_mode
        self._rows = rows
        self.changed = False
        self._began = time.monotonic()
        self._timeout = max(params["timeout"], 1)
        self._host: Optional[Host] = None
        self._has_lock = False
        self._lock = contextlib.nullcontext() if check_mode else HostLock(min(self._timeout, SOON))

    @property
    def at_work(self) -> bool:
        """Tell whether ceph-volume may still work on disks, of this run or one before it.

        Whoever has had the lock knows that none before it does.
        """
        return not self._has_lock or (self._host is not None and self._host.at_work)

    def do(self) -> None:
        """Take the step for all OSDs, or predict it."""
        check_wanted(self._params["osds"])
        with self._lock:
            self._has_lock = True
            if self._params["step"] == "remove":
                with contextlib.ExitStack() as stack:
                    self._remove_all(stack)
                return
            found = self._find(Host(self._roots))
            if self._params["step"] == "start":
                found = self._refuse_elsewhere(found)
            act = self._start if self._params["step"] == "start" else self._stop
            for wanted, traces in found:
                with self._each_for_itself(wanted):
                    self._rows.append(act(wanted, traces))

    def _find(self, host: Host) -> List[Tuple[Mapping[str, Any], Traces]]:
        """Return the OSDs with their traces; what is wrong with one is a row, or raises."""
        osds, cluster = self._params["osds"], self._params["cluster"]
        going = self._params["step"] != "start"
        if self._params["kept_fails"]:
            return find_all(host, osds, cluster, going)
        found = []
        for wanted in osds:
            with self._each_for_itself(wanted):
                found += find_all(host, [wanted], cluster, going)
        return found

    @contextlib.contextmanager
    def _each_for_itself(self, wanted: Mapping[str, Any]) -> Iterator[None]:
        """Keep what goes wrong with one OSD from the others, where that is wanted."""
        try:
            yield
        except (RemovalRefused, UnitsFailed, NoAnswer, OSError) as error:
            if self._params["kept_fails"]:
                raise
            self._rows.append({**_row(wanted, FAILED), "problem": str(error)})

    def _remove_all(self, stack: contextlib.ExitStack) -> None:
        """Take OSDs away for good, once the monitors were asked for those that they have not."""
        question = None
        if any(osd["zap"] or osd["gone"] for osd in self._params["osds"]):
            question = stack.enter_context(asked(self._params["keyring"]))
        host = self._host = Host(self._roots)
        found = self._find(host)
        for wanted, traces in found:
            with self._each_for_itself(wanted):
                _refuse_if_living(question, wanted, traces)
        refused = {row["osd_id"] for row in self._rows}
        left = [each for each in found if each[0]["osd_id"] not in refused]
        for wanted, traces in left:
            with self._each_for_itself(wanted):
                self._rows.append(self._remove(host, wanted, traces))

    def _refuse_returned(
        self, wanted: Mapping[str, Any], traces: Traces, besides: str = ""
    ) -> None:
        """Raise for an OSD that somebody has given back since it was asked for: that took time."""
        if not _is_asked_about(wanted, traces):
            return
        with asked(self._params["keyring"]) as question:
            try:
                _refuse_if_living(question, wanted, traces)
            except RemovalRefused as error:
                raise RemovalRefused(f"{error}{besides}") from error

    def _remove(self, host: Host, wanted: Mapping[str, Any], traces: Traces) -> Dict[str, Any]:
        """Take an OSD away for good; return its row."""
        row = predict(wanted, traces)
        row["unseen"] = unseen(host, wanted)
        row["unread"] = unread(host, wanted, traces)
        row["left"] = left_alone(host, wanted, traces)
        row["copies"] = names_of_copies(traces)
        state, row["held"] = state_before(self._roots, wanted, traces, self._params["patience"])
        if state in KEPT:
            row.update(state=state, zapped=[])
        elif not self._check_mode and row["state"] != ABSENT:
            self._refuse_returned(wanted, traces)
            self.changed = True
            take_down(traces, Startup(self._roots))
            if wanted["zap"]:
                self._refuse_returned(wanted, traces, _TAKEN_DOWN)
                zap(host, wanted, traces, self._lock, self._timeout)  # type: ignore[arg-type]  # a lock: only check mode has none
            row["state"] = "removed"
        return row

    def _stop(self, wanted: Mapping[str, Any], traces: Traces) -> Dict[str, Any]:
        """Stop an OSD that holds nothing; return its row."""
        is_late = self._rows and time.monotonic() - self._began > STOPS_WITHIN
        if is_late and not self._params["kept_fails"]:
            return _row(wanted, LATER)
        state, held = state_before(self._roots, wanted, traces, self._params["patience"])
        if state == STOPPED and not self._check_mode:
            stop(traces)
        elif state == STOPPED:
            state = "would be stopped"
        return _row(wanted, state, held)

    def _refuse_elsewhere(
        self, found: List[Tuple[Mapping[str, Any], Traces]]
    ) -> List[Tuple[Mapping[str, Any], Traces]]:
        """Return the OSDs without those that must not be started here, by the monitors' word."""
        osds = [(each.osd_id, each.osd_uuid) for _, each in found if is_startable(each)]
        if not osds:
            return found
        try:
            with asking(self._params["keyring"], who_asks(self._roots, osds[0][0])) as who:
                problems = problems_of_return(osds, self._roots, who)
        except NoAnswer as error:
            problems = {osd_id: f"osd.{osd_id} is not started: {error}" for osd_id, _ in osds}
        for wanted, traces in found:
            if traces.osd_id in problems:
                with self._each_for_itself(wanted):
                    raise RemovalRefused(problems[traces.osd_id])
        return [each for each in found if each[1].osd_id not in problems]

    def _start(self, wanted: Mapping[str, Any], traces: Traces) -> Dict[str, Any]:
        """Start an OSD again; return its row."""
        if not traces.is_own:
            return _row(wanted, ABSENT)
        if self._check_mode:
            return _row(wanted, "would be started" if is_startable(traces) else PRESENT)
        return _row(wanted, "started" if start(traces) else PRESENT)


def _refuse_if_living(
    question: Optional[Question], wanted: Mapping[str, Any], traces: Traces
) -> None:
    """Raise for an OSD that the cluster has, if it is wiped or said to be gone."""
    if _is_asked_about(wanted, traces):
        known = question.answer()  # type: ignore[union-attr]  # who is wiped or gone was asked for
        refuse_living(wanted["osd_id"], wanted["osd_uuid"], known)


def _is_asked_about(wanted: Mapping[str, Any], traces: Traces) -> bool:
    """Tell whether an OSD that the cluster has must not be taken away."""
    return is_wiped(wanted, traces) or bool(wanted["gone"] and traces.is_set_up)


def _row(wanted: Mapping[str, Any], state: str, held: Optional[int] = None) -> Dict[str, Any]:
    return {"osd_id": wanted["osd_id"], "state": state, "zapped": [], "unseen": [], "held": held}
