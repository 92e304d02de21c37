"""``ceph orch upgrade start``, ``status``, ``pause``, ``resume`` and ``stop``."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Callable, Dict, List, Optional, Sequence, Tuple

from adapter.cluster.packages import number, upstream
from adapter.cluster.upgrade_offers import SHOWN
from adapter.cluster.upgrade_plan import ORDER
from adapter.cluster.upgrades import PAUSED, RUNNING, STOPPING, Upgrade
from adapter.core import Core
from adapter.errors import AdapterError, InvalidValue, NotReady, some_of
from adapter.interface import HostSpec, OrchestratorError, PlacementSpec, UpgradeStatusSpec
from adapter.methods._method import method
from adapter.methods.maintenance import by_of
from adapter.methods.upgrades import UpgradeMethods, check_target
from adapter.reconcile import Reconciler
from adapter.reconcile.upgrade_outlook import others_at_work, plan_of
from adapter.reconcile.upgrade_view import look, waiting

NONE = "no upgrade is under way"
STARTS = "`ceph orch upgrade start --ceph-version X.Y.Z` begins one."
WAYS_ON = "Put that right and resume it, or stop it; docs/upgrades.md says how to go on and back."
# A command waits so many seconds for what is put back.
PATIENCE = 20.0
LOOK_AGAIN = 0.2


class UpgradingMethods:
    """The methods that change which version of Ceph hosts have and daemons run."""

    def __init__(self, core: Core, reconciler: Reconciler, upgrades: UpgradeMethods) -> None:
        self.core, self.reconciler, self._upgrades = core, reconciler, upgrades

    @method
    def upgrade_start(
        self,
        image: Optional[str],
        version: Optional[str],
        daemon_types: Optional[List[str]] = None,
        hosts: Optional[str] = None,
        services: Optional[List[str]] = None,
        limit: Optional[int] = None,
    ) -> str:
        """Begin the upgrade of packages and daemons to a version; it goes on by itself.

        ``version`` is one of Ceph, ``image`` one of its packages. ``hosts`` is a placement; so are
        the other arguments what of the cluster is meant. Raises ``InvalidValue`` and
        ``AdapterError`` with everything that speaks against it; then nothing is changed.
        """
        target = check_target(image, version)
        one = self.wanted(target, daemon_types, hosts, services, limit)
        with self.core.lock:
            known = self.core.upgrades.get()
        if known is not None:
            return self._again(known, one)
        compared = self._upgrades.compared(target)
        one = replace(one, packages=compared["target_id"] or "")
        plan, cluster = plan_of(self.core, one)
        left = waiting(one, cluster)
        if plan.refusals:
            count = len(plan.refusals)
            raise AdapterError(
                f"The upgrade to {target} is not begun: {'; '.join(plan.refusals)}.",
                f"Put {'that' if count == 1 else 'these'} right first; `ceph orch upgrade check "
                f"--ceph-version {upstream(target)}` shows it again.",
            )
        if not plan.batches and not left:
            return f"All of these daemons run {one.version} already"
        self.reconciler.upgrading.begin(replace(one, total=len(left)))
        notes = "".join(f" Note: {each}." for each in plan.notes)
        later = f" {self.core.paused_note()}" if self.core.paused else ""
        now, steps = min(len(left), limit or len(left)), len(plan.batches)
        return (
            f"Initiating upgrade to {one.target}: {now} daemon{'' if now == 1 else 's'}, in "
            f"{steps} step{'' if steps == 1 else 's'}. `ceph orch upgrade status` says how far it "
            f"is.{notes}{later}"
        )

    def wanted(
        self,
        target: str,
        daemon_types: Optional[Sequence[str]] = None,
        hosts: Optional[str] = None,
        services: Optional[Sequence[str]] = None,
        limit: Optional[int] = None,
    ) -> Upgrade:
        """Return the upgrade that somebody asks for; raises ``InvalidValue``."""
        placement = None if hosts is None else [hosts]
        _check_named(daemon_types=daemon_types, hosts=placement, services=services)
        strange = sorted({*(daemon_types or ())} - {*ORDER})
        if strange:
            reason = "no daemon of Ceph's packages is of that kind"
            raise InvalidValue("daemon_types", strange[0], reason, f"Known: {', '.join(ORDER)}.")
        if limit is not None and limit < 1:
            raise InvalidValue(
                "limit", limit, "it is less than one daemon", "Leave it out for all."
            )
        return Upgrade(
            target,
            RUNNING,
            since=round(time.time(), 3),
            by=by_of(self.core),
            kinds=_some(daemon_types),
            hosts=_some(self._hosts(hosts)) if hosts else None,
            services=_some(services),
            limit=limit,
        )

    def _hosts(self, placement: str) -> List[str]:
        """Return the hosts of a placement; raises ``InvalidValue`` for one that has none."""
        wanted = PlacementSpec.from_string(placement)
        with self.core.lock:
            specs = [
                HostSpec(each.hostname, each.addr, sorted(each.labels))
                for each in self.core.hosts.all()
            ]
        named = [each.hostname for each in wanted.hosts]
        unknown = sorted({*named} - {each.hostname for each in specs})
        if unknown:
            raise InvalidValue(
                "hosts", unknown[0], "no such host", "`ceph orch host ls` lists them."
            )
        found = named or sorted(wanted.filter_matching_hostspecs(specs))
        if not found:
            raise InvalidValue("hosts", placement, "it selects no host", "Give names or label:X.")
        return found

    def _again(self, known: Upgrade, one: Upgrade) -> str:
        """Go on with the upgrade that there is, if it is the one that is asked for."""
        if known.stage == STOPPING:
            raise AdapterError(
                f"The upgrade to {known.target} is being stopped.",
                "Begin again when `ceph orch upgrade status` shows none; without a manager "
                "`orch-ansible upgrade stop` brings it to its end.",
            )
        if not known.same(one):
            raise AdapterError(
                f"An upgrade to {known.target} ({which(known)}) is under way.",
                "`ceph orch upgrade stop` ends it; then begin another one.",
            )
        if known.stage == PAUSED:
            return self.upgrade_resume()
        return f"Upgrade to {known.target} in progress"

    @method
    def upgrade_status(self) -> UpgradeStatusSpec:
        """Return whether an upgrade is under way, how far it is, and what it does or waits for."""
        found = UpgradeStatusSpec()
        with self.core.lock:
            known = self.core.upgrades.get()
            problems = dict(self.core.upgrades.problems)
        if known is None:
            found.message = "; ".join(problems.values())
            return found
        found.in_progress = True
        found.target_image = target_name(known)
        found.which = which(known)
        found.is_paused = known.stage == PAUSED
        found.message = message(known, self.core.paused_note())
        try:
            cluster = look(self.core)
        except OrchestratorError as error:
            # How far it is nobody can say now; that there is one is sure.
            found.message = found.message or " ".join(str(error).split())
            return found
        meant = [each for each in cluster.daemons if known.scope.has(each)]
        left = set(waiting(known, cluster))
        kinds = {each.kind for each in cluster.daemons if each.name in left}
        found.services_complete = [
            kind for kind in ORDER if kind not in kinds and any(d.kind == kind for d in meant)
        ]
        found.progress = f"{len(meant) - len(left)}/{len(meant)} daemons upgraded"
        return found

    @method
    def upgrade_pause(self) -> str:
        """Let the job at work end and begin no other one.

        Raises ``AdapterError`` without an upgrade.
        """
        known = self._known()
        if known.stage == PAUSED:
            return f"Upgrade to {known.target} is paused already"
        if known.stage == STOPPING:
            raise AdapterError(f"The upgrade to {known.target} is being stopped.", "Wait for it.")
        self.reconciler.upgrading.turn(PAUSED)
        return f"Paused upgrade to {known.target}"

    @method
    def upgrade_resume(self) -> str:
        """Go on where it was paused; raises ``AdapterError`` with what speaks against it."""
        known = self._known()
        if known.stage != PAUSED:
            return f"Upgrade to {known.target} is not paused"
        against = others_at_work(self.core)
        if against:
            raise AdapterError(
                f"The upgrade to {known.target} does not go on: {'; '.join(against)}.",
                "End that first.",
            )
        self.reconciler.upgrading.turn(RUNNING)
        return f"Resumed upgrade to {known.target}"

    @method
    def upgrade_stop(self) -> str:
        """End the upgrade: what was changed for it is put back, daemons stay as they are."""
        with self.core.lock:
            known = self.core.upgrades.get()
        if known is None:
            return "No upgrade in progress"
        self.reconciler.upgrading.turn(STOPPING)
        self.wait(self.is_over)
        over = self.is_over()
        how = "" if over else " It ends when the job at work has; `ceph orch upgrade status`."
        return f"Stopped upgrade to {known.target}.{how} {self.versions()}".rstrip()

    def check_over(self, what: str) -> None:
        """Raise ``NotReady`` while an upgrade changes hosts and daemons."""
        with self.core.lock:
            known, runs = self.core.upgrades.get(), self.core.upgrades.runs
        if runs:
            target = known.target if known is not None else "an unknown version"
            raise NotReady(
                f"An upgrade to {target} is under way: until its end {what.replace('_', ' ')} is "
                "refused, for both would count on daemons that the other one stops.",
                "`ceph orch upgrade status` says how far it is; after `ceph orch upgrade pause` it "
                "can be done, then `ceph orch upgrade resume`.",
            )

    def is_over(self) -> bool:
        """Tell whether no upgrade is under way."""
        with self.core.lock:
            return self.core.upgrades.get() is None

    def wait(self, done: Callable[[], bool]) -> None:
        """Wait for the loop, for as long as a command may."""
        end = time.monotonic() + min(PATIENCE, 5 * self.core.answer_wait)
        while not done() and time.monotonic() < end:
            time.sleep(LOOK_AGAIN)

    def versions(self) -> str:
        """Return which daemons run which version, or why that is not known now.

        It is told beside what is done already: it fails for no reason.
        """
        by_version: Dict[str, List[str]] = {}
        try:
            daemons = look(self.core).daemons
        except OrchestratorError as error:
            why = " ".join(str(error).split()).rstrip(".")
            return f"Which daemons run which version is not known now: {why}."
        for each in daemons:
            by_version.setdefault(upstream(each.version) or "?", []).append(each.name)
        parts = [
            f"{some_of(names, SHOWN)} run{'s' if len(names) == 1 else ''} {version}"
            for version, names in sorted(by_version.items(), key=lambda each: number(each[0]))
        ]
        return f"{'; '.join(parts)}." if parts else ""

    def _known(self) -> Upgrade:
        with self.core.lock:
            known = self.core.upgrades.get()
        if known is None:
            raise AdapterError(f"{NONE[0].upper()}{NONE[1:]}.", STARTS)
        return known


def _check_named(**given: Optional[Sequence[str]]) -> None:
    """Raise ``InvalidValue`` for an empty name.

    It comes from a variable of a script that is not set, and is not all of the cluster.
    """
    for field, names in given.items():
        if names is not None and not all(each.strip() for each in names or [""]):
            raise InvalidValue(field, "", "it names nothing", "Leave it out for all.")


def _some(names: Optional[Sequence[str]]) -> Optional[Tuple[str, ...]]:
    return tuple(dict.fromkeys(names)) if names else None


def target_name(one: Upgrade) -> str:
    """Return what an upgrade leads to, with the version of the packages."""
    return f"{one.version} (packages {one.packages})" if one.packages else one.target


def which(one: Upgrade) -> str:
    """Return in words what of the cluster an upgrade is about."""
    kinds = f"daemons of kind {', '.join(one.kinds)}" if one.kinds else "all daemon types"
    kinds = f"daemons of service {', '.join(one.services)}" if one.services else kinds
    hosts = f"on {', '.join(one.hosts)}" if one.hosts else "on all hosts"
    limit = f", {one.limit} daemons at most" if one.limit is not None else ""
    return f"Upgrading {kinds} {hosts}{limit}"


def message(one: Upgrade, later: str = "") -> str:
    """Return what an upgrade does or waits for, or why it is paused."""
    if one.error:
        return f"Error: {one.code}: {one.error.rstrip('.')}. {WAYS_ON}"
    if one.stage == PAUSED:
        return "paused: resume goes on with it, stop ends it"
    if one.stage == STOPPING:
        return f"being stopped{f': {one.reason}' if one.reason else ''}"
    return later or one.reason
