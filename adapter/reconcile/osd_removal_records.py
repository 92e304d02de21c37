"""What is written down of an OSD whose removal is asked for."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any, Dict, List, Tuple

from adapter.cluster.disk_owners import names_of
from adapter.cluster.mon_places import addresses_of
from adapter.cluster.osd_map import Osd, OsdMap
from adapter.cluster.osd_removals import Removal
from adapter.core import Core
from adapter.errors import InvalidValue
from adapter.reconcile.osd_planner import OsdPlanner
from adapter.state_lock import under_lock

Places = Tuple[Tuple[str, str], ...]


@under_lock
def removal_of(
    core: Core,
    planner: OsdPlanner,
    osd: Osd,
    osd_map: OsdMap,
    *,
    keep_id: bool,
    force: bool,
    zap: bool,
    no_destroy: bool,
    pgs: int = -1,
    drain: str = "",
) -> Removal:
    """Return the record of an OSD that leaves, by the ``drain`` of its host or by itself.

    Where it is in the queue already its removal was stopped, and begins again. Raises
    ``InvalidValue`` for disks of a destroyed OSD that are to be wiped and nobody knows.
    """
    host = core.owners.host_of(osd)
    label, rows = "", planner.disks_of(osd.osd_id, host, osd_map)
    if osd.destroyed:
        label, rows = planner.left_by(osd.osd_id, host, osd_map)
        if zap and not label:
            raise InvalidValue(
                "zap",
                f"osd.{osd.osd_id}",
                f"it is destroyed, and no disk of host {host or '(unknown)'} is known to be its: "
                "one must have its label, and be that which it was on last",
                "Remove it without --zap, and erase its disk by name: `ceph orch device zap`.",
            )
    rows = [row for row in rows if not is_copy(core, osd, row)]
    places = _reported(rows)
    if rows or not osd.destroyed:
        places += _not_reported(core, osd, rows)
    asked = Removal(
        osd_id=osd.osd_id,
        uuid=osd.uuid,
        host=host,
        label=label,
        service=core.owners.service_of(osd.osd_id),
        disks=tuple(name or path for path, name in places),
        places=places,
        crush_weight=osd.crush_weight,
        weights=tuple((each.bucket, each.weight) for each in osd.places),
        was_in=osd.reweight > 0,
        epoch=osd_map.epoch,
        asked=time.time(),
        replace=keep_id,
        force=force,
        zap=zap,
        no_destroy=no_destroy,
        drain=drain,
        hostname=core.owners.metadata(osd.osd_id).hostname,
        pgs_before=pgs,
        pgs=pgs,
    )
    stopped = core.removals.get(osd.osd_id)
    if stopped is None or stopped.uuid not in ("", osd.uuid):
        return asked
    return _begun_again(asked, stopped)


def _begun_again(asked: Removal, stopped: Removal) -> Removal:
    """Return a removal with what is still to be undone of the one before, which was stopped.

    A job may still stop the OSD: that it was told to is what it is started again for, and only one
    that drains is, whatever scrubs have found meanwhile.
    """
    return replace(
        asked,
        drain_started=stopped.drain_started,
        crush_weight=asked.crush_weight or stopped.crush_weight,
        weights=_weights_of(asked, stopped),
        was_in=asked.was_in or stopped.was_in,
        asked_stop=stopped.asked_stop and stopped.host == asked.host,
        stopped=stopped.stopped and stopped.host == asked.host,
        up_from=stopped.up_from,
    )


def moved_to(core: Core, removal: Removal, osd: Osd) -> str:
    """Return the host that has an OSD now, if that is not the one which its removal asks."""
    if osd.destroyed:
        return ""
    host = core.owners.host_of(osd)
    if host in core.hosts and host != removal.host:
        return host
    said = core.owners.metadata(osd.osd_id).hostname
    if not said or said == removal.host:
        return ""
    return said if _is_foreign(core, removal, osd) else ""


def _is_foreign(core: Core, removal: Removal, osd: Osd) -> bool:
    """Tell whether the map has an OSD at an address that its removal's host has not.

    What it called its host when it started is no proof: hosts are renamed. Until the host has
    reported nobody knows it, and what is asked of it waits, unless the OSD said the same before.
    """
    report = core.reports.get(removal.host)
    if report is None and core.owners.metadata(osd.osd_id).hostname == removal.hostname:
        return False
    if report is None:
        # One that is not managed never will.
        return removal.host in core.hosts or removal.host in core.hosts.problems
    own = addresses_of(report.facts)
    return bool(own and osd.address[0]) and osd.address[0] not in map(str, own or ())


def _weights_of(asked: Removal, stopped: Removal) -> Tuple[Tuple[int, float], ...]:
    """Return the weight in each place: what it has, or had before it began to drain first.

    A place without any is one that it was moved to while it drained.
    """
    had = dict(stopped.weights)
    had.update((bucket, weight) for bucket, weight in asked.weights if weight)
    return tuple(had.items())


def is_copy(core: Core, osd: Osd, row: Dict[str, Any]) -> bool:
    """Tell whether a disk is none of those that an OSD named when it started last.

    By vendor, model and serial where there are some; of one that is up by the name too.
    """
    said = core.owners.metadata(osd.osd_id)
    known = {name for _, name in said.names}
    name = str(row["device_id"] or "")
    if name and known and "" not in known:
        return name not in known
    named = {*said.devices, *said.db_devices, *said.wal_devices}
    return osd.up and bool(named) and named.isdisjoint(names_of(row))


def _reported(rows: List[Dict[str, Any]]) -> Places:
    """Return path and device id of disks as their host reported them."""
    return tuple((str(row["path"]), str(row["device_id"] or "")) for row in rows)


def _not_reported(core: Core, osd: Osd, rows: List[Dict[str, Any]]) -> Places:
    """Return path and device id of disks that an OSD named when it started last, and no row has.

    Where some are reported, one without an id may be one of them by another name.
    """
    said = core.owners.metadata(osd.osd_id)
    named = dict(said.names)
    if rows:
        there = {str(row["device_id"] or "") for row in rows}
        gone = [name for name, value in said.names if value and value not in there]
        return tuple((f"/dev/{name}", named[name]) for name in gone)
    return tuple((f"/dev/{name}", named.get(name, "")) for name in said.devices)
