"""Upgrades: ``ceph orch upgrade ls`` and ``ceph orch upgrade check``."""

from __future__ import annotations

import json
import math
import time
from typing import Any, Dict, List, Optional

from adapter.cluster.daemon_places import NONE, own_rows
from adapter.cluster.packages import upstream
from adapter.cluster.upgrade_offers import Running, comparison, known_versions, listing
from adapter.cluster.upgrades import RUNNING, Upgrade
from adapter.core import Core
from adapter.engine.completion import Completion
from adapter.errors import InvalidValue, NotReady, some_of
from adapter.interface import OrchestratorError
from adapter.kinds import kind_of
from adapter.methods._method import method
from adapter.reconcile.upgrade_outlook import outlook
from adapter.reconcile.upgrade_view import seen_hosts
from adapter.state_lock import under_lock

SHOWN = 10
# For so many seconds after its end a job answers who asks again.
LATE_HOLDS = 600.0
LS = "`ceph orch upgrade ls` lists what all hosts are offered."
ANEW = "That is by the lists that they read last; `ceph orch upgrade check` reads them anew."


class UpgradeMethods:
    """The methods about upgrades that only read, on a ``Core``.

    What can be had comes from the hosts' own package repositories. Which version is installed and
    which one a daemon runs are two things: both are said.
    """

    def __init__(self, core: Core) -> None:
        self.core = core
        # A job that had not ended when the answer was given.
        self._late: Optional[Completion] = None

    @method
    def upgrade_ls(
        self, image: Optional[str], tags: bool, show_all_versions: Optional[bool] = False
    ) -> Dict[Any, Any]:
        """Return the versions that all hosts are offered, and where hosts differ.

        ``tags`` has the versions of packages instead. Answered from the hosts' last reports; raises
        ``InvalidValue`` for an image.
        """
        if image:
            remedy = "Leave it out: versions come from the hosts' package repositories."
            raise InvalidValue("image", image, "packages have no images", remedy)
        with self.core.lock:
            return listing(
                seen_hosts(self.core), self._daemons(), bool(tags), bool(show_all_versions)
            )

    @method
    def upgrade_available(self) -> Dict[Any, Any]:
        """Return the versions that all hosts are offered, as ``upgrade_ls`` does."""
        return self.upgrade_ls(None, False)

    @method
    def upgrade_check(self, image: Optional[str], version: Optional[str]) -> str:
        """Return as JSON which daemons an upgrade would change, how, and what speaks against it.

        The hosts' lists of packages are read anew first; what takes longer than a command waits
        goes on as a job, which the answer names. ``image`` is the version of packages.
        """
        target = check_target(image, version)
        job = self._asked()
        in_time = job is None or job.wait(self.core.answer_wait)
        if not in_time:
            self._late = job
        answer = self.compared(target, "" if in_time or job is None else job.job_id)
        plan = self._plan(target)
        more = [each for each in plan.get("refusals", ()) if each not in answer["obstacles"]]
        unasked = _unasked(job, in_time) if job is not None else []
        answer["obstacles"] = [*unasked, *answer["obstacles"], *more]
        return json.dumps({**answer, "plan": plan}, indent=4)

    def _plan(self, target: str) -> Dict[str, Any]:
        """Return in which steps all daemons would be upgraded, or why nobody can say that now."""
        try:
            return outlook(self.core, Upgrade(target, RUNNING))
        except OrchestratorError as error:
            return {"unknown": " ".join(str(error).split())}

    def _asked(self) -> Optional[Completion]:
        """Return the job that asks the hosts: one that nobody had the answer of, else a new one.

        Who asks again because an answer took too long is not to begin anew each time.
        """
        with self.core.lock:
            job, self._late = self._late, None
        if job is not None and time.time() - (job.record.finished or math.inf) < LATE_HOLDS:
            return job
        hosts = self.core.online_hosts()
        return self.core.submit("upgrade_check", hosts) if hosts else None

    def compared(self, target: str, awaited: str = "") -> Dict[str, Any]:
        """Return what hosts reported last, compared with a target.

        Raises ``InvalidValue`` for one that no host has or is offered, and ``NotReady`` while a job
        that is ``awaited`` reads whether one is, or a host has not told this manager.
        """
        with self.core.lock:
            hosts, daemons = seen_hosts(self.core), self._daemons()
        known = known_versions(hosts, target)
        if target not in known and awaited:
            raise NotReady(
                f"No host has said yet that it has or is offered {target}: job {awaited} still "
                "reads the lists of packages.",
                "Ask again when it has ended.",
            )
        silent = [name for name, seen in hosts.items() if seen.packages is None and not seen.away]
        if target not in known and silent:
            raise NotReady(
                f"Whether a host has {target} or is offered it is not known: host "
                f"{some_of(silent, SHOWN)} has not reported its packages to this manager yet.",
                "Try again in some seconds.",
            )
        if target not in known:
            listed = f"They have: {some_of(known, SHOWN)}." if known else "They have none."
            reason = "no host has it, and no repository of a host"
            field = "version" if upstream(target) == target else "image"
            raise InvalidValue(field, target, reason, f"{listed} {ANEW} {LS}".strip())
        return comparison(hosts, daemons, target)

    def running(self) -> List[Running]:
        """Return the daemons that hosts reported last, with the versions that they run."""
        with self.core.lock:
            return self._daemons()

    @under_lock
    def _daemons(self) -> List[Running]:
        reports, foreign = self.core.reports, self.core.places.foreign_by_host()
        return [
            Running(f"{row['daemon_type']}.{row['daemon_id']}", host.hostname, row["version"])
            for host in self.core.hosts.all()
            for report in [reports.get(host.hostname)]
            if report is not None
            for row in own_rows(report.daemons, foreign.get(host.hostname, NONE))
            if kind_of(row["daemon_type"]).is_ceph
        ]


def _unasked(job: Completion, in_time: bool) -> List[str]:
    """Return of which hosts the answer is from before the question, and why."""
    if not in_time:
        return [
            f"job {job.job_id} still reads the lists of packages: what is said here is from "
            "before; ask again when it has ended"
        ]
    return [
        f"{host}: it could not be asked: {outcome.message or outcome.status.value}"
        for host, outcome in sorted(job.outcomes.items())
        if not outcome.status.good
    ]


def check_target(image: Optional[str], version: Optional[str]) -> str:
    """Return what an upgrade leads to: a version of Ceph, or of packages (``image``).

    Raises ``InvalidValue``.
    """
    if image and version:
        raise InvalidValue("image", image, "a version is given as well", "Give one of them.")
    if version:
        if upstream(version) != version:
            raise InvalidValue("version", version, "it is not of the form X.Y.Z", LS)
        return version
    if not image:
        raise InvalidValue("version", "", "nothing says to which version", LS)
    if "/" in image or not upstream(image) or upstream(image) == image:
        remedy = "Give a version of Ceph (--ceph-version X.Y.Z), or one of its packages."
        raise InvalidValue("image", image, "packages have no images", remedy)
    return image
