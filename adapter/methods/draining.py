"""Emptying hosts: ``ceph orch host drain NAME`` and ``ceph orch host drain stop NAME``."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Dict, List, Sequence, Tuple

from adapter.cluster.drains import Drain
from adapter.cluster.host_admin import WITHOUT
from adapter.cluster.hosts import MAINTENANCE, Host
from adapter.cluster.osd_map import Osd, OsdMap, listed
from adapter.cluster.osd_removals import Removal, Stage
from adapter.cluster.schedule import NO_SCHEDULE
from adapter.core import Core
from adapter.errors import AdapterError, InvalidValue, NotKept, NotReady, ReportAwaited
from adapter.interface import OrchestratorError
from adapter.methods._awaited import when_reported
from adapter.methods._drain_checks import DrainChecks
from adapter.methods._method import method
from adapter.methods._removals import put_back, refuse_queued
from adapter.methods.host_specs import tell_labels
from adapter.reconcile import Reconciler
from adapter.reconcile.osd_restoring import successor
from adapter.reconcile.waiting_osd_jobs import give_up_waiting
from adapter.state_lock import under_lock
from adapter.tables import table


class DrainMethods:
    """Empty a host, and stop that, on a ``Core``."""

    def __init__(self, core: Core, reconciler: Reconciler) -> None:
        self.core, self.reconciler = core, reconciler
        self._checks = DrainChecks(core, reconciler)
        self._asking = threading.Lock()

    @method
    def drain_host(
        self,
        hostname: str,
        force: bool = False,
        keep_conf_keyring: bool = False,
        zap_osd_devices: bool = False,
    ) -> str:
        """Empty a host: no daemon is placed there any more, those there and its OSDs leave.

        ``keep_conf_keyring`` leaves ceph.conf and the administrator's keyring there,
        ``zap_osd_devices`` erases the disks of its OSDs (DESTROYS DATA). Raises ``AdapterError``
        for a drain that cannot end or takes what a service cannot spare; ``force`` begins one all
        the same, where no pool comes below its min_size. Asked for again it goes on, with the
        options of the last time. Goes on in the background.
        """
        _refuse_maintenance(self.core.hosts.get(hostname))
        when_reported(self.core, lambda: self._check_said(hostname))
        # Of two drains at the same time the second one counts what the first one takes away.
        with self._asking:
            return self._drain(hostname, force, keep_conf_keyring, zap_osd_devices)

    def _check_said(self, hostname: str) -> None:
        """Raise ``ReportAwaited`` where a host has not told this manager yet what runs on it."""
        core = self.core
        with core.lock:
            if not core.liveness.online(hostname) or hostname not in core.refresh.unread():
                return
            core.refresh.want([hostname])
        core.wake_event.set()
        raise ReportAwaited(
            f"Host '{hostname}' has not said yet what runs on it.", "Try again in some seconds."
        )

    def _drain(self, hostname: str, force: bool, keep_conf: bool, zap: bool) -> str:
        core = self.core
        self.reconciler.read_maps()
        osd_map = core.maps.osd_map()
        with core.lock:
            osds = self._osds_of(hostname, osd_map)
            new, going = self._sort(hostname, osds, osd_map)
        notes = self._checks.refuse(hostname, [osd.osd_id for osd in new], osd_map, force=force)
        counts = self._pg_counts()
        labels = (NO_SCHEDULE,) if keep_conf else (NO_SCHEDULE, WITHOUT)
        # What brings back an OSD whose removal was stopped may be in the middle of it.
        with self.reconciler.remover.acting, core.lock:
            known = core.hosts.get(hostname)
            # Somebody may have asked for it while the monitors were asked.
            _refuse_maintenance(known)
            drain = _drain_of(known, labels, new, zap=zap)
            drained = core.hosts.save(_draining(known, labels, drain))
            self._begin(known, drained, drain, osd_map, counts)
            notes += self._bring_zap(going, hostname, zap=zap)
            text = self._answer(hostname, [osd.osd_id for osd in osds])
            if self.reconciler.absence is None and set(known.labels) != set(drained.labels):
                # A manager does it behind what takes daemons away.
                tell_labels(core, "add_host_label", drained)
        core.wake_event.set()
        return "\n".join([text, *notes, *filter(None, [core.paused_note()])])

    @under_lock
    def _osds_of(self, hostname: str, osd_map: OsdMap) -> List[Osd]:
        """Return the OSDs of a host; raises ``NotReady`` for one whose record cannot be used."""
        owners, removals = self.core.owners, self.core.removals
        found = [osd for osd in osd_map.osds.values() if owners.host_of(osd) == hostname]
        for osd in found:
            problem = removals.problems.get(str(osd.osd_id))
            if problem:
                raise NotReady(
                    f"The record of osd.{osd.osd_id} in the removal queue cannot be used: "
                    f"{problem}.",
                    f"`ceph orch osd rm stop {osd.osd_id}` removes it.",
                )
        return found

    @under_lock
    def _sort(
        self, hostname: str, osds: Sequence[Osd], osd_map: OsdMap
    ) -> Tuple[List[Osd], List[Removal]]:
        """Return the OSDs that are to be queued, and what is in the queue of others.

        One whose removal was stopped is queued again, although it may still be started for that.
        """
        new, going = [], []
        for osd in osds:
            known = self.core.removals.get(osd.osd_id)
            if known is not None and successor(known, osd_map):
                refuse_queued(known, osd, osd_map, replaced=False)
            elif known is None or known.stage is Stage.KEEPING:
                new.append(osd)
            else:
                going.append(known)
        return new, going

    def _pg_counts(self) -> Dict[int, int]:
        """Return the placement groups by OSD, or nothing where they are not known now."""
        try:
            return dict(self.core.maps.pg_counts())
        except OrchestratorError:
            return {}

    @under_lock
    def _begin(
        self, known: Host, drained: Host, drain: Drain, osd_map: OsdMap, counts: Dict[int, int]
    ) -> None:
        """Queue the OSDs of a drain that is kept; where one cannot be, all is as before."""
        core = self.core
        before = {removal.osd_id: removal for removal in core.removals.all()}
        try:
            self.reconciler.drains.begin(drained, drain, osd_map, counts)
        except NotKept as error:
            queued = [each for each in core.removals.all() if before.get(each.osd_id) != each]
            try:
                for each in queued:
                    put_back(core, each.osd_id, before.get(each.osd_id))
                core.hosts.save(known)
            except NotKept:
                raise AdapterError(
                    f"{error} The drain of host {known.hostname} goes on when records can be kept.",
                    f"`ceph orch host drain stop {known.hostname}` ends it.",
                ) from error
            raise

    @under_lock
    def _bring_zap(self, going: Sequence[Removal], hostname: str, *, zap: bool) -> List[str]:
        """Let the OSDs that leave already be wiped or not, as asked now; say what is left alone."""
        notes = []
        for removal in going:
            if removal.drain != hostname:
                name, status = f"osd.{removal.osd_id}", removal.drain_status
                notes.append(f"{name} is being removed already ({status}); that goes on as it is.")
            elif removal.zap != zap and removal.stage is not Stage.CLEANING:
                self.core.removals.save(replace(removal, zap=zap))
            elif removal.zap != zap:
                wiped = "being wiped" if removal.zap else "left as they are"
                notes.append(f"The disks of osd.{removal.osd_id} are {wiped} already.")
        return notes

    @under_lock
    def _answer(self, hostname: str, osd_ids: Sequence[int]) -> str:
        """Return what leaves, as a table, and what does not leave by itself."""
        core, drains = self.core, self.reconciler.drains
        daemons = drains.daemons_of(hostname)
        stays = {name: drains.stays(name, service) for name, service in daemons.items()}
        leaving = [name for name, why in stays.items() if not why]
        rows = [tuple(name.split(".", 1)) for name in [*leaving, *map("osd.{}".format, osd_ids)]]
        lines = [f"Scheduled to remove the following daemons from host '{hostname}'"]
        lines.append(table(("type", "id"), rows) if rows else "(none)")
        lines += [
            f"Stays until somebody removes it: {n}: {why}." for n, why in stays.items() if why
        ]
        if not core.liveness.online(hostname):
            lines.append(
                f"Host '{hostname}' is offline: its OSDs leave when their data is elsewhere, other "
                f"daemons get successors. `ceph orch host rm {hostname} --offline --force` then "
                "forgets the host with what is left; its disks stay as they are."
            )
        if osd_ids:
            lines.append("`ceph orch osd rm status` shows how far its OSDs are.")
        return "\n".join(lines)

    @method
    def stop_drain_host(self, hostname: str) -> str:
        """Stop emptying a host: take away the labels that the drain set, and keep its OSDs.

        OSDs that left the map already do not come back. Services deploy daemons again as their
        specs say. Raises ``InvalidValue`` for a host that is not being drained.
        """
        core, remover = self.core, self.reconciler.remover
        drain = self._known(hostname)
        with remover.acting:
            osd_map = core.maps.osd_map()
            with core.lock:
                # Whether the drain removes one whose record cannot be used nobody knows.
                self._osds_of(hostname, osd_map)
                if not drain.begun:
                    # Nothing more of it is queued.
                    known = core.hosts.get(hostname)
                    core.hosts.save(replace(known, drain=replace(drain, begun=True)))
                self._give_up_stops(hostname)
                removals = [each for each in core.removals.all() if each.drain == hostname]
                others = [
                    each.osd_id
                    for each in core.removals.all()
                    if each.host == hostname and not each.drain and each.stage is not Stage.KEEPING
                ]
            kept, notes = self._keep(removals, osd_map)
        with core.lock:
            known = core.hosts.get(hostname)
            drain = known.drain or drain
            # What a spec gives since, or somebody else, is not the drain's.
            gone = {each for each in drain.labels if each not in known.spec_labels}
            labels = tuple(each for each in known.labels if each not in gone)
            changed = core.hosts.save(replace(known, labels=labels, drain=None))
            core.drain_watch.keep([h.hostname for h in core.hosts.all() if h.drain])
            tell_labels(core, "remove_host_label", changed)
        core.wake_event.set()
        text = f"Stopped host drain for {hostname}"
        stay = [each for each in (NO_SCHEDULE, WITHOUT) if each in labels]
        if stay:
            notes.append(f"The drain did not set the label {', '.join(stay)}: it stays.")
        if kept:
            notes.append(f"Kept: {listed(kept)}.")
        if others:
            notes.append(
                f"Still being removed, for that was asked for by itself: {listed(others)}. "
                f"`ceph orch osd rm stop {' '.join(map(str, others))}` ends that."
            )
        return "\n".join([text, *notes, *filter(None, [core.paused_note()])])

    @under_lock
    def _give_up_stops(self, hostname: str) -> None:
        """End the jobs that have not begun to stop an OSD of a drain: it stays."""
        stopping = [
            each.osd_id
            for each in self.core.removals.all()
            if each.drain == hostname and each.stage is Stage.STOPPING
        ]
        give_up_waiting(self.core, "a drain was stopped", osd_ids=stopping)

    def _known(self, hostname: str) -> Drain:
        """Return the drain of a host; raises ``InvalidValue`` where there is none."""
        known = self.core.hosts.get(hostname)
        if known.drain is None:
            marked = [each for each in (NO_SCHEDULE, WITHOUT) if each in known.labels]
            remedy = (
                f"Its label {' and '.join(marked)} was put there by hand: `ceph orch host label rm "
                f"{hostname} LABEL` takes it away."
                if marked
                else "`ceph orch host ls` shows which hosts are."
            )
            raise InvalidValue("host", hostname, "it is not being drained", remedy)
        return known.drain

    def _keep(self, removals: Sequence[Removal], osd_map: OsdMap) -> Tuple[List[int], List[str]]:
        """Keep the OSDs of a drain, as far as they are there; return them, and what is to be said.

        The caller holds the remover's ``acting``.
        """
        restorer, kept, notes = self.reconciler.remover.restorer, [], []
        for removal in removals:
            osd_id = removal.osd_id
            if removal.stage is Stage.KEEPING:
                continue
            if removal.stage is Stage.CLEANING or osd_id not in osd_map.osds:
                notes.append(
                    f"osd.{osd_id} is out of the map already: its removal goes on "
                    f"({removal.drain_status}); `ceph orch osd rm stop {osd_id}` leaves its disks "
                    "as they are."
                )
                continue
            note = restorer.keep(removal, osd_map)
            notes += [f"{note}."] if note else []
            if not osd_map.osds[osd_id].destroyed:
                kept.append(osd_id)
        return kept, notes


def _refuse_maintenance(host: Host) -> None:
    if host.status == MAINTENANCE:
        raise InvalidValue(
            "host",
            host.hostname,
            "it is in maintenance, and its daemons are stopped",
            f"`ceph orch host maintenance exit {host.hostname}` starts them; drain it then.",
        )


def _drain_of(known: Host, labels: Sequence[str], new: Sequence[Osd], *, zap: bool) -> Drain:
    """Return the drain of a host as asked for now: the labels that it sets, what it removes."""
    before = known.drain or Drain()
    added = (each for each in labels if each not in known.labels)
    return Drain(
        asked=before.asked or round(time.time(), 3),
        labels=(*(each for each in before.labels if each in labels), *added),
        osds=tuple((osd.osd_id, osd.uuid) for osd in new),
        zap=zap,
    )


def _draining(known: Host, labels: Sequence[str], drain: Drain) -> Host:
    """Return a host with its drain and the labels of it.

    Those of the drain before it that are not wanted now are taken away, if it had set them.
    """
    before = known.drain.labels if known.drain else ()
    kept = (each for each in known.labels if each in labels or each not in before)
    added = (each for each in labels if each not in known.labels)
    return replace(known, labels=(*kept, *added), drain=drain)
