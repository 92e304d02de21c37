"""Do what was acknowledged and what no job of this manager is at: the one before has ended.

Its own job may go on for a while, and the hosts have to say first what is done already.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Dict, Optional, Set, Tuple

from adapter.cluster.backoff import Backoff
from adapter.cluster.daemon_actions import ADD, DaemonAction
from adapter.cluster.osd_map import OsdMap
from adapter.cluster.osd_removals import KEPT
from adapter.core import Core
from adapter.errors import AdapterError, NotKept, ReportAwaited
from adapter.interface import OrchestratorError
from adapter.reconcile.daemon_acts import DEPLOYING, DaemonActs
from adapter.reconcile.healed_options import epoch_of
from adapter.reconcile.ownership import all_reported
from adapter.reconcile.parts import OTHERS_JOBS_END, for_each

LOOK_AGAIN = 2.0
AFTER = {"start": "running", "stop": "stopped"}


class UndoneActs:
    """Step what is kept and not done; each that is refused backs off, longer each time."""

    def __init__(self, core: Core, acts: DaemonActs) -> None:
        self._core, self._acts = core, acts
        self._begins: Optional[float] = None
        self._backoffs: Dict[str, Backoff] = {}

    def step(self, now: float, osd_map: Optional[OsdMap] = None) -> Optional[float]:
        """Do what can be done now; return the seconds until the next look, or None.

        ``osd_map`` is as it was read last.
        """
        core = self._core
        self._acts.forget_done(now)
        if self._begins is None:
            self._begins = now + OTHERS_JOBS_END
        with core.lock:
            actions = core.daemon_actions.all()
            names = {each.name for each in actions}
            self._backoffs = {name: each for name, each in self._backoffs.items() if name in names}
            ready = [each for each in actions if self._backoff(each).until <= now]
        if now >= self._begins:
            for_each(ready, lambda action: self._step(action, osd_map, now))
        return LOOK_AGAIN if actions else None

    def _backoff(self, action: DaemonAction) -> Backoff:
        return self._backoffs.setdefault(action.name, Backoff())

    def _step(self, action: DaemonAction, osd_map: Optional[OsdMap], now: float) -> None:
        try:
            daemons, reason = self._ready(action, osd_map)
            if daemons:
                self._acts.do(replace(action, daemons=daemons), again=True)
                self._backoffs.pop(action.name, None)
            self._say(action, reason)
        except ReportAwaited as error:
            self._say(action, error.message)
        except NotKept as error:
            self._core.unkept.note(error)
            self._backoff(action).longer(now)
        except OrchestratorError as error:
            self._backoff(action).longer(now)
            self._say(action, " ".join(str(error).split()))

    def _say(self, action: DaemonAction, reason: str) -> None:
        """Let health say what an action waits for, and its service's events once."""
        core = self._core
        with core.lock:
            reasons = core.daemon_actions.reasons
            if reason and reason != reasons.get(action.name):
                core.events.fail(action.service, f"{action.action}: {reason}")
            reasons.pop(action.name, None)
            if reason and action.name in {each.name for each in core.daemon_actions.all()}:
                reasons[action.name] = reason

    def _ready(
        self, action: DaemonAction, osd_map: Optional[OsdMap]
    ) -> Tuple[Tuple[str, ...], str]:
        """Return the daemons that can be acted on now, and what others wait for.

        What is done already and what is gone is forgotten. Raises ``OrchestratorError``.
        """
        core, ready, reasons = self._core, [], []
        with core.lock:
            busy = self._busy()
            for name in action.daemons:
                if self._acts.at_work(name) or name in busy:
                    continue
                gone = self._why_gone(action, name, osd_map)
                if gone:
                    text = f"{action.action} of {name} is not done: {gone}"
                    core.events.note(action.service, text)
                reason = "" if gone else self._lacks(action, name)
                if gone or (reason is None and self._is_done(action, name)):
                    core.daemon_actions.leave_out([name])
                elif reason is None:
                    ready.append(name)
                elif reason:
                    reasons.append(reason)
        return tuple(ready), "; ".join(dict.fromkeys(reasons))

    def _busy(self) -> Set[str]:
        """Return the daemons that jobs are at, also those of a manager before."""
        core = self._core
        return {
            daemon
            for record in core.engine.jobs()
            if not record.status.final
            for daemon in core.going_down.daemons_of(record.request)
        }

    def _why_gone(self, action: DaemonAction, name: str, osd_map: Optional[OsdMap]) -> str:
        """Return why nothing can be done to a daemon any more, or nothing."""
        core = self._core
        if action.action == ADD:
            return self._not_to_add(action)
        kind, _, identity = name.partition(".")
        if kind == "osd" and core.removals.leaves(int(identity)):
            return "it is being removed"
        known = osd_map.osds if kind == "osd" and osd_map is not None and osd_map.epoch else None
        if known is not None and int(identity) not in known:
            return "it is no longer in the cluster"
        return "no host has it" if all_reported(core) and not core.places.hosts_of(name) else ""

    def _not_to_add(self, action: DaemonAction) -> str:
        specs = self._core.specs
        if action.host not in self._core.hosts:
            return f"host {action.host} was removed"
        known = specs.find(action.service) is not None or action.service in specs.problems
        return "" if known else f"{action.service} was removed"

    def _lacks(self, action: DaemonAction, name: str) -> Optional[str]:
        """Return what a daemon's host has to do first, empty for a moment's wait, or None."""
        core = self._core
        hosts = [action.host] if action.action == ADD else core.places.hosts_of(name)
        if not hosts:
            return f"no host has reported it yet ({name})"
        if len(hosts) > 1 and not action.of_service:
            raise AdapterError(f"{name} is on {', '.join(hosts)}: it is not clear which is meant.")
        for host in hosts:
            if not core.liveness.online(host):
                return f"host {host} is offline"
            if not core.workable(host):
                return f"host {host} is in maintenance"
        if core.removals.keeps(name):
            return f"{name} {KEPT}"
        return "" if set(hosts) & set(core.outdated()) else None

    def _is_done(self, action: DaemonAction, name: str) -> bool:
        """Tell whether hosts have said that it is as it shall be, after that was asked for."""
        core = self._core
        hosts = core.places.hosts_of(name)
        return bool(hosts) and all(self._is_done_on(host, action, name) for host in hosts)

    def _is_done_on(self, host: str, action: DaemonAction, name: str) -> bool:
        core, row = self._core, self._core.places.row(host, name)
        if action.action == ADD:
            return bool(row["state"] == "running")
        if action.action in DEPLOYING:
            known = core.deployments.get(host, name)
            return known is not None and known.configured > action.asked
        if action.action == "restart":
            return row["state"] == "running" and epoch_of(row.get("started")) > action.asked
        report = core.reports.get(host)
        taken = report.taken.get("daemons", 0.0) if report is not None else 0.0
        return row["state"] == AFTER[action.action] and taken > action.asked
