"""Whether a host can be missed: all of its daemons are asked about together.

The monitors are asked now, each kind with all ids of the host in one question; services beside the
cluster are counted one by one.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass, field
from functools import partial
from typing import Callable, Dict, List, Optional, Sequence

from adapter.cluster.host_conf import PATH, confs_of, only_way
from adapter.cluster.hosts import MAINTENANCE
from adapter.cluster.managers import Managers
from adapter.cluster.osd_map import listed
from adapter.core import Core
from adapter.errors import AdapterError, JustTakenOver, ReportAwaited
from adapter.interface import OrchestratorError
from adapter.kinds import MANAGERS, QUORUM, RANKS, SERVING, kind_of
from adapter.reconcile.conf_hold import check_ways
from adapter.reconcile.guards import Guards
from adapter.reconcile.ownership import read_places

# How much is lost: what a service gives, what the cluster needs, or what cannot be done at all.
SERVICE, CLUSTER, NEVER = "service", "cluster", "never"
SHOWN_POOLS = 4


class HostNeeded(AdapterError):
    """Say that a host cannot be stopped now; ``objections`` say why, each with its remedy.

    With ``flags`` it is said what does it all the same.
    """

    code = errno.EBUSY

    def __init__(self, hostname: str, objections: Sequence[Objection], flags: bool = False) -> None:
        lines = " ".join(each.describe() for each in objections)
        instead = _all_the_same(objections) if flags else ""
        super().__init__(f"Host '{hostname}' cannot be stopped now. {lines}", instead)
        self.objections = tuple(objections)


@dataclass(frozen=True)
class Objection:
    """What speaks against stopping a host, how much is lost, and what would have to change."""

    text: str
    remedy: str
    loss: str = CLUSTER

    def describe(self) -> str:
        """Return both as sentences."""
        return f"{self.text.rstrip('.')}. {self.remedy}".rstrip()


def allowed(objection: Objection, force: bool, regardless: bool) -> bool:
    """Tell whether an operator has said to what speaks against it: do it all the same.

    ``force`` is for what a service gives, ``regardless`` for the rest of the cluster.
    """
    return {SERVICE: force, CLUSTER: force and regardless, NEVER: False}[objection.loss]


def _all_the_same(objections: Sequence[Objection]) -> str:
    losses = {each.loss for each in objections}
    if NEVER in losses:
        return ""
    if CLUSTER in losses:
        return "With --force --yes-i-really-mean-it it is done all the same."
    # By this word the dashboard asks whether to force it.
    return "WARNING: with --force it is done all the same."


@dataclass
class Verdict:
    """What speaks against stopping a host, and what was found to be well.

    ``awaited`` is what a host is asked first.
    """

    objections: List[Objection] = field(default_factory=list)
    notes: List[str] = field(default_factory=list)
    awaited: Optional[ReportAwaited] = None

    def check(self, hostname: str, force: bool = False, regardless: bool = False) -> None:
        """Raise ``HostNeeded`` for what was not allowed, ``ReportAwaited`` for what is unknown."""
        left = [each for each in self.objections if not allowed(each, force, regardless)]
        if left:
            raise HostNeeded(hostname, left, flags=True)
        if self.awaited is not None:
            raise self.awaited


class HostStops:
    """Ask the monitors and the reports about hosts.

    ``is_managed`` tells whether a manager does this: it has to hand over where it is on the host.
    """

    def __init__(self, core: Core, guards: Guards, is_managed: Callable[[], bool]) -> None:
        self._core, self._guards, self._is_managed = core, guards, is_managed

    def look(self, hostname: str) -> Verdict:
        """Return what speaks against stopping a host.

        Raises ``OrchestratorError`` where the monitors do not answer, ``JustTakenOver``.
        """
        read_places(self._core)
        daemons = daemons_on(self._core, hostname)
        verdict = Verdict()
        for kind in sorted(daemons, key=lambda each: (each != "mon", each)):
            rule = self._rules(hostname).get(kind_of(kind).guard)
            if kind == "osd":
                self._look_at_osds(daemons[kind], verdict)
            elif rule is not None:
                rule(kind, daemons[kind], verdict)
        if verdict.objections:
            verdict.objections[:0] = self._others_in_maintenance(hostname)
        else:
            verdict.notes += self._of_the_host(hostname, daemons.get("mon", ()))
        return verdict

    def _others_in_maintenance(self, hostname: str) -> List[Objection]:
        """Return which hosts are stopped already: their daemons are what is lacking."""
        core = self._core
        with core.lock:
            held = [host.hostname for host in core.hosts.all() if host.status == MAINTENANCE]
        others = [each for each in held if each != hostname]
        if not others:
            return []
        text = f"In maintenance, with their daemons stopped: {', '.join(others)}"
        remedy = f"End that first: `ceph orch host maintenance exit {others[0]}`."
        return [Objection(text, remedy, SERVICE)]

    def _of_the_host(self, hostname: str, mons: Sequence[str]) -> List[str]:
        """Return what an administrator has to know who works on the host itself."""
        core = self._core
        addresses = core.maps.mon_addresses() if mons else {}
        left = frozenset().union(*(each for mon, each in addresses.items() if mon not in mons))
        going = {each for mon in mons for each in addresses.get(mon, ())}
        with core.lock:
            online = core.liveness.online(hostname)
            confs = {k: v for k, v in confs_of(core.hosts, core.reports).items() if k == hostname}
        found = [] if online else ["the host is offline"]
        if any(only_way(confs, address, left) for address in going):
            found.append(
                f"`ceph` on the host itself will not find the cluster meanwhile: {PATH} there "
                f"names only {_names('mon', mons)}; work from another host"
            )
        return found

    def _rules(self, hostname: str) -> Dict[str, Callable[[str, List[str], Verdict], None]]:
        return {
            QUORUM: partial(self._look_at_mons, hostname),
            MANAGERS: self._look_at_managers,
            RANKS: self._look_at_ranks,
            SERVING: self._look_at_serving,
        }

    def _look_at_mons(self, hostname: str, kind: str, ids: List[str], verdict: Verdict) -> None:
        maps = self._core.maps
        quorum, known = maps.quorum()
        here = [each for each in ids if each in quorum]
        if not here:
            return
        going = [each for each in self._guards.going(kind) if each in quorum and each not in here]
        left = [each for each in quorum if each not in here and each not in going]
        needed = len(known) // 2 + 1
        count = (
            f"{len(left)} of {len(known)} monitors would be in the quorum "
            f"({_names(kind, left) or 'none'}), {needed} are needed"
        )
        problem = "" if len(left) >= needed else count
        try:
            maps.mon_can_stop(*here, *going)
        except OrchestratorError as error:
            problem = problem or _one_line(error)
        if problem:
            remedy = (
                "Start a monitor on another host, or add one, first (`ceph quorum_status`). "
                "Without a quorum no client can connect and `ceph` does not answer: no command "
                "of `ceph orch` ends the maintenance, only the playbook "
                "exit_host_maintenance.yml by hand."
            )
            verdict.objections.append(Objection(f"{_names(kind, here)}: {problem}", remedy))
            return
        try:
            for each in here:
                check_ways(self._core, each, left, hostname)
        except AdapterError as error:
            verdict.objections.append(Objection(error.message, error.remedy))
            return
        verdict.notes.append(f"{_names(kind, here)} ({len(left)} of {len(known)} are left)")

    def _look_at_osds(self, ids: List[str], verdict: Verdict) -> None:
        maps = self._core.maps
        known = maps.osd_map().osds
        here = sorted(int(each) for each in ids if each.isdigit())
        up = [each for each in here if each in known and known[each].up]
        if not up:
            return
        try:
            self._guards.osds_ok_to_stop(*up, most=len(up))
        except JustTakenOver:
            raise
        except OrchestratorError as error:
            verdict.objections.append(self._of_osds(up, _one_line(error)))
            return
        verdict.notes.append(f"{listed(up)} (all data stays available)")

    def _of_osds(self, osd_ids: List[int], problem: str) -> Objection:
        maps = self._core.maps
        up = [osd.osd_id for osd in maps.osd_map().osds.values() if osd.up]
        short = maps.shortages(osd_ids, up)
        named = "; ".join(each.describe() for each in short[:SHOWN_POOLS])
        more = f" and {len(short) - SHOWN_POOLS} more pools" if len(short) > SHOWN_POOLS else ""
        lacks = f" (too few copies: {named}{more})" if named else ""
        if any(each.short for each in short):
            remedy = "Wait until the cluster has recovered (`ceph -s`)."
        elif short:
            pool = short[0].pool.name
            remedy = (
                f"Give the pools more copies on other hosts (`ceph osd pool set {pool} size N`)."
            )
        else:
            remedy = (
                "Try again in some seconds, when all placement groups are active (`ceph pg stat`)."
            )
        return Objection(f"{listed(osd_ids)}: {problem}{lacks}", remedy)

    def _look_at_managers(self, kind: str, ids: List[str], verdict: Verdict) -> None:
        managers = self._core.maps.manager_map()
        going = self._guards.going(kind)
        others = [
            each
            for each in (managers.active, *managers.standbys)
            if each and each not in ids and each not in going
        ]
        here = [each for each in ids if each in (managers.active, *managers.standbys)]
        if not here:
            return
        if not others:
            loss = NEVER if self._is_managed() else CLUSTER
            text = f"{_names(kind, here)}: no manager would be left"
            verdict.objections.append(Objection(text, _MORE.format(kind=kind), loss))
        elif managers.active not in here:
            verdict.notes.append(f"{_names(kind, here)} (mgr.{managers.active} is active)")
        else:
            self._look_at_successors(managers, others, verdict)

    def _look_at_successors(self, managers: Managers, others: List[str], verdict: Verdict) -> None:
        try:
            if self._is_managed():
                self._guards.successors.check(managers)
        except ReportAwaited as error:
            verdict.awaited = error
        except AdapterError as error:
            verdict.objections.append(Objection(error.message, error.remedy, NEVER))
            return
        named = " or ".join(f"mgr.{each}" for each in others)
        verdict.notes.append(f"mgr.{managers.active} is active ({named} takes over)")

    def _look_at_ranks(self, kind: str, ids: List[str], verdict: Verdict) -> None:
        fs_map = self._core.maps.fs_map()
        here = [each for each in ids if each in fs_map.states]
        serving = [each for each in here if each in fs_map.ranked]
        if not here:
            return
        going = [each for each in self._guards.going(kind) if each not in here]
        try:
            self._core.maps.mds_can_stop(*here, *going)
        except OrchestratorError as error:
            systems = sorted({fs_map.of.get(each, "") for each in serving} - {""})
            standbys = fs_map.states.keys() - {*fs_map.ranked, *here, *going}
            text = (
                f"{_names(kind, serving or here)}"
                f"{' serves file system ' + ', '.join(systems) if systems else ''}: "
                f"{len(standbys)} standby on other hosts ({_one_line(error)})"
            )
            fs = systems[0] if systems else "FS"
            remedy = (
                "Let another metadata server start on another host, or lower what the file system "
                f"needs (`ceph fs set {fs} max_mds N`)."
            )
            verdict.objections.append(Objection(text, remedy, SERVICE))
            return
        verdict.notes.append(f"{_names(kind, here)} (others take over)")

    def _look_at_serving(self, kind: str, ids: List[str], verdict: Verdict) -> None:
        going = self._guards.going(kind)
        for service, members in sorted(self._serving(kind).items()):
            here = [each for each in members if each in ids]
            left = [each for each in members if each not in ids and each not in going]
            if here and not left:
                text = f"{_names(kind, here)}: no other daemon of service {service} runs"
                verdict.objections.append(Objection(text, _MORE.format(kind=service), SERVICE))
            elif here:
                verdict.notes.append(f"{_names(kind, here)} ({len(left)} more of {service})")

    def _serving(self, kind: str) -> Dict[str, List[str]]:
        """Return the ids of the daemons that run by service, of hosts that can be counted on."""
        core = self._core
        found: Dict[str, List[str]] = {}
        with core.lock:
            for hostname, row in core.places.own():
                identity = str(row["daemon_id"])
                runs = row["state"] == "running" or core.places.is_said(f"{kind}.{identity}")
                counts = core.liveness.online(hostname) and not core.hosts.get(hostname).status
                if row["daemon_type"] == kind and runs and counts:
                    service = core.daemon_services.of(hostname, kind, identity)
                    found.setdefault(service, []).append(identity)
        return found


_MORE = "Let another one run on another host first: `ceph orch ls {kind}` shows its placement."


def daemons_on(core: Core, hostname: str) -> Dict[str, List[str]]:
    """Return the ids of the daemons that run on a host, by kind, in order.

    They are those that it reports as its own and that run, and those that the cluster has there.
    """
    found: Dict[str, List[str]] = {}
    with core.lock:
        names = set(core.places.said_on(hostname))
        for name in core.places.by_unit(hostname).values():
            own = hostname in core.places.hosts_of(name)
            if own and core.places.row(hostname, name)["state"] in ("running", "starting"):
                names.add(name)
    for name in sorted(names):
        kind, _, identity = name.partition(".")
        found.setdefault(kind, []).append(identity)
    return found


def _names(kind: str, ids: Sequence[str]) -> str:
    return ", ".join(f"{kind}.{each}" for each in ids)


def _one_line(error: OrchestratorError) -> str:
    return " ".join(str(error).split()).rstrip(".")
