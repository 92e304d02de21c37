"""Have the dashboard know where Prometheus and Alertmanager are.

What somebody else has set stays: only what was set from here, which a record says, or what names
one of our daemons is ever changed, and it is taken back when the last of them has gone.
"""

from __future__ import annotations

import logging
from typing import Any, Dict, List, Mapping, Optional, Tuple

from adapter.core import Core
from adapter.errors import NotKept
from adapter.interface import OrchestratorError
from adapter.kinds import KINDS, ClusterView, Kind, target
from adapter.reconcile.daemon_files import DaemonFiles

log = logging.getLogger(__name__)

# By option, the URL that was set from here: written before the option is.
RECORD = "state.dashboard_urls"
SECTION, MODULE = "mgr", "dashboard"
# How often the options are read when nothing has changed, and after an error (seconds).
LOOK, RETRY = 30.0, 10.0


def goal(there: str, ours: str, running: List[str], stopped: List[str]) -> Optional[str]:
    """Return what the dashboard's option shall be, empty for nothing; None leaves it alone.

    ``there`` is what it is and ``ours`` what was set from here. The others are the URLs of
    daemons.
    """
    if there and there not in (ours, *running, *stopped):
        return None
    if running:
        return there if there in running else running[0]
    # One that is about to come back is not taken away.
    return None if stopped else ""


class DashboardUrls:
    """Bring the dashboard's options to the daemons that there are."""

    def __init__(self, core: Core, files: DaemonFiles) -> None:
        self._core, self._files = core, files
        self._seen: Tuple[Any, ...] = ()
        self._look_at = 0.0
        # What somebody else has set, by option: it is said once.
        self._told: Dict[str, str] = {}

    def step(self, now: float) -> Optional[float]:
        """Do what can be done now; return None: it is looked at again with every round.

        Raises ``UnreadableRecord`` where nobody can say what was set from here.
        """
        core = self._core
        record = core.store.get(RECORD) or {}
        with core.lock:
            concerned = [kind for kind in KINDS.values() if self._is_concerned(kind, record)]
            if not concerned or MODULE not in core.watch.managers.modules:
                return None
            view = self._files.view()
        seen = (view, [kind.service_type for kind in concerned])
        if seen == self._seen and now < self._look_at:
            return None
        self._seen, self._look_at = seen, now + LOOK
        try:
            there = core.maps.settings()
            for kind in concerned:
                name = f"mgr/{MODULE}/{kind.dashboard_option}"
                self._bring(kind, there.get((SECTION, name), ""), view)
        except NotKept as error:
            self._look_at = now + RETRY
            core.unkept.note(error)
        except OrchestratorError as error:
            self._look_at = now + RETRY
            log.warning("the dashboard's options stay as they are: %s", error)
        return None

    def _is_concerned(self, kind: Kind, record: Mapping[str, Any]) -> bool:
        """Tell whether a kind's option is to be kept, or taken back. The caller has the lock."""
        if not kind.dashboard_option:
            return False
        kept = self._core.specs.find(kind.service_type)
        return not kept.spec.unmanaged if kept is not None else kind.dashboard_option in record

    def _bring(self, kind: Kind, there: str, view: ClusterView) -> None:
        """Change the option of a kind's daemons where that is for us to do."""
        core, option = self._core, kind.dashboard_option
        record = {**(core.store.get(RECORD) or {})}
        running, stopped = urls_of(view, kind, True), urls_of(view, kind, False)
        url = goal(there, str(record.get(option) or ""), running, stopped)
        if url is None:
            self._leave(kind, there, record, [*running, *stopped])
            return
        name = f"mgr/{MODULE}/{option}"
        if url:
            if record.get(option) != url:
                core.store.set(RECORD, {**record, option: url})
            if there != url:
                core.maps.configure(SECTION, name, url)
                self._note(kind, f"the dashboard's {option} is {url} now")
            return
        if there:
            core.maps.unconfigure(SECTION, name)
        if option in record:
            del record[option]
            core.store.set(RECORD, record or None)

    def _leave(self, kind: Kind, there: str, record: Dict[str, Any], known: List[str]) -> None:
        """Leave an option as it is; one that somebody else has set is not ours any more."""
        option = kind.dashboard_option
        if not there or there in (record.get(option), *known):
            return
        if record.pop(option, None) is not None:
            self._core.store.set(RECORD, record or None)
        if known and self._told.get(option) != there:
            self._told[option] = there
            self._note(kind, f"the dashboard's {option} is {there}, and stays so")

    def _note(self, kind: Kind, text: str) -> None:
        with self._core.lock:
            self._core.events.note(kind.service_type, text)


def urls_of(view: ClusterView, kind: Kind, runs: bool) -> List[str]:
    """Return the URLs of a kind's daemons: of those that run, or of the others."""
    return [
        f"http://{target(each.address, each.port)}"
        for each in view.of_kind(kind.daemon_type)
        if each.port and each.runs == runs
    ]
