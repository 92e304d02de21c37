"""What this backend keeps in the monitors, seen from the command that installs and removes it."""

from __future__ import annotations

from typing import Any, Callable, Dict, Iterable, List

from adapter.cli.ceph import Ceph, CephError, Managers
from adapter.cluster import (
    daemon_actions,
    maintenances,
    osd_intents,
    osd_removals,
    service_actions,
    specs,
    tuned_profiles,
    unused_keys,
    upgrades,
)
from adapter.cluster.bad_records import HOLDER, PRESENT
from adapter.engine.outcomes import one_line
from adapter.errors import NotReady, some_of

# The module, as the managers call it.
NAME = "ansible"
PREFIX = "mgr/ansible/"
_SPEC = f"{specs.KIND}."
# Work that was asked for and is not done: a record of it, and what it is called.
_WORK = {
    osd_removals.KIND: "the removal of osd.",
    osd_intents.KIND: "OSDs to be made on ",
    service_actions.KIND: "an action on ",
    daemon_actions.KIND: "the action ",
    maintenances.KIND: "the maintenance of host ",
    unused_keys.KIND: "the removal of ",
    unused_keys.MONS: "the removal of ",
}
_SHOWN = 20
_KNOWN_WAIT = 120.0

Say = Callable[[str], None]
Until = Callable[[Callable[[], bool], float], str]


def records(ceph: Ceph) -> List[str]:
    """Return the keys of all records in the monitors."""
    return sorted(str(key) for key in ceph.json("config-key", "ls") if key.startswith(PREFIX))


def kept_wishes(ceph: Ceph) -> List[str]:
    """Return the services whose specs are kept, and the work that was asked for and is not done."""
    services, work = [], []
    for key in records(ceph):
        name = key[len(PREFIX) :]
        if name.startswith(_SPEC):
            services.append(name[len(_SPEC) :])
        kind, _, of = name.partition(".")
        work += [f"{_WORK[kind]}{of}"] if kind in _WORK else []
    return services + work


def mark(ceph: Ceph) -> None:
    """Have the next manager take nothing away unasked."""
    ceph("config-key", "set", f"{PREFIX}{PRESENT}", '{"at": 0}')


def mark_disabled(ceph: Ceph, say: Say) -> None:
    """Have the next manager take nothing away unasked, and say what is kept."""
    wishes = kept_wishes(ceph)
    if not wishes:
        return
    mark(ceph)
    say(
        f"Kept, and not in force: {some_of(wishes, _SHOWN)}. When the module is enabled again, "
        "nothing that runs then is removed before you say so."
    )


def say_what_waits(ceph: Ceph, say: Say, until: Until, wishes: List[str]) -> None:
    """Say which earlier specs and requests are kept, and what they would change."""
    if not wishes:
        return
    say(f"Kept from before: {some_of(wishes, _SHOWN)}. Waiting for the hosts' first reports ...")
    rows: List[Dict[str, Any]] = []

    def known() -> bool:
        rows[:] = ceph.json("ansible", "pending")
        return True

    reason = until(known, _KNOWN_WAIT)
    if reason:
        say(f"What they would change is not known yet: {reason}. `ceph ansible pending` shows it.")
        return
    paused = is_paused(ceph)
    if not rows:
        say(
            "It is paused, and nothing waits: `ceph orch resume` goes on."
            if paused
            else "They are in force: nothing that runs is removed by that."
        )
        return
    words = (
        "not in force, for they would change what runs" if paused else "in force, and this is done"
    )
    say(f"They are {words}:")
    for row in rows[:_SHOWN]:
        say(f"  {one_line(str(row.get('what')))}: {one_line(str(row.get('step')))}")
    if len(rows) > _SHOWN:
        say(f"  and {len(rows) - _SHOWN} more: `ceph ansible pending`")
    if not paused:
        return
    say(
        "`ceph orch resume` puts them in force; `ceph ansible drop-pending` leaves all as it is "
        "and makes these services unmanaged."
    )


def purge(ceph: Ceph, *, check: bool) -> List[str]:
    """Remove all records from the monitors, or say which; return lines for the administrator.

    Raises ``NotReady`` while a manager works with them (with ``check`` that is the first line), and
    while OSDs are being removed, hosts are in maintenance or an upgrade is under way: a record says
    what they had before.
    """
    found = records(ceph)
    if f"{PREFIX}{HOLDER}" in found:
        raise NotReady(
            "Nothing is purged: a directory of `orch-ansible` has this cluster's hosts and "
            f"services, `ceph config-key get {PREFIX}{HOLDER}` names it.",
            "`orch-ansible mgr hand-back` there gives them back first; if it is lost, "
            f"`ceph config-key rm {PREFIX}{HOLDER}`.",
        )
    lines = refuse_enabled(Managers.ask(ceph, NAME), check=check)
    leaving = f"{PREFIX}{osd_removals.KIND}."
    osds = [key[len(leaving) :] for key in found if key.startswith(leaving)]
    if osds:
        raise NotReady(
            f"Nothing is purged: osd.{some_of(osds, _SHOWN)} is being removed, and its record says "
            "which weight and place it had.",
            f"`orch-ansible mgr enable`, then `ceph orch osd rm stop {' '.join(osds[:_SHOWN])}` "
            "gives it back. To leave it as it is, remove the record: `ceph config-key rm "
            f"{leaving}{osds[0]}`.",
        )
    held = f"{PREFIX}{maintenances.KIND}."
    hosts = [key[len(held) :] for key in found if key.startswith(held)]
    if hosts:
        raise NotReady(
            f"Nothing is purged: host {some_of(hosts, _SHOWN)} is in maintenance, and its record "
            "says which units are masked there and where noout was set.",
            f"`orch-ansible mgr enable`, then `ceph orch host maintenance exit {hosts[0]}`.",
        )
    if f"{PREFIX}{upgrades.KIND}.{upgrades.NAME}" in found:
        raise NotReady(
            "Nothing is purged: an upgrade is under way, and its record says where noout was set "
            "and what file systems get back.",
            "`orch-ansible mgr enable`, then `ceph orch upgrade stop`.",
        )
    if not check:
        for key in found:
            ceph("config-key", "rm", key)
    lines += [f"remove {key} from the monitors (ceph config-key)" for key in found]
    return [*lines, *_left_on_hosts(found)]


def _left_on_hosts(keys: Iterable[str]) -> List[str]:
    """Return what hosts keep that no record tells of any more."""
    start = f"{PREFIX}{tuned_profiles.KIND}."
    names = [key[len(start) :] for key in keys if key.startswith(start)]
    return [
        f"leave the kernel settings of the tuned profile {name} on its hosts (/etc/sysctl.d/{name}"
        f"{tuned_profiles.SUFFIX}; `ceph orch tuned-profile rm {name}` before takes them away)"
        for name in names
    ]


def refuse_enabled(managers: Managers, *, check: bool) -> List[str]:
    """Raise ``NotReady`` while a manager works with what is kept; with ``check`` return a line."""
    if not managers.enabled:
        return []
    if not check:
        raise NotReady(
            f"The module {NAME} is enabled, and works with what the monitors keep.",
            "Run `orch-ansible mgr disable` first.",
        )
    return [f"refuse: the module {NAME} is enabled, `orch-ansible mgr disable` first"]


def is_paused(ceph: Ceph) -> bool:
    """Tell whether nothing is done by itself; also where nobody can say it."""
    try:
        checks = ceph.json("health", "detail").get("checks") or {}
    except CephError:
        return True
    return "ANSIBLE_PAUSED" in checks or bool(ceph.json("orch", "status").get("paused"))
