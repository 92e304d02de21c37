"""What is said and forgotten of a host that is removed with daemons on it."""

from __future__ import annotations

from typing import Iterable, List

from adapter.cluster.osd_intents import Intent, data_paths
from adapter.cluster.osd_removals import Removal
from adapter.cluster.tuned_hosts import HostTuning
from adapter.cluster.tuned_profiles import SUFFIX
from adapter.core import Core
from adapter.errors import NotKept, some_of
from adapter.interface import HostPlacementSpec
from adapter.kinds import DAEMONS
from adapter.state_lock import under_lock

SHOWN = 20


@under_lock
def left_running(core: Core, hostname: str) -> str:
    """Return what stays on a host, to be added to a sentence.

    Those of services that are kept get others elsewhere, where their placements let them.
    """
    report = core.reports.get(hostname)
    names: List[str] = []
    services = set()
    for row in report.daemons if report is not None else ():
        kind, identity = str(row["daemon_type"]), str(row["daemon_id"])
        names.append(f"{kind}.{identity}")
        wanted = core.specs.find(core.daemon_services.of(hostname, kind, identity))
        if wanted is not None and kind in DAEMONS and not wanted.spec.unmanaged:
            services.add(wanted.name)
    if not names:
        return ""
    text = f". Left there as they are, unmanaged: {some_of(sorted(names), SHOWN)}"
    if services:
        text += (
            f". {', '.join(sorted(services))}: others are deployed on the hosts that remain, where "
            "the placement lets them"
        )
    return text


@under_lock
def left_settings(core: Core, hostname: str) -> str:
    """Return which files of tuned profiles stay on a host that cannot be reached."""
    tuning = HostTuning.of(core.reports.get(hostname))
    if tuning is None or not tuning.profiles:
        return ""
    paths = [f"/etc/sysctl.d/{name}{SUFFIX}" for name in sorted(tuning.profiles)]
    return f". {some_of(paths, SHOWN)} and the kernel settings in it stay there"


@under_lock
def left_masked(core: Core, hostname: str) -> str:
    """Return that the units of a host stay masked for its maintenance."""
    if not core.is_held(hostname):
        return ""
    return (
        ". It was in maintenance: its units stay masked there. Added again, `ceph orch host "
        f"maintenance exit {hostname}` puts them back"
    )


@under_lock
def left_in_maps(core: Core, hostname: str) -> str:
    """Return what the cluster keeps of a host that is gone, to be added to a sentence.

    The host is still there.
    """
    named = [w.name for w in core.specs.all() if _names(w.spec.placement.hosts, hostname)]
    text = f". {', '.join(sorted(named))} names this host in its placement" if named else ""
    daemons = core.places.said_on(hostname)
    mons = [each[4:] for each in daemons if each.startswith("mon.")]
    osds = sorted(int(each[4:]) for each in daemons if each.startswith("osd."))
    if not mons and not osds:
        return text
    listed = ", ".join([*(f"mon.{each}" for each in mons), *(f"osd.{each}" for each in osds)])
    ways = [f"`ceph mon rm {each}`" for each in mons]
    ways += [f"`ceph osd purge {osds[0]} --yes-i-really-mean-it`"] if osds else []
    more = " for each OSD" if len(osds) > 1 else ""
    return (
        f"{text}. The cluster's maps still have {listed}: where the host does not come back, "
        f"{' and '.join(ways)}{more} takes them out; data is then copied anew, if it is elsewhere"
    )


@under_lock
def left_in_queue(core: Core, hostname: str) -> str:
    """Return which OSDs of a host are being removed, to be added to a sentence."""
    there = [each for each in core.removals.all() if each.host == hostname]
    told = [each for each in there if each.asked_wipe or (each.asked_stop and not each.stopped)]
    ids = [str(each.osd_id) for each in there if not each.asked_wipe]
    lost = sorted(core.removals.problems)
    unknown = (
        f". The records of the removals of {some_of((f'osd.{each}' for each in lost), SHOWN)} "
        "cannot be used, so whether these OSDs are on this host is not known"
        if lost
        else ""
    )
    if not there:
        return unknown
    stop = f"; `ceph orch osd rm stop {' '.join(ids)}` takes them out of the queue" if ids else ""
    begun = (
        f". The host was told before to stop or wipe {_some(told)}, and may still do so"
        if told
        else ""
    )
    return (
        f"{unknown}. In the removal queue stay "
        f"{_some(there)}: while the host is not managed it is "
        f"not told to stop them or to wipe a disk{stop}{begun}"
    )


def _disks(intents: Iterable[Intent], *, begun: bool) -> str:
    """Return the data disks of OSDs that a job was told to make, or of the others."""
    groups = [
        group
        for intent in intents
        for group in intent.groups
        if intent.may_be_begun(group) is begun
    ]
    return ", ".join(sorted(data_paths(groups)))


def _some(removals: Iterable[Removal]) -> str:
    return some_of((f"osd.{each.osd_id}" for each in removals), SHOWN)


def _names(hosts: Iterable[HostPlacementSpec], hostname: str) -> bool:
    return any(each.hostname == hostname for each in hosts or ())


@under_lock
def forget_deployments(core: Core, hostname: str) -> None:
    """Forget what was deployed on a host that is removed."""
    try:
        core.deployments.forget_host(hostname)
    except NotKept as error:
        core.unkept.note(error)


@under_lock
def forget_osds_to_make(core: Core, hostname: str) -> str:
    """Drop what is to be made on a host, also if it comes back; return what is said of it.

    A record that cannot be used goes too: mended later, it would have OSDs made on a host that
    was added anew.
    """
    groups = core.specs.forget_host(hostname)
    intents = [intent for intent in core.intents.all() if intent.host == hostname]
    paths, begun = _disks(intents, begun=False), _disks(intents, begun=True)
    for intent in intents:
        core.intents.drop(hostname, intent.groups)
    text = f". OSDs that were to be made there are not made: {paths}" if paths else ""
    if begun:
        text += f". The host was told before to make OSDs on {begun}, and may still do so"
    if hostname in core.intents.problems:
        core.intents.forget_unreadable(hostname)
        text += ". OSDs that were to be made there are not made; their record could not be read"
    if groups:
        text += f". If it is added again, apply {', '.join(groups)} again to use its free disks"
    return text
