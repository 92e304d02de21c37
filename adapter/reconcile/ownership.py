"""Ask the monitors which host a daemon is on, right before something is done to it by its name."""

from __future__ import annotations

from typing import Dict, Iterable, List, Sequence, Tuple

from adapter.core import Core
from adapter.errors import AdapterError, HostUnreachable, UnknownName
from adapter.interface import OrchestratorError
from adapter.state_lock import under_lock

# A host and a daemon on it, as in ``("h1", "mon.h1")``.
HostDaemon = Tuple[str, str]


def read_places(core: Core) -> None:
    """Read where the cluster has its daemons now; raises ``OrchestratorError``.

    Without a cluster to ask only the reports count.
    """
    if core.mon is None:
        return
    names = core.maps.daemon_names()
    with core.lock:
        core.places.learn(names)


def check_units(core: Core, names: Iterable[str]) -> None:
    """Raise if the hosts that report these daemons (``mon.h1``) as theirs do not have them."""
    with core.lock:
        places = [(host, name) for name in names for host in core.places.hosts_of(name)]
    check_places(core, places)


def check_places(core: Core, daemons: Iterable[HostDaemon]) -> None:
    """Raise ``AdapterError`` with both hosts if one of these daemons is another host's.

    The monitors are asked now, for minutes may lie between a report and an act; raises
    ``OrchestratorError`` where they do not answer.
    """
    read_places(core)
    judge_places(core, daemons)


def judge_places(core: Core, daemons: Iterable[HostDaemon]) -> None:
    """Raise ``AdapterError`` with both hosts if one of these is another's, as was read last."""
    with core.lock:
        found = [core.places.judge(host, daemon) for host, daemon in daemons]
    for foreign in found:
        if foreign is not None:
            raise AdapterError(
                f"Nothing is done to {foreign.daemon} on host {foreign.host}: it "
                f"{foreign.in_short()} ({foreign.why}).",
                "`ceph health detail` says what to do with what is left of it.",
            )


@under_lock
def check_workable(core: Core, hostname: str) -> None:
    """Raise ``AdapterError`` for a host in maintenance: nothing is done to its daemons."""
    if core.is_held(hostname):
        raise AdapterError(
            f"Host '{hostname}' is in maintenance: nothing is done to its daemons.",
            f"`ceph orch host maintenance exit {hostname}` ends that.",
        )


@under_lock
def all_reported(core: Core) -> bool:
    """Tell whether what no host reports is nowhere."""
    reports = [core.reports.get(host.hostname) for host in core.hosts.all()]
    known = all(each is not None and "daemons" in each.taken for each in reports)
    return known and not core.outdated() and not core.hosts.problems


@under_lock
def no_daemon(core: Core, name: str) -> OrchestratorError:
    """Return why nothing can be done to a daemon that no host reports as its own.

    The cluster's maps may have it on a host that has said nothing yet, or nothing of it.
    """
    for host in core.places.hosts_with(name):
        if core.reports.get(host) is None:
            why = "" if core.liveness.online(host) else f": {core.liveness.of(host).reason}"
            return AdapterError(
                f"{name} is on host '{host}' as the cluster has it, and that host has not reported "
                f"to this manager yet{why}.",
                "Try again when it answers.",
            )
        remedy = "`ceph orch ps` lists the daemons."
        if name.startswith("osd."):
            remedy = (
                f"If the host was installed anew, `ceph orch daemon add osd {host}:DEVICE "
                "--skip-validation` sets the OSD up again from its disk."
            )
        return AdapterError(
            f"{name} is on host '{host}' as the cluster has it, but nothing of it is set up there.",
            remedy,
        )
    return UnknownName("daemon", name, "`ceph orch ps` lists the daemons.")


def units_of(core: Core, names: Sequence[str]) -> Dict[str, List[str]]:
    """Return the systemd units of daemons (``osd.3``) by host, as the hosts reported them.

    What a host has of another one's daemon is none. Raises ``UnknownName`` for one that no host
    has, ``HostUnreachable``.
    """
    units: Dict[str, List[str]] = {}
    for name in dict.fromkeys(names):
        hosts = core.places.hosts_of(name)
        if not hosts:
            raise UnknownName("daemon", name, "`ceph orch ps` lists the daemons.")
        for hostname in hosts:
            if not core.liveness.online(hostname):
                raise HostUnreachable(hostname, core.liveness.of(hostname).reason)
            check_workable(core, hostname)
            unit = str(core.places.row(hostname, name)["unit"])
            units.setdefault(hostname, []).append(unit)
    return units
