"""What may stop or go: never the quorum, never the last manager, never a file system's last MDS."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import replace
from typing import Dict, List, Mapping, Optional, Sequence, Set, Tuple

from adapter.cluster.going_down import STOPPED_SEEN
from adapter.cluster.managers import Managers
from adapter.cluster.osd_map import Osd
from adapter.cluster.schedule import Daemon
from adapter.core import Core
from adapter.engine.gate import Ask, Asked
from adapter.errors import AdapterError, JustTakenOver, ReportAwaited
from adapter.interface import OrchestratorError
from adapter.kinds import MANAGERS, QUORUM, RANKS, SERVING, Kind, kind_of
from adapter.reconcile.conf_hold import check_ways, lost_on_start
from adapter.reconcile.fresh_reports import check_answer
from adapter.reconcile.osd_peers import check_peers
from adapter.reconcile.ranks import Ranks
from adapter.reconcile.successors import Successors


class Guards:
    """Ask the monitors before daemons are stopped or removed."""

    def __init__(self, core: Core) -> None:
        self._core = core
        # Held from a question to the job that follows from its answer: who asks next counts it.
        self.acting = threading.Lock()
        self.successors = Successors(core)
        self.reports = self.successors.reports
        self.ranks = Ranks(core, self.reports, self.check_stop)
        # At which epoch the map had OSDs started when they were last allowed to stop, and those
        # that were told to start again and were not seen to.
        self._starts: Dict[int, int] = {}
        self._doubted: Dict[int, int] = {}

    def may_remove(
        self, kind: Kind, daemons: Sequence[Daemon], kept: Sequence[Daemon] = ()
    ) -> Tuple[List[Daemon], str]:
        """Return the daemons to be removed now, or none and the reason.

        ``daemons`` are given in the order in which they are to go, ``kept`` are those of the
        service that stay. Raises ``ReportAwaited`` while a host is asked that decides.
        """
        rules = {
            QUORUM: self._remove_voter,
            MANAGERS: self._remove_manager,
            RANKS: self._remove_ranked,
            SERVING: self._remove_serving,
        }
        try:
            rule = rules.get(kind.guard)
            return (rule(kind, daemons, kept) if rule is not None else list(daemons)), ""
        except ReportAwaited:
            raise
        except OrchestratorError as error:
            return [], str(error)

    def may_leave(
        self, kind: Kind, service: str, daemons: Sequence[Daemon]
    ) -> Tuple[List[Daemon], str]:
        """Return the daemons of a service that goes as a whole that are removed now, or the reason.

        Nobody is left who could miss them, but for a metadata server that has a rank of another
        file system than its own service's: another one takes over from it first.
        """
        if kind.guard != RANKS:
            return list(daemons), ""
        reason, others = "", self.ranks.of_others(service, daemons)
        for daemon in others:
            try:
                self.ranks.check(kind, daemon)
            except OrchestratorError as error:
                reason = reason or str(error)
            else:
                return [daemon], ""
        rest = [each for each in daemons if each not in others]
        return rest, "" if rest else reason

    def _remove_voter(
        self, kind: Kind, daemons: Sequence[Daemon], kept: Sequence[Daemon]
    ) -> List[Daemon]:
        quorum, known = self._core.maps.quorum()
        for daemon in daemons:
            if daemon.daemon_id not in known:
                return [daemon]
        last: Optional[OrchestratorError] = None
        for daemon in sorted(daemons, key=lambda each: each.daemon_id in quorum):
            try:
                self._check_voter(kind, daemon.daemon_id)
            except OrchestratorError as error:
                # Another one may go: which may lead, and of which site they are, differs.
                last = last or error
            else:
                return [daemon]
        if last is not None:
            raise last
        return []

    def _check_voter(self, kind: Kind, name: str) -> None:
        """Raise if a monitor of the map cannot go now."""
        quorum, known = self._core.maps.quorum()
        if name not in known:
            return
        check_ways(self._core, name)
        if len(known) <= 1:
            raise AdapterError(f"mon.{name} is the last one.")
        self._core.maps.check_site(name)
        if name in quorum:
            self._check_quorum(kind.daemon_type, name, quorum, known)
            self._core.maps.mon_can_go(name, *self.going(kind.daemon_type, name))

    def _check_quorum(
        self, kind: str, leaving: str, quorum: Sequence[str], known: Sequence[str]
    ) -> None:
        """Raise if those that go down leave no quorum without a mon that is to be removed."""
        going = [each for each in self.going(kind, leaving) if each in quorum]
        left = [each for each in quorum if each != leaving and each not in going]
        if going and len(left) <= (len(known) - 1) // 2:
            raise AdapterError(
                f"the monitors would have no quorum ({', '.join(left)} left): "
                f"{_describe(kind, going)}."
            )

    def _remove_manager(
        self, kind: Kind, daemons: Sequence[Daemon], kept: Sequence[Daemon]
    ) -> List[Daemon]:
        """Return a standby; where only the active one is left to go, another takes over first."""
        managers = self._core.maps.manager_map()
        active = managers.active
        for daemon in daemons:
            if daemon.daemon_id != active:
                self._check_managers(kind, managers, daemon.daemon_id)
                return [daemon]
        self._check_known(kind, daemons[0], kept)
        if not managers.standbys:
            raise AdapterError(f"mgr.{active} is the last one.")
        self.successors.check(managers)
        self._fail_over(active)
        raise AdapterError(f"mgr.{active} is active; another manager takes over first.")

    def hand_over(self, name: str) -> None:
        """Let another manager take over; raises if one may that could not manage hosts."""
        self.successors.check(self._core.maps.manager_map())
        self._fail_over(name)

    def _fail_over(self, name: str) -> None:
        with self._core.lock:
            lost = self._all_just_lost()
        with self._core.hand_overs.telling(lost):
            self._core.maps.fail_over(name)

    def steps_back(self, name: str, last: bool) -> bool:
        """Tell whether a manager is no longer active; the ``last`` one left hands over for it.

        Whoever takes over finds what is left in the store.
        """
        active = self._core.maps.manager_map().active
        if name != active:
            return True
        if last:
            self.hand_over(active)
        return False

    def _remove_ranked(
        self, kind: Kind, daemons: Sequence[Daemon], kept: Sequence[Daemon]
    ) -> List[Daemon]:
        """Return one: a standby before one that has a rank, which another one must take over.

        A daemon that runs and is not in the map stands by for nobody.
        """
        fs_map = self._core.maps.fs_map()
        ranked, going = fs_map.ranked, self.going(kind.daemon_type, daemons[0].daemon_id)
        for daemon in daemons:
            if daemon.daemon_id not in ranked:
                self.ranks.check_standby(kind, daemon, going)
                return [daemon]
        standing_by = fs_map.states.keys() - {*ranked, *going}
        self._check_known(kind, daemons[0], [k for k in kept if k.daemon_id in standing_by])
        self.ranks.check(kind, daemons[0])
        return [daemons[0]]

    def _check_known(self, kind: Kind, daemon: Daemon, standbys: Sequence[Daemon]) -> None:
        """Raise for one that has become active since it was chosen: a standby is chosen instead.

        One that was known to be active is chosen only where the placement leaves no other.
        """
        if standbys and not daemon.active:
            self._core.look_at_maps()
            raise AdapterError(
                f"{kind.daemon_type}.{daemon.daemon_id} has become active; a standby is removed "
                "instead."
            )

    def _remove_serving(
        self, kind: Kind, daemons: Sequence[Daemon], kept: Sequence[Daemon]
    ) -> List[Daemon]:
        """Return those that may go: one that serves only while another one that stays does.

        The cluster is asked who serves, and the hosts whether those that stay answer.
        """
        name = kind.daemon_type
        known, going = self._core.maps.daemon_names().hosts, self.going(name)
        said = {daemon for daemon in known if daemon.partition(".")[2] not in going}
        serving = [each for each in daemons if f"{name}.{each.daemon_id}" in said]
        others = [each for each in daemons if each not in serving]
        left = [each for each in kept if f"{name}.{each.daemon_id}" in said]
        chosen = [*others, *serving][:1] if kind.goes_singly else list(daemons)
        if serving and kept and not left:
            if not others and len(serving) == 1:
                names = ", ".join(f"{name}.{each.daemon_id}" for each in kept)
                raise AdapterError(
                    f"{name}.{serving[0].daemon_id} is the last one that serves, as far as the "
                    f"cluster knows: it waits for {names}."
                )
            chosen = (others or serving)[:1]
        if kept and any(each.runs for each in chosen):
            # The service map is a minute old, and has not heard yet of what has just begun.
            staying = [(each.hostname, f"{name}.{each.daemon_id}") for each in left or kept]
            check_answer(self._core, self.reports, f"{name}.{chosen[0].daemon_id}", staying)
        return chosen

    def check_stop(
        self, daemon_type: str, daemon_id: str, *, restart: bool = False, but: str = ""
    ) -> None:
        """Raise with the reason if a daemon cannot be stopped or restarted now.

        What other jobs than ``but`` take down counts as down. Before the active manager is
        restarted it hands over, and the standbys' hosts are asked then; to stop it is to hand over.
        """
        maps = self._core.maps
        if daemon_type == "osd":
            self.osds_ok_to_stop(int(daemon_id), but=but, restart=restart)
            return
        if restart:
            for error in lost_on_start(self._core, [f"{daemon_type}.{daemon_id}"]).values():
                raise error
        kind = kind_of(daemon_type)
        if kind.guard == MANAGERS:
            self._check_manager(kind, daemon_id, restart=restart, but=but)
        elif kind.guard in (QUORUM, RANKS):
            going = self.going(daemon_type, daemon_id, but)
            ask = maps.mon_can_stop if kind.guard == QUORUM else maps.mds_can_stop
            try:
                ask(daemon_id, *going)
            except OrchestratorError as error:
                if not going:
                    raise
                text = " ".join(str(error).split())
                raise AdapterError(f"{text}; {_describe(daemon_type, going)}.") from error
            if kind.guard == QUORUM and not restart:
                quorum, _ = maps.quorum()
                check_ways(self._core, daemon_id, {*quorum} - {daemon_id, *going})

    def _check_manager(self, kind: Kind, daemon_id: str, *, restart: bool, but: str) -> None:
        managers = self._core.maps.manager_map()
        active = managers.active
        if daemon_id == active and not managers.standbys:
            raise AdapterError(f"mgr.{daemon_id} is active and there is no standby.")
        going = self._check_managers(kind, managers, daemon_id, but)
        standbys = [each for each in managers.standbys if each != daemon_id]
        managers = replace(managers, standbys=standbys)
        if daemon_id == active and restart:
            self.successors.check_map(managers)
        elif daemon_id == active or (active in going and not restart):
            self.successors.check(managers)

    def _check_managers(
        self, kind: Kind, managers: Managers, leaving: str, but: str = ""
    ) -> List[str]:
        """Raise if no manager would be left; return those that go down."""
        going = self.going(kind.daemon_type, leaving, but)
        # While none is active its name is empty.
        if not {managers.active, *managers.standbys} - {"", leaving, *going}:
            why = f": {_describe(kind.daemon_type, going)}" if going else ""
            raise AdapterError(f"no manager would be left{why}.")
        return going

    def going(self, kind: str, beside: str = "", but: str = "") -> List[str]:
        """Return the ids of a kind's daemons that other jobs take down, or that are just lost.

        Raises while nobody can know it, but of managers: their hosts are asked.
        """
        asked = kind_of(kind).guard == MANAGERS
        with self._core.lock:
            seconds = 0.0 if asked else self._core.going_down.unknown_for()
            if seconds:
                raise JustTakenOver(
                    "this manager has just taken over, and the cluster's maps may not show yet "
                    "what the one before it has stopped",
                    f"Try again in {math.ceil(seconds)} s.",
                )
            found = {*self._core.going_down.of(kind, [but]), *self._just_lost(kind)}
        return sorted(found - {beside})

    def _just_lost(self, kind: str) -> List[str]:
        """Return the ids of a kind's daemons whose host went offline just now."""
        names = self._all_just_lost()
        return [name.partition(".")[2] for name in names if name.startswith(f"{kind}.")]

    def _all_just_lost(self) -> List[str]:
        """Return daemons whose host went offline so lately that the maps may not show it."""
        core, oldest = self._core, time.time() - STOPPED_SEEN
        hosts = [
            name for name, state in core.liveness.offline().items() if (state.since or 0) > oldest
        ]
        return [name for host in hosts for name in core.places.by_unit(host).values()]

    def again(self, names: Sequence[str], *, restart: bool = False) -> Ask:
        """Return the question whether daemons (``mon.h1``) may be stopped together still."""

        def ask(job: str) -> None:
            osds = [int(name[4:]) for name in names if name.startswith("osd.")]
            if osds:
                self.osds_ok_to_stop(*osds, most=len(osds), but=job, restart=restart)
            for name in names:
                kind, _, daemon_id = name.partition(".")
                if kind != "osd":
                    self.check_stop(kind, daemon_id, restart=restart, but=job)

        return Asked(ask)

    def removal_again(
        self,
        kind: Kind,
        daemons: Sequence[Daemon],
        kept: Sequence[Daemon] = (),
        leaving: str = "",
    ) -> Ask:
        """Return the question whether daemons may be removed still.

        ``leaving`` is their service if it goes as a whole. A monitor is asked about until it is out
        of the map, which is before its job begins.
        """

        def ask(job: str) -> None:
            if kind.guard == QUORUM:
                for daemon in daemons:
                    self._check_voter(kind, daemon.daemon_id)
            if kind.guard == MANAGERS and not leaving:
                for daemon in daemons:
                    self.check_stop(kind.daemon_type, daemon.daemon_id, but=job)
            if kind.guard == RANKS:
                fs_map = self._core.maps.fs_map()
                standing_by = [
                    k for k in kept if k.daemon_id in fs_map.states.keys() - fs_map.ranked
                ]
                ranked = [each for each in daemons if each.daemon_id in fs_map.ranked]
                if not leaving:
                    for daemon in daemons:
                        going = self.going(kind.daemon_type, daemon.daemon_id, job)
                        self.ranks.check_standby(kind, daemon, going, job)
                for daemon in self.ranks.of_others(leaving, daemons) if leaving else ranked:
                    self._check_known(kind, daemon, standing_by)
                    self.ranks.check(kind, daemon, but=job)

        return Asked(ask)

    def osds_ok_to_stop(
        self, *ids: int, most: int = 1, but: str = "", restart: bool = False
    ) -> List[int]:
        """Return OSDs that can stop together now: these and others, up to ``most`` in all.

        The monitors are asked about those that are down or being stopped as well: their PG
        statistics may be some seconds older. Raises ``OrchestratorError``.
        """
        known = self._core.maps.osd_map().osds
        for osd_id in ids:
            reason = known[osd_id].stop_reason(restart) if osd_id in known else ""
            if reason:
                raise AdapterError(f"osd.{osd_id}: {reason}.")
        down = {osd.osd_id for osd in known.values() if not osd.up and not osd.destroyed}
        going = {int(each) for each in self.going("osd", but=but) if each.isdigit()}
        going -= {each for each in going & known.keys() if self._was_started(known[each])}
        beside = sorted((down | going | self._in_doubt(known)) & known.keys() - set(ids))
        allowed = self._core.maps.ok_to_stop([*ids, *beside], most=most + len(beside))
        found = [
            each for each in allowed if each not in known or not known[each].stop_reason(restart)
        ]
        if restart:
            lost = lost_on_start(self._core, [f"osd.{each}" for each in found])
            for osd_id in ids:
                if f"osd.{osd_id}" in lost:
                    raise lost[f"osd.{osd_id}"]
            found = [each for each in found if f"osd.{each}" not in lost]
        check_peers(self._core.maps, found, known)
        with self._core.lock:
            self._starts.update({each: known[each].up_from for each in found if each in known})
        return found

    def doubt(self, osd_id: int) -> None:
        """Count an OSD as down, whatever the map says, until the map shows another start of it."""
        with self._core.lock:
            self._doubted[osd_id] = self._starts.get(osd_id, 0)

    def _was_started(self, osd: Osd) -> bool:
        """Tell whether the map shows a start of an OSD after it was allowed to stop."""
        with self._core.lock:
            return osd.up and osd.up_from > self._starts.get(osd.osd_id, osd.up_from)

    def _in_doubt(self, known: Mapping[int, Osd]) -> Set[int]:
        with self._core.lock:
            for osd_id, start in list(self._doubted.items()):
                if osd_id not in known or known[osd_id].up_from > start:
                    del self._doubted[osd_id]
            return set(self._doubted)


def _describe(kind: str, going: Sequence[str]) -> str:
    """Return that daemons go down."""
    names = ", ".join(f"{kind}.{each}" for each in going)
    return f"{names} {'is' if len(going) == 1 else 'are'} going down or just did"
