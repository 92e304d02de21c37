"""Acting on what runs: ``ceph orch start|stop|restart``, ``daemon ...``."""

from __future__ import annotations

import time
from functools import partial
from typing import List, Optional, Sequence

from adapter.cluster.daemon_actions import ACTIONS, OF_SERVICE, DaemonAction
from adapter.cluster.osd_map import osd_number
from adapter.cluster.osd_removals import KEPT, Stage
from adapter.cluster.schedule import Daemon, DaemonPlacement, check_ids, free_id
from adapter.cluster.service_actions import ServiceAction
from adapter.cluster.specs import Wanted
from adapter.core import Core
from adapter.errors import AdapterError, HostUnreachable, InvalidValue, NotKept, UnknownName
from adapter.interface import DaemonDescription, PlacementSpec, ServiceSpec
from adapter.kinds import (
    COMPANIONS,
    DAEMONS,
    KINDS,
    check_fields,
    daemon_type_of,
    hands_over,
    kind_of,
    not_deployed,
)
from adapter.methods._awaited import when_reported
from adapter.methods._method import method
from adapter.methods._ports import check_more
from adapter.methods.daemons import DaemonMethods
from adapter.reconcile import Reconciler
from adapter.reconcile.daemon_acts import DEPLOYING
from adapter.reconcile.ended_restarts import end_restart, leave_out
from adapter.reconcile.mon_addresses import check_mon_places, check_networks
from adapter.reconcile.ownership import check_workable, no_daemon

ACTED_ON = ("osd", *DAEMONS, *COMPANIONS)


