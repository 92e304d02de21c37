"""OSDs: ``ceph orch daemon add osd``, ``ceph orch osd ...``, ``ceph orch device zap|replace``."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any, Dict, List, Mapping, Optional, Sequence

from adapter import names
from adapter.cluster.drive_group_fields import check_drive_group
from adapter.cluster.hosts import Host
from adapter.cluster.osd_map import Osd, OsdMap, checked_number, listed
from adapter.cluster.osd_plan import HostPlan, disk_of, plan_host
from adapter.cluster.osd_plan_text import describe_plans
from adapter.cluster.osd_removals import OsdRemovalRow, Removal, removal_row
from adapter.core import Core
from adapter.engine.completion import Completion
from adapter.errors import (
    AdapterError,
    InvalidValue,
    JobFailed,
    NotKept,
    UnknownName,
)
from adapter.interface import (
    Device,
    DriveGroupSpec,
    OrchestratorError,
)
from adapter.methods._copied_disks import as_moved, refuse_copy, refuse_other_disk
from adapter.methods._method import method
from adapter.methods._removals import (
    as_it_is,
    put_back,
    refuse_queued,
    refuse_unreadable,
    unwipable,
    without_weight,
)
from adapter.methods._said_disks import check_said_disks, refuse_begun
from adapter.methods._wiping import (
    allowed_to_wipe,
    erased,
    refuse_busy,
    refuse_waiting,
    way_back,
)
from adapter.methods.devices import reachable
from adapter.reconcile import Reconciler
from adapter.reconcile.osd_removal_records import removal_of
from adapter.reconcile.ownership import check_workable
from adapter.reconcile.waiting_osd_jobs import give_up_waiting

# For how long it holds that the monitors call an OSD safe to destroy (seconds): a job begins within
# a few, if it has not to wait.
ALLOWED_SECONDS = 30.0


class OsdMethods:
    """The OSD methods of the interface, on a ``Core``."""

    def __init__(self, core: Core, reconciler: Reconciler) -> None:
        self.core, self.reconciler = core, reconciler

    @method
    def create_osds(self, drive_group: DriveGroupSpec, skip_validation: bool = False) -> str:
        """Make OSDs of the named devices of one host, taking ids of destroyed OSDs there again.

        ``skip_validation`` leaves it to the host to refuse devices that the last report shows in
        use, and starts OSDs on disks that came from another host. Raises ``UnknownName``,
        ``InvalidValue``, ``HostUnreachable``, ``JobFailed``.
        """
        check_drive_group(drive_group)
        host = reachable(self.core, str(drive_group.placement.host_pattern.pattern))
        with self.core.lock:
            check_workable(self.core, host.hostname)
        self.core.intents.check_readable(host.hostname)
        osd_map = self.core.maps.osd_map()
        devices = self._named_devices(drive_group, host, osd_map, skip_validation)
        with self.core.lock:
            free_ids = self.reconciler.planner.waiting_ids(host.hostname, osd_map)
            if free_ids and osd_map.missing:
                raise InvalidValue(
                    "device",
                    _paths(drive_group),
                    osd_map.waits_for_destroyed,
                    f"Start the OSDs that are down, or restore {listed(free_ids)} with its disk "
                    "(`ceph osd new UUID ID`).",
                )
            plan = plan_host(
                drive_group,
                host.hostname,
                devices,
                free_ids=free_ids,
                busy=self.core.intents.paths(host.hostname),
                **self.reconciler.planner.storage(host.hostname),
            )
            if skip_validation:
                plan = as_moved(self.reconciler.planner, plan, osd_map)
        if not plan.groups:
            raise InvalidValue(
                "device", _paths(drive_group), "; ".join(plan.notes) or "nothing can be made of it"
            )
        job = self.reconciler.creator.make(self._as_before(plan))
        words = "; ".join(describe_plans([plan]))
        if job is None:
            return f"Queued until the host has made the OSDs that it is at: {words}"
        if not job.wait(self.core.answer_wait):
            return f"Making OSDs: {words} (job {job.job_id})"
        if job.record.never_began and self._is_to_be_made(plan):
            return f"Queued for the next job: {words} (this one was {job.message})"
        return _created(host.hostname, _answer(job))

    def _is_to_be_made(self, plan: HostPlan) -> bool:
        """Tell whether what a plan makes is still written down, for the next job."""
        with self.core.lock:
            intent = self.core.intents.find(plan.host)
        return intent is not None and all(group in intent.groups for group in plan.groups)

    def _as_before(self, plan: HostPlan) -> HostPlan:
        """Return the plan with the drive group of the OSDs whose ids are all that it takes."""
        groups = []
        for group in plan.groups:
            found = [self.core.owners.destroyed(osd_id) for osd_id in group.osd_ids]
            services = {destroyed.service if destroyed else "" for destroyed in found}
            name = services.pop().partition(".")[2] if len(services) == 1 else ""
            if name and len(group.osd_ids) == len(group.data) and not group.options["osdspec"]:
                group = replace(group, options={**group.options, "osdspec": name})
            groups.append(group)
        return replace(plan, groups=tuple(groups))

    def _refuse_used(self, hostname: str, path: str, osd_map: OsdMap) -> None:
        """Raise ``InvalidValue`` for a device that an OSD of the cluster has."""
        with self.core.lock:
            ids = self.reconciler.planner.on_disk(hostname, path, osd_map)
        if ids:
            up = all(osd_map.osds[each].up for each in ids)
            start = "" if up else way_back(self.core, hostname, path, ids[0])
            raise InvalidValue(
                "device",
                f"{hostname}:{path}",
                f"{listed(ids)} {'runs' if up else 'is'} on it",
                f"{start}`ceph orch osd rm {ids[0]} --zap` drains it first.",
            )

    def _named_devices(
        self, drive_group: DriveGroupSpec, host: Host, osd_map: OsdMap, skip_validation: bool
    ) -> List[Device]:
        """Return the host's devices; raise for a named one that it has not, or that is in use."""
        selections = (drive_group.data_devices, drive_group.db_devices, drive_group.wal_devices)
        for path in (
            each.path for selection in selections if selection for each in selection.paths
        ):
            refuse_begun(self.core, host.hostname, path)
        check_said_disks(self.core, host.hostname)
        with self.core.lock:
            known = {device.path: device for device in self.reconciler.planner.devices(host)}
        for selection in selections:
            for wanted in selection.paths if selection else ():
                with self.core.lock:
                    path = self.reconciler.planner.named(host, wanted.path)
                    both = self.reconciler.planner.shared_with(host.hostname, path)
                if both:
                    raise InvalidValue(
                        "device",
                        f"{host.hostname}:{path}",
                        both,
                        "Let only one host have it, then `ceph orch device ls --refresh`.",
                    )
                device = known[path]
                if not device.available and not skip_validation and not device.ceph_device_lvm:
                    self._refuse_used(host.hostname, path, osd_map)
                    raise InvalidValue(
                        "device",
                        f"{host.hostname}:{path}",
                        f"it is not available: {', '.join(device.rejected_reasons) or 'in use'}",
                        f"`ceph orch device zap {host.hostname} {path} --force` erases it.",
                    )
                if skip_validation:
                    with self.core.lock:
                        refuse_copy(
                            self.core, self.reconciler.planner, host.hostname, path, osd_map
                        )
                    known[path] = _as_available(device)
        return list(known.values())

    @method
    def zap_device(self, host: str, path: str) -> str:
        """Erase a device; the host refuses one that is in use. DESTROYS DATA.

        No drive group takes the device again by itself: apply it again for that.
        """
        known = reachable(self.core, host)
        given, core = path, self.core
        check_said_disks(core, host)
        osd_map = core.maps.osd_map()
        with core.lock:
            core.intents.check_readable(host)
            path = self.reconciler.planner.named(known, given)
            found = {device.path: device for device in self.reconciler.planner.devices(known)}
            device = found[path]
        refuse_begun(core, host, path)
        # What is safe to destroy now may not be when the job has waited for its turn.
        until = time.time() + ALLOWED_SECONDS
        allowed = allowed_to_wipe(core, self.reconciler.planner, host, path, osd_map)
        keyring = core.maps.bootstrap_keyring()
        with core.lock:
            if allowed:
                refuse_busy(core, host, path)
            disk = disk_of(device, "" if given == path else given)
            core.specs.release(host, [disk.key])
            parameters = {
                "devices": {host: [disk.to_json()]},
                "cluster": core.cluster,
                "allowed": {host: allowed},
                # The host compares it with its own clock.
                "allowed_until": until + core.reports.ahead(host) if allowed else 0.0,
            }
            job = core.submit(
                "zap_device",
                [known],
                parameters=parameters,
                secrets={"bootstrap-osd.keyring": keyring},
                summary=f"Erase {host}:{path}" + (f" ({given})" if disk.link else ""),
            )
        if not job.wait(core.answer_wait):
            refuse_waiting(core, job, host, path)
            return f"Erasing {disk.describe()} on {host} (job {job.job_id})"
        return erased(host, path, _answer(job))

    @method
    def remove_osds(
        self,
        osd_ids: List[str],
        replace: bool = False,
        replace_block: bool = False,
        replace_db: bool = False,
        replace_wal: bool = False,
        force: bool = False,
        zap: bool = False,
        no_destroy: bool = False,
    ) -> str:
        """Drain OSDs and remove them, or keep their ids for new disks (``replace``).

        ``force`` does not wait until their data is elsewhere: DATA CAN BE LOST. ``zap`` erases
        their disks afterwards, ``no_destroy`` leaves volume groups there. Raises ``UnknownName``
        for an id that is not in the map; then none is removed.
        """
        keep_id = replace or replace_block or replace_db or replace_wal
        osd_map = self.core.maps.osd_map()
        osds = [_osd(osd_map, text) for text in dict.fromkeys(osd_ids)]
        if not osds:
            raise InvalidValue("OSD ids", osd_ids, "none is named", "Give at least one id.")
        core = self.core
        self.reconciler.read_maps()
        counts = self._pg_counts()
        # What brings back an OSD whose removal was stopped may be in the middle of it.
        with self.reconciler.remover.acting, core.lock:
            for osd in osds:
                refuse_unreadable(core, osd)
                refuse_queued(core.removals.get(osd.osd_id), osd, osd_map, replaced=keep_id)
            removals = [
                removal_of(
                    core,
                    self.reconciler.planner,
                    osd,
                    osd_map,
                    keep_id=keep_id,
                    force=force,
                    zap=zap,
                    no_destroy=no_destroy,
                    pgs=counts.get(osd.osd_id, -1),
                )
                for osd in osds
            ]
            self._keep_removals(removals)
            notes = [note for each in removals for note in unwipable(core, each)]
        core.wake_event.set()
        what = "replacement" if keep_id else "removal"
        text = f"Scheduled OSD(s) for {what}: {listed([osd.osd_id for osd in osds])}"
        return "; ".join([text, *notes, *filter(None, [core.paused_note()])])

    def _pg_counts(self) -> Dict[int, int]:
        """Return the placement groups by OSD, or nothing where they are not known now."""
        try:
            return dict(self.core.maps.pg_counts())
        except OrchestratorError:
            return {}

    def _keep_removals(self, removals: Sequence[Removal]) -> None:
        """Keep all of these; where one cannot be kept, none is."""
        queue = self.core.removals
        kept: Dict[int, Optional[Removal]] = {}
        try:
            for removal in removals:
                before = queue.get(removal.osd_id)
                queue.save(removal)
                kept[removal.osd_id] = before
        except NotKept as error:
            stay = self._take_back(kept)
            if not stay:
                raise
            raise AdapterError(
                f"{error} {listed(stay)} stay in the queue.", "`ceph orch osd rm stop` ends that."
            ) from error

    def _take_back(self, kept: Mapping[int, Optional[Removal]]) -> List[int]:
        """End removals that were just asked for; return those that cannot be ended."""
        stay = []
        for osd_id, before in kept.items():
            try:
                put_back(self.core, osd_id, before)
            except NotKept:
                stay.append(osd_id)
        return stay

    @method
    def stop_remove_osds(self, osd_ids: List[str]) -> str:
        """Take OSDs out of the removal queue, give them their weight back, and start them again.

        That can be done until an OSD is purged or destroyed; later it leaves the OSD's disks as
        they are. Raises ``UnknownName`` for one that is not in the queue, ``AdapterError`` for one
        whose host is being cleaned already; then all stay in it.
        """
        core, remover = self.core, self.reconciler.remover
        with remover.acting:
            osd_map = core.maps.osd_map()
            with core.lock:
                numbers = list(dict.fromkeys(map(checked_number, osd_ids)))
                # What has not begun yet would be done to one that stays.
                give_up_waiting(core, "a removal was stopped", osd_ids=numbers)
                unreadable = [each for each in numbers if str(each) in core.removals.problems]
                removals = [self._queued(each) for each in numbers if each not in unreadable]
            for removal in removals:
                remover.restorer.check(removal, osd_map)
            notes = remover.restorer.keep_each(removals, osd_map)
            notes += [without_weight(removal, osd_map) for removal in removals]
            with core.lock:
                for osd_id in unreadable:
                    core.removals.remove(osd_id)
        core.wake_event.set()
        notes += [as_it_is(osd_id, osd_map) for osd_id in unreadable]
        return "; ".join([f"Stopped OSD(s) removal: {listed(numbers)}", *filter(None, notes)])

    def _queued(self, number: int) -> Removal:
        removal = self.core.removals.get(number)
        if removal is None:
            raise UnknownName(
                "OSD in the removal queue", f"osd.{number}", "See `ceph orch osd rm status`."
            )
        return removal

    @method
    def remove_osds_status(self) -> List[OsdRemovalRow]:
        """Return the OSDs that are being removed, each with how far it is and what it waits for."""
        with self.core.lock:
            return [removal_row(removal, time.time()) for removal in self.core.removals.all()]

    @method
    def replace_device(
        self, hostname: str, device: str, clear: bool = False, yes_i_really_mean_it: bool = False
    ) -> str:
        """Drain the OSDs of a device, keep their ids, and erase the device for its replacement.

        ``clear`` takes them out of the queue again. A device that several OSDs share needs
        ``yes_i_really_mean_it``.
        """
        host = self.core.hosts.get(hostname)
        path = names.check_device_path(device, "device")
        self.reconciler.read_maps()
        osd_map = self.core.maps.osd_map()
        with self.core.lock:
            path = self.reconciler.planner.renamed(host, path)
            ids = self.reconciler.planner.on_disk(hostname, path, osd_map)
            if not clear:
                refuse_other_disk(self.core, self.reconciler.planner, hostname, path, osd_map)
        found = [str(each) for each in ids]
        if not found:
            check_said_disks(self.core, hostname)
            raise UnknownName("OSD on the device", f"{hostname}:{path}")
        if clear:
            return self.stop_remove_osds(found)
        if len(found) > 1 and not yes_i_really_mean_it:
            raise InvalidValue(
                "device",
                path,
                f"{len(found)} OSDs use it: {listed([int(each) for each in found])}",
                "Give --yes-i-really-mean-it to replace them all.",
            )
        return self.remove_osds(found, replace=True, zap=True)

    @method
    def set_osd_spec(self, service_name: str, osd_ids: List[str]) -> str:
        """Say that OSDs belong to a drive group, whatever made them."""
        osd_map = self.core.maps.osd_map()
        osds = [_osd(osd_map, text) for text in dict.fromkeys(osd_ids)]
        with self.core.lock:
            wanted = self.core.specs.get(service_name)
            if wanted.spec.service_type != "osd":
                raise InvalidValue("service", service_name, "it is not an OSD service")
            self.core.owners.assign(osds, service_name)
        return f"Updated service for osd {','.join(str(osd.osd_id) for osd in osds)}"


