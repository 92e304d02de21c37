"""What a job is to bring about on its hosts, and whether that is so, as hosts and maps say."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Mapping, Optional, Tuple

from adapter.cluster.going_down import ACTIONS, REMOVALS
from adapter.cluster.turns import MOST_EXPECTED, Expected
from adapter.core import Core
from adapter.engine.model import Request
from adapter.kinds import KINDS, daemon_of_unit
from adapter.reconcile.healed_options import epoch_of
from adapter.state_lock import under_lock

_STATES = {"start": "running", "restart": "restarted", "stop": "stopped"}
_DEPLOYED = {kind.operation: kind.daemon_type for kind in KINDS.values()}
_WORDS = {
    "running": "{name} runs on {host}",
    "restarted": "{name} was started again on {host}",
    "stopped": "{name} is stopped on {host}",
    "gone": "{name} is gone from {host}",
    "osd": "{name} on {host} has its OSD",
    "blank": "{name} on {host} is blank",
}
_NOT_YET = {
    "running": "{name} does not run on {host}",
    "restarted": "{name} was not started again on {host}",
    "stopped": "{name} is not stopped on {host}",
    "gone": "{name} is still on {host}",
    "osd": "{name} on {host} has no OSD",
    "blank": "{name} on {host} is not blank",
}


@under_lock
def expected_of(core: Core, request: Request) -> Tuple[Expected, ...]:
    """Return what a request is to bring about; nothing where hosts do not report that."""
    variables, found = request.variables, []
    if request.operation in ACTIONS:
        state = _STATES.get(str(variables.get("daemon_action_action")), "")
        for host, units in (variables.get("daemon_action_units") or {}).items():
            known = core.places.by_unit(host)
            names = (known.get(unit) or daemon_of_unit(unit) for unit in units)
            found += [Expected(host, name, state) for name in names if name and state]
    elif request.operation in REMOVALS:
        found = _of_rows(variables, "daemon_remove_daemons", "gone")
    elif request.operation in _DEPLOYED:
        kind = _DEPLOYED[request.operation]
        found = _of_rows(variables, "daemon_deploy_daemons", "running", kind)
    elif request.operation == "create_osds":
        for host, groups in (variables.get("osd_create_groups") or {}).items():
            disks = [disk["path"] for group in groups for disk in group["data"]]
            found += [Expected(host, path, "osd") for path in disks]
    elif request.operation == "zap_device":
        for host, rows in (variables.get("device_zap_devices") or {}).items():
            found += [Expected(host, row["path"], "blank") for row in rows]
    return tuple(found[:MOST_EXPECTED])


def _of_rows(variables: Mapping[str, Any], name: str, state: str, kind: str = "") -> List[Expected]:
    return [
        Expected(host, f"{kind or row['daemon_type']}.{row['id' if kind else 'daemon_id']}", state)
        for host, rows in (variables.get(name) or {}).items()
        for row in rows
    ]


@under_lock
def services_of(core: Core, expected: Iterable[Expected]) -> List[str]:
    """Return the services of the daemons among these."""
    daemons = [each for each in expected if not each.name.startswith("/")]
    found = {core.daemon_services.of(each.host, *each.name.split(".", 1)) for each in daemons}
    return sorted(found)


def words_of(expected: Expected, *, holds: bool) -> str:
    """Return what is so on a host, or what is not."""
    words = (_WORDS if holds else _NOT_YET)[expected.state]
    return words.format(name=expected.name, host=expected.host)


@under_lock
def holds(core: Core, expected: Expected, asked: float, ended: float) -> Optional[bool]:
    """Tell whether something is so; None as long as the host has not reported since it ``ended``.

    ``asked`` is when the job was asked for; both are seconds since the epoch.

    Of monitors, managers and OSDs the cluster's maps say whether they are there.
    """
    report = core.reports.get(expected.host)
    of_disk = expected.state in ("osd", "blank")
    part = "devices" if of_disk else "daemons"
    if report is None or report.taken.get(part, 0.0) <= ended:
        return None
    if of_disk:
        return _disk_holds(core, report.devices, expected)
    if expected.host not in core.places.hosts_of(expected.name):
        return expected.state == "gone"
    row = core.places.row(expected.host, expected.name)
    kind, _, identity = expected.name.partition(".")
    running = bool(row["state"] == "running") and core.watch.is_at_work(kind, identity)
    if expected.state == "restarted":
        return running and epoch_of(row.get("started")) > asked
    stopped = bool(row["state"] == "stopped")
    return {"running": running, "stopped": stopped}.get(expected.state, False)


def _disk_holds(core: Core, devices: List[Dict[str, Any]], expected: Expected) -> bool:
    rows = [row for row in devices if row["path"] == expected.name]
    if expected.state == "blank":
        return any(row["available"] for row in rows)
    ids = [label["osd_id"] for row in rows for label in row["osds"] or ()]
    return any(core.watch.is_at_work("osd", str(osd_id)) for osd_id in ids if osd_id is not None)
