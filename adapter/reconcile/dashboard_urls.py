"""Have the dashboard know where Prometheus, Alertmanager and Grafana are.

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

Pair = Tuple[str, str]

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
                self._bring(kind, there, view)
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

    def _bring(self, kind: Kind, known: Mapping[Pair, str], view: ClusterView) -> None:
        """Change the option of a kind's daemons where that is for us to do."""
        core, option = self._core, kind.dashboard_option
        name = f"mgr/{MODULE}/{option}"
        there = known.get((SECTION, name), "")
        record = {**(core.store.get(RECORD) or {})}
        scheme = self._scheme(kind, there or str(record.get(option) or ""))
        running, stopped = urls_of(view, kind, True, scheme), urls_of(view, kind, False, scheme)
        url = goal(there, str(record.get(option) or ""), running, stopped)
        if url is None:
            if self._leave(kind, there, record, [*running, *stopped]):
                self._take_back_beside(kind, known)
            return
        if url:
            if record.get(option) != url:
                core.store.set(RECORD, {**record, option: url})
            if there != url:
                core.maps.configure(SECTION, name, url)
                self._note(kind, f"the dashboard's {option} is {url} now")
            self._bring_beside(kind, url, known)
            return
        self._take_back_beside(kind, known)
        if there:
            core.maps.unconfigure(SECTION, name)
        record = {**(core.store.get(RECORD) or {})}
        if option in record:
            del record[option]
            core.store.set(RECORD, record or None)

    def _scheme(self, kind: Kind, known: str) -> str:
        """Return how a kind's daemons answer; of a service that has gone the URL says it."""
        with self._core.lock:
            kept = self._core.specs.find(kind.service_type)
        if kept is not None:
            return kind.url_scheme(kept.spec)
        return known.partition("://")[0] or "http"

    def _bring_beside(self, kind: Kind, url: str, known: Mapping[Pair, str]) -> None:
        """Set what goes with an URL of ours; what somebody else has set stays."""
        if not url.startswith("https:"):
            self._take_back_beside(kind, known)
            return
        core = self._core
        for option, value in kind.beside_tls.items():
            name = f"mgr/{MODULE}/{option}"
            if not known.get((SECTION, name)):
                core.store.set(RECORD, {**(core.store.get(RECORD) or {}), option: value})
                core.maps.configure(SECTION, name, value)

    def _take_back_beside(self, kind: Kind, known: Mapping[Pair, str]) -> None:
        core = self._core
        for option, value in kind.beside_tls.items():
            record = {**(core.store.get(RECORD) or {})}
            name = f"mgr/{MODULE}/{option}"
            if record.pop(option, None) is None:
                continue
            if known.get((SECTION, name)) == value:
                core.maps.unconfigure(SECTION, name)
            core.store.set(RECORD, record or None)

    def _leave(self, kind: Kind, there: str, record: Dict[str, Any], known: List[str]) -> bool:
        """Leave an option as it is; tell whether somebody else has it now, and it is not ours."""
        option = kind.dashboard_option
        if not there or there in (record.get(option), *known):
            return False
        if record.pop(option, None) is not None:
            self._core.store.set(RECORD, record or None)
        if known and self._told.get(option) != there:
            self._told[option] = there
            self._note(kind, f"the dashboard's {option} is {there}, and stays so")
        return True

    def _note(self, kind: Kind, text: str) -> None:
        with self._core.lock:
            self._core.events.note(kind.service_type, text)


def urls_of(view: ClusterView, kind: Kind, runs: bool, scheme: str) -> List[str]:
    """Return the URLs of a kind's daemons: of those that run, or of the others."""
    return [
        f"{scheme}://{target(each.address, each.port)}"
        for each in view.of_kind(kind.daemon_type)
        if each.port and each.runs == runs
    ]
