"""What speaks against emptying a host: its data, its services, the last host of administrators."""

from __future__ import annotations

import copy
from typing import Dict, List, Sequence

from adapter.cluster.failure_domains import Obstacle, obstacles
from adapter.cluster.host_admin import LABEL, is_admin
from adapter.cluster.osd_map import OsdMap
from adapter.cluster.osd_removals import Stage
from adapter.cluster.schedule import NO_SCHEDULE
from adapter.core import Core
from adapter.errors import AdapterError
from adapter.interface import HostSpec
from adapter.kinds import KINDS, daemon_type_of
from adapter.reconcile import Reconciler
from adapter.reconcile.conf_hold import hold_reason
from adapter.reconcile.service_floor import held_reason
from adapter.state_lock import under_lock


class DrainChecks:
    """Ask before anything is done; nothing is changed here."""

    def __init__(self, core: Core, reconciler: Reconciler) -> None:
        self._core, self._reconciler = core, reconciler

    def refuse(
        self, hostname: str, osd_ids: Sequence[int], osd_map: OsdMap, *, force: bool
    ) -> List[str]:
        """Raise ``AdapterError`` with all that speaks against it; with ``force`` return it.

        What no force is to help with is raised in any case.
        """
        found = self._data(osd_ids, osd_map)
        with self._core.lock:
            found += [Obstacle(text) for text in self._services(hostname)]
        final = [each.reason for each in found if each.final]
        reasons = "; ".join(each.reason for each in found)
        if final:
            raise AdapterError(
                f"Host '{hostname}' cannot be drained: {reasons}.",
                "Add hosts or OSDs first, or make the pools smaller; --force does not help here.",
            )
        if found and not force:
            raise AdapterError(
                f"Host '{hostname}' is not drained: {reasons}.",
                "--force begins it all the same: data without another place stays on its OSDs, and "
                "the last daemons of the cluster's own services stay.",
            )
        return [f"Begun with --force: {each.reason}." for each in found]

    def _data(self, osd_ids: Sequence[int], osd_map: OsdMap) -> List[Obstacle]:
        """Return what keeps the data of OSDs from moving away."""
        if not osd_ids:
            return []
        with self._core.lock:
            leaving = {
                removal.osd_id
                for removal in self._core.removals.all()
                if removal.stage is not Stage.KEEPING
            }
        return obstacles(self._core.maps.placements(osd_map, leaving), osd_ids)

    @under_lock
    def _services(self, hostname: str) -> List[str]:
        core = self._core
        known = core.hosts.get(hostname)
        found = []
        others = [host for host in core.hosts.all() if host.hostname != hostname]
        left = [h for h in others if is_admin(h.labels) and NO_SCHEDULE not in h.labels]
        if is_admin(known.labels) and not left:
            found.append(f"it is the last host with the label {LABEL}")
        named = [
            wanted.name
            for wanted in core.specs.all()
            if not wanted.deleted
            and any(each.hostname == hostname for each in wanted.spec.placement.hosts or ())
        ]
        if named and NO_SCHEDULE not in known.labels:
            found.append(f"the placement of {', '.join(sorted(named))} names it")
        return [*found, *self._last_daemons(hostname).values()]

    @under_lock
    def _last_daemons(self, hostname: str) -> Dict[str, str]:
        """Return by service what it could not spare, if it has daemons on a host."""
        core, services = self._core, self._reconciler.services
        running = services.running()
        hosts = [_marked(host) if host.hostname == hostname else host for host in services.hosts()]
        found = {}
        for wanted in core.specs.all():
            kind = daemon_type_of(wanted.spec)
            there = running.get(wanted.name, [])
            mine = [each for each in there if each.hostname == hostname]
            if not mine or wanted.spec.service_type not in KINDS:
                continue
            if wanted.spec.unmanaged or wanted.deleted:
                continue
            diff = services.diff(wanted, there, hosts)
            held = held_reason(wanted, diff, there) or hold_reason(core, wanted, diff)
            names = ", ".join(f"{kind}.{each.daemon_id}" for each in mine)
            if not diff.size:
                found[wanted.name] = f"service {wanted.name} has no other host for {names}"
            elif held:
                found[wanted.name] = f"service {wanted.name}: {held.rstrip('.')}"
        return found


def _marked(host: HostSpec) -> HostSpec:
    marked = copy.copy(host)
    marked.labels = [*host.labels, NO_SCHEDULE]
    return marked
