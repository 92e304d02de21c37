"""Hosts and labels: ``ceph orch host ...``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, List, Optional

from adapter import names
from adapter.cluster.hosts import Host
from adapter.cluster.locations import bucket_of
from adapter.cluster.maintenances import Maintenance
from adapter.cluster.schedule import NO_SCHEDULE
from adapter.cluster.views import listed_host
from adapter.core import Core
from adapter.errors import AdapterError, InvalidValue, NotReady, some_of
from adapter.interface import HostSpec
from adapter.methods._announce import gone_with_labels, news_of_labels
from adapter.methods._leaving import (
    forget_deployments,
    forget_osds_to_make,
    left_in_maps,
    left_in_queue,
    left_masked,
    left_running,
    left_settings,
)
from adapter.methods._method import method
from adapter.methods._state_cache import StateCache
from adapter.methods.draining import DrainMethods
from adapter.methods.host_specs import tell_labels
from adapter.reconcile import Reconciler
from adapter.reconcile.waiting_osd_jobs import give_up_waiting
from adapter.state_lock import under_lock

SHOWN_DAEMONS = 10


class HostMethods:
    """The host methods of the interface, on a ``Core``."""

    def __init__(self, core: Core, reconciler: Reconciler, drains: DrainMethods) -> None:
        self.core, self.reconciler, self._drains = core, reconciler, drains
        self._specs: StateCache[HostSpec] = StateCache(listed_host)

    @method
    def remove_host(
        self,
        host: str,
        force: bool = False,
        offline: bool = False,
        rm_crush_entry: bool = False,
    ) -> str:
        """Remove a host from management; its daemons and data are left as they are.

        A host with Ceph daemons needs ``force``; one that does not answer needs ``offline`` and
        ``force``. ``rm_crush_entry`` also removes its bucket from the CRUSH map.
        """
        core = self.core
        if host in core.hosts.problems and offline and force:
            return self._remove_unreadable(host, rm_crush_entry)
        with core.lock:
            known = core.hosts.get(host)
            online = core.liveness.online(host)
            self._check_removable(known, online=online, force=force, offline=offline)
            masked, held = left_masked(core, host), core.maintenances.get(host)
        # The monitors refuse one with OSDs; then all that is known of the host stays.
        if rm_crush_entry:
            self._remove_crush_entry(host)
        self._forget_maintenance(host, held)
        with core.lock:
            # Somebody may have asked for something else while the monitors were asked.
            known, online = core.hosts.get(host), core.liveness.online(host)
            self._check_removable(known, online=online, force=force, offline=offline)
            self._check_not_entered(host, None)
            left = left_running(core, host) + ("" if online else left_in_maps(core, host))
            give_up_waiting(core, f"host {host} is removed", host=host)
            left += left_in_queue(core, host) + forget_osds_to_make(core, host) + masked
            reached = online and not core.ssh.ready()
            left += "" if reached else left_settings(core, host)
            core.hosts.remove(host)
            forget_deployments(core, host)
            core.reports.forget(host)
            core.follow_hosts()
            if not online:
                return f"Removed offline host '{host}'{left}"
            if core.ssh.ready():
                text = f"Removed host '{host}'; its record there stays, for there is no ssh key"
                return text + left
            job = core.release(known)
        return f"Removed host '{host}' (job {job.job_id} removes its record there){left}"

    def _remove_unreadable(self, host: str, rm_crush_entry: bool) -> str:
        """Remove a host whose record cannot be used."""
        core = self.core
        with core.lock:
            masked, held = left_masked(core, host), core.maintenances.get(host)
        if rm_crush_entry:
            self._remove_crush_entry(host)
        self._forget_maintenance(host, held)
        with core.lock:
            self._check_not_entered(host, None)
            give_up_waiting(core, f"host {host} is removed", host=host)
            left = left_in_queue(core, host) + forget_osds_to_make(core, host) + masked
            core.hosts.remove(host)
            forget_deployments(core, host)
            core.reports.forget(host)
            core.follow_hosts()
        core.wake_event.set()
        return f"Removed the record of host '{host}', which could not be used{left}"

    def _check_removable(self, host: Host, *, online: bool, force: bool, offline: bool) -> None:
        if offline and not force:
            raise AdapterError("Removing an offline host needs --force.", "Give --offline --force.")
        if offline and online:
            raise AdapterError(
                f"Host '{host.hostname}' answers; it is not offline.", "Leave out --offline."
            )
        if not online and not offline:
            reason = self.core.liveness.of(host.hostname).reason
            raise AdapterError(
                f"Host '{host.hostname}' is offline ({reason}).",
                "Bring it back, or give --offline --force to forget it.",
            )
        if online and self.core.is_held(host.hostname):
            raise AdapterError(
                f"Host '{host.hostname}' is in maintenance: its units would stay masked.",
                f"`ceph orch host maintenance exit {host.hostname}` first.",
            )
        report = self.core.reports.get(host.hostname)
        daemons = [f"{row.get('daemon_type')}.{row.get('daemon_id')}" for row in _daemons(report)]
        if daemons and not force:
            listed = some_of(daemons, SHOWN_DAEMONS)
            remedy = "Remove them first, or give --force to leave them running unmanaged."
            if host.drain is not None and not host.drain.done:
                remedy = (
                    "It is being drained, and they leave by themselves: wait until `ceph orch host "
                    "ls` shows it drained. With --force those that are left run on unmanaged."
                )
            raise AdapterError(
                f"Host '{host.hostname}' has {len(daemons)} Ceph daemon(s): {listed}.", remedy
            )

    def _forget_maintenance(self, hostname: str, held: Optional[Maintenance]) -> None:
        """Take the flags of a host away and its record, which was ``held`` when it was asked."""
        with self.core.lock:
            self._check_not_entered(hostname, held)
        self.reconciler.maintenance.forget(hostname)

    @under_lock
    def _check_not_entered(self, hostname: str, held: Optional[Maintenance]) -> None:
        """Raise ``NotReady`` for a host that has entered maintenance since it was asked about."""
        now = self.core.maintenances.get(hostname)
        if now is not None and (held is None or now.asked != held.asked):
            raise NotReady(
                f"Host '{hostname}' has just entered maintenance: its units would stay masked.",
                f"`ceph orch host maintenance exit {hostname}` first, or give the command again.",
            )

    def _remove_crush_entry(self, hostname: str) -> None:
        if self.core.mon is None:
            raise InvalidValue(
                "rm_crush_entry", True, "there is no cluster to ask here", "Leave it out."
            )
        self.core.mon.command(prefix="osd crush remove", name=bucket_of(hostname))

    @method
    def add_host_label(self, host: str, label: str) -> str:
        """Put a label on a host; one that its drain has set stays from then on."""
        core, services = self.core, self.reconciler.services
        label = names.check_label(label)
        with core.lock:
            known = core.hosts.get(host)
            if label in known.labels:
                return f"Host {host} has label {label} already{self._keep_label(known, label)}"
            before = gone_with_labels(core, services, [label])
            changed = core.hosts.with_labels(host, [*known.labels, label])
            tell_labels(core, "add_host_label", changed)
            goes = news_of_labels(core, services, before, [label])
        return f"Added label {label} to host {host}{goes}"

    @under_lock
    def _keep_label(self, host: Host, label: str) -> str:
        """Let a host keep a label when its drain ends, and say so."""
        if host.drain is None or label not in host.drain.labels:
            return ""
        labels = tuple(each for each in host.drain.labels if each != label)
        self.core.hosts.save(replace(host, drain=replace(host.drain, labels=labels)))
        return ", and keeps it when its drain ends"

    @method
    def remove_host_label(self, host: str, label: str, force: bool = False) -> str:
        """Take a label from a host; one that it has not is an error.

        Without ``_no_schedule`` a host is not drained any more: the dashboard ends drains so.
        """
        core, services = self.core, self.reconciler.services
        with core.lock:
            drains = self._check_label(host, label).is_draining
        if drains and label == NO_SCHEDULE:
            if core.mon is None:
                raise AdapterError(
                    f"Host '{host}' is being drained.",
                    f"`ceph orch host drain stop {host}` ends it.",
                )
            said = self._drains.stop_drain_host(host)
            if label not in core.hosts.get(host).labels:
                return f"Removed label {label} from host {host}. {said}"
        with core.lock:
            known = self._check_label(host, label)
            before = gone_with_labels(core, services, [label])
            changed = core.hosts.save(known.without_labels([label]))
            tell_labels(core, "remove_host_label", changed)
            goes = news_of_labels(core, services, before, [label])
        return f"Removed label {label} from host {host}{goes}"

    @under_lock
    def _check_label(self, hostname: str, label: str) -> Host:
        """Return a host that has a label, or raise."""
        known = self.core.hosts.get(hostname)
        if label not in known.labels:
            has = ", ".join(known.labels) or "none"
            raise InvalidValue(
                "label", label, f"host '{hostname}' has no such label", f"Its labels: {has}."
            )
        return known

    @method
    def get_hosts(self) -> List[HostSpec]:
        """Return all hosts; ``status`` is ``""``, ``Offline``, or how a maintenance or drain is.

        The list is the caller's own, the hosts in it are shared and are not to be changed.
        """
        core = self.core
        with core.lock:
            hosts = [
                (host, core.liveness.online(host.hostname), core.maintenances.stage(host.hostname))
                for host in core.hosts.all()
            ]
            return [self._specs.of(each[0].hostname, each, *each) for each in hosts]

    @method
    def get_facts(self, hostname: Optional[str] = None) -> List[Dict[str, Any]]:
        """Return the facts of one host or of all, in the keys of ``cephadm gather-facts``.

        A host without a report yet has an empty mapping.
        """
        with self.core.lock:
            if hostname is not None:
                self.core.hosts.get(hostname)
                wanted = [hostname]
            else:
                wanted = [host.hostname for host in self.core.hosts.all()]
            reports = [self.core.reports.get(name) for name in wanted]
            return [report.described() if report else {} for report in reports]


def _daemons(report: Optional[Any]) -> List[Dict[str, Any]]:
    return report.daemons if report else []