class ActionMethods:
    """The acting methods of the interface, on a ``Core``."""

    def __init__(self, core: Core, reconciler: Reconciler, daemons: DaemonMethods) -> None:
        self.core, self.reconciler = core, reconciler
        self._daemons = daemons

    @method
    def service_action(self, action: str, service_name: str) -> List[str]:
        """Start or stop the daemons of a service, or restart as few at a time as is safe.

        No placement group goes inactive by a restart, no quorum or manager is lost: the monitors
        are asked first. ``redeploy`` and ``reconfig`` bring the daemons to their specs again.
        """
        _check_action(action)
        daemons = self._daemons_of_service(service_name)
        if action in DEPLOYING:
            daemons = [each for each in daemons if each.daemon_type not in COMPANIONS]
        names = [daemon.name() for daemon in daemons]
        kind = str(daemons[0].daemon_type) if daemons else service_name.partition(".")[0]
        if action == "stop" and (kind == "osd" or kind_of(kind).cluster_needs):
            # It would stop all of the cluster, or all data.
            raise AdapterError(
                f"Stopping all of {service_name} would stop the cluster.",
                "Stop single daemons with `ceph orch daemon stop`.",
            )
        ended = ""
        if action in DEPLOYING or action == "restart":
            self._check_answers([str(daemon.hostname) for daemon in daemons])
        if action == "restart":
            self._begin_restart(service_name, names)
        elif not names:
            ended = end_restart(self.core, service_name, action)
        else:
            name = f"{OF_SERVICE}{service_name}"
            asked = DaemonAction(name, action, tuple(names), service_name, asked=time.time())
            ended = when_reported(self.core, lambda: self.reconciler.acts.do(asked))
        texts = [f"Scheduled to {action} {d.name()} on host '{d.hostname}'" for d in daemons]
        if action == "restart":
            ended = " ".join(filter(None, [ended, self.core.paused_note()]))
        return [*texts, ended] if ended else texts

    def _begin_restart(self, service: str, names: List[str]) -> None:
        core = self.core
        with core.lock:
            running = core.actions.get(service)
            if running is not None:
                left = len(running.left) + len(running.doing)
                raise AdapterError(
                    f"A {running.action} of {service} is already in progress: {left} daemon(s) "
                    f"left. {running.reason}",
                    f"`ceph orch start {service}` ends it.",
                )
            if names:
                before = core.daemon_actions.leave_out(names)
                try:
                    asked = time.time()
                    core.actions.save(
                        ServiceAction(service, "restart", tuple(names), (), asked, of=len(names))
                    )
                except NotKept:
                    core.daemon_actions.put_back(before)
                    raise
        core.wake_event.set()

    def _daemons_of_service(self, service_name: str) -> List[DaemonDescription]:
        found = self._daemons.list_daemons(service_name=service_name)
        if not found:
            self.core.specs.check_readable(service_name)
        if not found and self.core.specs.find(service_name) is None:
            raise UnknownName("service", service_name, "`ceph orch ls` lists the services.")
        for daemon in found:
            _check_kind(daemon)
        return found

    @method
    def daemon_action(
        self,
        action: str,
        daemon_name: str,
        image: Optional[str] = None,
        force: bool = False,
    ) -> str:
        """Start, stop or restart one daemon; ``force`` skips the ok-to-stop check.

        Raises ``UnknownName``, and ``AdapterError`` with what speaks against it.
        """
        _check_action(action)
        if image:
            raise InvalidValue("image", image, "daemons here run from packages", "Leave it out.")
        daemon = self._daemon(daemon_name)
        _check_kind(daemon)
        if action in DEPLOYING:
            _refuse_companion(daemon)
        self._check_answers([str(daemon.hostname)])
        if daemon.daemon_type == "osd" and action == "stop":
            self._refuse_kept(daemon)
        elif daemon.daemon_type == "osd":
            self._refuse_gone(daemon)
        acts, more = self.reconciler.acts, ""
        if action == "restart" and hands_over(str(daemon.daemon_type)):
            acts.check_host(daemon_name, force)
            if not force:
                when_reported(self.core, lambda: acts.check_stop(daemon_name, restart=True))
            # The active one cannot see its own restart to the end: who takes over does it.
            self._begin_restart(daemon.service_name(), [daemon_name])
        else:
            names, service = (daemon_name,), daemon.service_name()
            asked = DaemonAction(daemon_name, action, names, service, force, time.time())
            more = when_reported(self.core, lambda: acts.do(asked))
        text = f"Scheduled to {action} {daemon_name} on host '{daemon.hostname}'"
        return f"{text}. {more}" if more else text

    def _daemon(self, name: str) -> DaemonDescription:
        """Return the daemon of a name, which one host has.

        Raises ``UnknownName``, and ``AdapterError`` for what hosts have of others' daemons.
        """
        with self.core.lock:
            hosts = self.core.places.hosts_of(name)
            foreign = [
                each for each in self.core.places.foreign() if name in (each.name, each.daemon)
            ]
        if len(hosts) > 1:
            raise AdapterError(
                f"{name} is on {', '.join(hosts)}: it is not clear which one is meant.",
                "Act on their service, or use systemctl on the host.",
            )
        if not hosts and foreign:
            raise AdapterError(f"Nothing is done to {name}: {foreign[0].describe()}")
        found = self._daemons.list_daemons(host=hosts[0]) if hosts else []
        for daemon in found:
            if daemon.name() == name:
                _check_id(daemon)
                return daemon
        with self.core.lock:
            raise no_daemon(self.core, name)

    def _check_answers(self, hostnames: Sequence[str]) -> None:
        """Raise ``HostUnreachable`` for a host on which nothing can be done now."""
        with self.core.lock:
            for hostname in hostnames:
                if not self.core.liveness.online(hostname):
                    raise HostUnreachable(hostname, self.core.liveness.of(hostname).reason)
                check_workable(self.core, hostname)

    @method
    def add_daemon(self, spec: ServiceSpec) -> List[str]:
        """Deploy a daemon on each host of a spec's placement, which has to name hosts.

        A service that is not known yet is kept as unmanaged.
        """
        if spec.service_type not in KINDS:
            raise not_deployed(spec.service_type, sorted(KINDS))
        check_fields(spec)
        named = [host.hostname for host in spec.placement.hosts or ()]
        if not named:
            raise InvalidValue(
                "placement", spec.placement.pretty_str(), "it names no host", "E.g. h2."
            )
        with self.core.lock:
            for hostname in named:
                self.core.hosts.get(hostname)
            self._check_answers(named)
        self.reconciler.services.needs.check(spec)
        with self.core.lock:
            self.core.specs.check_readable(spec.service_name())
            check_ids(spec, named)
            check_networks(self.core, spec, named)
            check_mon_places(self.core, spec)
            wanted = self.core.specs.find(spec.service_name())
            kept = wanted.spec if wanted is not None else spec
            check_more(self.core, self.reconciler.services, kept, named)
            if wanted is None:
                spec.validate()
                kept = ServiceSpec.from_json({**spec.to_json(), "unmanaged": True})
                kept.placement = PlacementSpec(hosts=list(spec.placement.hosts))
                wanted = Wanted(kept, time.time())
                self.core.specs.save(wanted)
            there = self.reconciler.services.running().get(wanted.name, [])
        places = self._new_places(spec, there)
        job = self.reconciler.acts.add(wanted, places, there)
        return [
            f"Deploying {daemon_type_of(spec)}.{place.daemon_id} on host '{place.hostname}' "
            f"(job {job.job_id}){self._surplus(wanted, there, place)}"
            for place in places
        ]

    def _surplus(self, wanted: Wanted, there: Sequence[Daemon], place: DaemonPlacement) -> str:
        """Return the end of a sentence where a service's placement has no room for one more."""
        reconciler = self.reconciler.services
        with self.core.lock:
            if wanted.spec.unmanaged or self.core.held():
                return ""
            new = Daemon(place.hostname, place.daemon_id)
            going = reconciler.diff(wanted, [*there, new], reconciler.hosts()).remove
        if not going:
            return ""
        names = ", ".join(f"{daemon_type_of(wanted.spec)}.{each.daemon_id}" for each in going)
        return (
            f"; {wanted.name} is managed and its placement has no room for one more, so {names} "
            f"will be removed: `ceph orch set-unmanaged {wanted.name}` keeps what is there"
        )

    def _new_places(self, spec: ServiceSpec, there: List[Daemon]) -> List[DaemonPlacement]:
        """Return a place for one more daemon on each host that a placement names."""
        used = {daemon.daemon_id for daemon in there}
        for each in spec.placement.hosts:
            identity = each.name or each.hostname
            if (each.name or kind_of(spec.service_type).named_by_host) and identity in used:
                raise AdapterError(f"{daemon_type_of(spec)}.{identity} is there already.")
        places = []
        for each in spec.placement.hosts:
            identity = each.name or free_id(self.core.cluster, spec, each.hostname, 0, used)
            used.add(identity)
            places.append(DaemonPlacement(each.hostname, identity, each.network))
        return places

    def _refuse_kept(self, daemon: DaemonDescription) -> None:
        """Raise for an OSD that is started again where somebody else stops it."""
        osd_id, name = int(str(daemon.daemon_id)), daemon.name()
        with self.core.lock:
            removal = self.core.removals.get(osd_id)
        if removal is None:
            return
        if removal.stage is Stage.KEEPING:
            raise AdapterError(
                f"{name} {KEPT}: {removal.drain_status}.",
                f"`ceph orch osd rm stop {osd_id}` once more leaves it as it is; then stop it.",
            )
        if removal.stage is Stage.DRAINING and removal.asked_stop:
            raise AdapterError(
                f"{name} is being removed, and is started again while it is needed for that: "
                f"{removal.drain_status}.",
                f"`ceph orch osd rm stop {osd_id}` ends its removal. Stop it when that has ended "
                "(`ceph orch osd rm status`).",
            )

    def _refuse_gone(self, daemon: DaemonDescription) -> None:
        """Raise ``InvalidValue`` for an OSD that the map has no more: it cannot run again."""
        self.reconciler.read_maps()
        osd_map, osd_id = self.reconciler.osd_map, int(str(daemon.daemon_id))
        if osd_map is not None and osd_map.epoch and osd_id not in osd_map.osds:
            raise InvalidValue(
                "daemon",
                daemon.name(),
                "this OSD is no longer in the cluster",
                f"`ceph orch device zap {daemon.hostname} DEVICE --force` erases what is left of "
                "it, with its unit.",
            )

    def _refuse_osd(self, daemon: DaemonDescription) -> None:
        """Raise ``InvalidValue`` with what removes an OSD, or what is left of one."""
        self._refuse_gone(daemon)
        raise InvalidValue(
            "daemon",
            daemon.name(),
            "an OSD holds data",
            f"Use `ceph orch osd rm {daemon.daemon_id}`, which drains it first.",
        )

    @method
    def remove_daemons(self, names: List[str]) -> List[str]:
        """Remove daemons from their hosts; a managed service deploys what it lacks again.

        All names have to be known. Raises ``AdapterError`` for what the cluster cannot spare.
        """
        daemons = [self._daemon(name) for name in dict.fromkeys(names)]
        for daemon in daemons:
            if daemon.daemon_type == "osd":
                self._refuse_osd(daemon)
            _check_kind(daemon)
            _refuse_companion(daemon)
        self._check_answers([str(daemon.hostname) for daemon in daemons])
        texts: List[str] = []
        for daemon in daemons:
            texts.append(when_reported(self.core, partial(self._remove, daemon, texts)))
        return texts

    def _remove(self, daemon: DaemonDescription, done: Sequence[str]) -> str:
        """Remove a daemon if it can be spared; ``done`` is what was said of those before it."""
        reconciler, kind = self.reconciler.services, DAEMONS[str(daemon.daemon_type)]
        row = Daemon(str(daemon.hostname), str(daemon.daemon_id))
        with reconciler.guards.acting:
            chosen, reason = reconciler.guards.may_remove(kind, [row])
            if reason:
                before = "".join(f" {text}." for text in done)
                raise AdapterError(f"{daemon.name()} cannot be removed now: {reason}{before}")
            more = leave_out(self.core, daemon.name(), "it is removed")
            ask = reconciler.guards.removal_again(kind, chosen)
            job = reconciler.jobs.remove(daemon.service_name(), kind, chosen, ask)
        text = f"Removing {daemon.name()} from host '{daemon.hostname}' (job {job.job_id})"
        return f"{text}. {more}" if more else text