def _paths(drive_group: DriveGroupSpec) -> str:
    selection = drive_group.data_devices
    return ", ".join(device.path for device in selection.paths) if selection else ""


def _as_available(device: Device) -> Device:
    return Device(device.path, sys_api=device.sys_api, available=True, device_id=device.device_id)


def _osd(osd_map: OsdMap, text: object) -> Osd:
    number = checked_number(text)
    osd = osd_map.osds.get(number)
    if osd is None:
        raise UnknownName("OSD", f"osd.{number}", "`ceph osd tree` lists the OSDs.")
    return osd


def _answer(job: Completion) -> Dict[str, Any]:
    """Return what the only host of a job published; raise with its own words if it failed."""
    error = job.exception
    if error is not None:
        said = [outcome.message for outcome in job.outcomes.values() if not outcome.status.good]
        raise JobFailed(job.job_id, " ".join(filter(None, said)) or str(error))
    return dict(next(iter(job.result.values()), {}))


def _created(host: str, result: Dict[str, Any]) -> str:
    rows = [row for row in result.get("osds") or () if isinstance(row, dict)]
    made = [str(row.get("osd_id")) for row in rows if row.get("state") in ("created", "started")]
    if not made:
        return f"Created no osd(s) on host {host}; already created?"
    return f"Created osd(s) {','.join(made)} on host '{host}'"
