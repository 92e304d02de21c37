"""Keep the monitors' configuration as the specs say: what was set from here, and nothing else."""

from __future__ import annotations

import errno
import logging
import time
from functools import partial
from typing import Any, Dict, List, Optional, Sequence, Tuple

from adapter.cluster.fields import TEXT_LENGTH
from adapter.cluster.parallel import run_parallel
from adapter.cluster.service_changes import (
    Setting,
    SettingChanges,
    setting_changes,
    without_key,
)
from adapter.cluster.set_options import Pair
from adapter.cluster.set_options import ServiceSettings as Known
from adapter.cluster.specs import Wanted
from adapter.core import Core
from adapter.errors import AdapterError, NotKept, UnreadableRecord, shown
from adapter.interface import OrchestratorError
from adapter.interface.confidential import Unshown
from adapter.kinds import KINDS, kind_of, service_settings
from adapter.reconcile.daemon_digests import DaemonDigests
from adapter.reconcile.healed_options import HealedOptions
from adapter.reconcile.parts import for_each

log = logging.getLogger(__name__)

# How often the configuration is read for what somebody changed by hand, and after an error.
LOOK, RETRY = 30.0, 10.0
# What the monitors' configuration says, by section and option.
There = Dict[Pair, str]


class ServiceSettings:
    """Set what specs name, as soon as they do; remove what they no longer name."""

    def __init__(self, core: Core, digests: DaemonDigests) -> None:
        self._core = core
        self._digests = digests
        self._seen: Tuple[int, ...] = ()
        self._look_at = 0.0
        # How the monitors write a value that they were told, where they have their own way.
        self._as_kept: Dict[Pair, Tuple[str, str]] = {}
        # By service, when its options were as they shall be, and by which spec.
        self._good: Dict[str, Tuple[float, Any]] = {}
        self.healed = HealedOptions()
        # By service, what stands in the way.
        self.problems: Dict[str, str] = {}

    def step(self, now: float) -> Optional[float]:
        """Bring the configuration to the specs when one has changed, or it is time to look.

        Returns the seconds until it is to be looked at again, or None.
        """
        core = self._core
        with core.lock:
            seen = (core.specs.serial, core.deployments.serial, core.set_options.serial)
            wanted = [each for each in core.specs.all() if is_kept(each)]
        if seen == self._seen and now < self._look_at:
            return None
        if wanted:
            self._bring_all(wanted)
        pause = RETRY if self.problems else LOOK
        self._look_at = now + pause
        with core.lock:
            self._seen = (core.specs.serial, core.deployments.serial, core.set_options.serial)
        return pause if wanted else None

    def _bring_all(self, wanted: List[Wanted]) -> None:
        self.problems = {}
        try:
            there = self._core.maps.settings()
        except OrchestratorError as error:
            log.warning("the monitors' configuration is not compared with specs: %s", error)
            self.problems = {each.name: str(error) for each in wanted}
            return
        for_each(wanted, lambda each: self._bring(each, there))

    def _bring(self, wanted: Wanted, there: There) -> None:
        try:
            self._change(wanted, there)
        except NotKept as error:
            self._core.unkept.note(error)
            self.problems[wanted.name] = str(error)
        except OrchestratorError as error:
            self.problems[wanted.name] = str(error)
            with self._core.lock:
                self._core.events.fail(wanted.name, str(error))

    def bring(self, wanted: Wanted, there: There) -> None:
        """Set what a service needs before its daemons start; raises ``OrchestratorError``."""
        self._change(wanted, there)

    def changes(self, wanted: Wanted, there: There) -> SettingChanges:
        """Return what of a service is to be set and removed; raises ``OrchestratorError``."""
        core, name = self._core, wanted.name
        with core.lock:
            known, others = core.set_options.get(name), core.set_options.set_for_others(name)
        goal, own = service_settings(wanted.spec), self._of_daemons(wanted)
        changes = setting_changes(goal, known, there, self.same, own, others)
        _check_rememberable(changes)
        return changes

    def same(self, section: str, option: str, found: str, wanted: str) -> bool:
        """Tell whether an option has the value that it shall have, in the monitors' own words."""
        as_kept = self._as_kept.get((section, option))
        return as_kept == (wanted, found) or self._core.options.same(option, found, wanted)

    def _of_daemons(self, wanted: Wanted) -> List[Setting]:
        """Return what daemons of a service have of their own, of those that are up to date.

        The others get theirs in the moment in which they are restarted.
        """
        if not kind_of(wanted.spec.service_type).daemon_settings(wanted.spec, "x", 1, ""):
            return []
        with self._core.lock:
            known = [
                (host, each)
                for host, each in self._core.deployments.of_service(wanted.name)
                if each.options and each.digest
            ]
        rows: List[Setting] = []
        for host, each in known:
            port = each.ports[0] if each.ports else 0
            goal = self._digests.goal(wanted, (host, each.daemon_id), port)
            if without_key(each.digest) == goal:
                address = self._digests.address(wanted, host, each.daemon_id)
                own = kind_of(wanted.spec.service_type).daemon_settings(
                    wanted.spec, each.daemon_id, port, address
                )
                rows += [row for row in own if row[1] in each.options]
        return rows

    def _change(self, wanted: Wanted, there: There) -> None:
        """Tell the monitors what differs; what is set stands in the record before it is."""
        core, name = self._core, wanted.name
        changes = self.changes(wanted, there)
        goal = {(section, option) for section, option, _ in service_settings(wanted.spec)}
        with core.lock:
            known = self._known(name)
            if not goal and not known.options and not changes.tell:
                return
            before = {**changes.found, **known.before}
            when = known.changed or time.time()
            core.set_options.save(name, known.options | goal, when, before)
        self._carry_out(changes)
        self._follow_healed(wanted, changes.tell)
        lines = changes.describe()
        with core.lock:
            when = time.time() if lines else core.set_options.get(name).changed
            core.set_options.save(name, goal, when, before)
            for line in lines:
                core.events.note(name, f"the monitors' configuration: {line}")
        if changes.tell:
            self._learn(changes.tell)

    def _known(self, service: str) -> Known:
        """Return what was set for a service. The caller has the lock."""
        options = self._core.set_options
        if service in options.problems:
            raise UnreadableRecord(f"settings.{service}", options.problems[service])
        return options.get(service)

    def _carry_out(self, changes: SettingChanges) -> None:
        maps = self._core.maps
        run_parallel([partial(self._set, *row) for row in changes.tell])
        run_parallel([partial(maps.unconfigure, *pair) for pair in changes.drop])
        run_parallel([partial(self._put_back, *row) for row in changes.back])

    def _follow_healed(self, wanted: Wanted, tell: Sequence[Setting]) -> None:
        """Note what was put back: of a spec that has not changed, all that had to be set."""
        now, (good, spec) = time.time(), self._good.get(wanted.name, (0.0, None))
        for section, option, _ in tell if spec is wanted.spec else ():
            if self._core.options.needs_restart(option):
                self.healed.note((section, option), good, now)
        self._good[wanted.name] = (now, wanted.spec)

    def _set(self, section: str, option: str, value: str) -> None:
        try:
            self._core.maps.configure(section, option, value)
        except OrchestratorError as error:
            raise AdapterError(
                f"config {option} {shown(value, option)} was refused for {section}: {error}"
            ) from error

    def _put_back(self, section: str, option: str, value: str) -> None:
        """Set what somebody else had set; no message shows it, the monitors' own would."""
        try:
            self._core.maps.configure(section, option, Unshown(value))
        except OrchestratorError as error:
            if abs(error.errno) != errno.EINVAL:
                raise
            raise AdapterError(
                f"The monitors refuse the value that {option} of {section} had before.",
                f"`ceph config rm {section} {option}` leaves it without one.",
            ) from None

    def _learn(self, told: Sequence[Setting]) -> None:
        """Note how the monitors write what they were told: an address, for example."""
        odd = [row for row in told if self._core.options.is_odd(row[1])]
        if odd:
            there = self._core.maps.settings()
            for section, option, value in odd:
                self._as_kept[section, option] = (value, there.get((section, option), value))

    def forget(self, wanted: Wanted) -> None:
        """Remove what was set for a service that goes, or put back what was there before.

        Raises ``OrchestratorError``. What a spec names and nobody has set from here is not touched.
        """
        core, name = self._core, wanted.name
        with core.lock:
            known = self._known(name)
        if known.options:
            changes = setting_changes([], known, core.maps.settings(), self.same)
            self._carry_out(changes)
            for line in changes.describe():
                log.info("%s: the monitors' configuration: %s", name, line)
        with core.lock:
            core.set_options.forget(name)


def _check_rememberable(changes: SettingChanges) -> None:
    """Raise where a value would be replaced that is too long to be remembered."""
    for (section, option), value in sorted(changes.found.items()):
        if len(value) > TEXT_LENGTH:
            raise AdapterError(
                f"{option} of {section} has a value already that is too long to be put back later "
                f"({len(value)} characters, at most {TEXT_LENGTH}).",
                f"Keep a copy of it, and remove it with `ceph config rm {section} {option}`.",
            )


def is_kept(wanted: Wanted) -> bool:
    """Tell whether a service is kept as its spec says."""
    spec = wanted.spec
    return spec.service_type in KINDS and not spec.unmanaged and not wanted.deleted