def _check_action(action: str) -> None:
    if action not in ACTIONS:
        raise InvalidValue(
            "action",
            action,
            "daemons from packages have no such action",
            f"Allowed: {', '.join(ACTIONS)}.",
        )


def _check_id(daemon: DaemonDescription) -> None:
    """Raise ``InvalidValue`` for a unit that no OSD can have: hosts are not trusted."""
    if daemon.daemon_type != "osd":
        return
    try:
        osd_number(daemon.daemon_id)
    except ValueError:
        raise InvalidValue(
            "daemon",
            daemon.name(),
            "its id is not an OSD id",
            f"Use systemctl on host {daemon.hostname}.",
        ) from None


def _refuse_companion(daemon: DaemonDescription) -> None:
    """Raise ``InvalidValue`` for a daemon that is made and removed together with another one."""
    kind = COMPANIONS.get(str(daemon.daemon_type))
    if kind is not None:
        raise InvalidValue(
            "daemon",
            daemon.name(),
            "it is deployed and removed together with another daemon",
            f"Name {kind.daemon_type}.{daemon.daemon_id}.",
        )


def _check_kind(daemon: DaemonDescription) -> None:
    if daemon.daemon_type not in ACTED_ON:
        raise InvalidValue(
            "daemon",
            daemon.name(),
            f"this backend does not act on {daemon.daemon_type} daemons",
            f"It acts on: {', '.join(ACTED_ON)}.",
        )
