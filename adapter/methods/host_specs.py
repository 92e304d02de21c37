"""Hosts by their specs: ``ceph orch host add``, and hosts in ``ceph orch apply -i``."""

from __future__ import annotations

import copy
import ipaddress
import time
from dataclasses import replace
from typing import Any, Dict, Optional, Tuple

from adapter import names
from adapter.cluster.host_changes import HostsOfFile, change_of, changed_host
from adapter.cluster.hosts import MAINTENANCE, Host
from adapter.cluster.maintenances import ENTERING, LEAVING
from adapter.core import Core
from adapter.engine.model import Target
from adapter.engine.ssh import ProbeResult
from adapter.errors import AlreadyExists, HostUnreachable, InvalidValue, NotReady
from adapter.interface import HostSpec
from adapter.methods._announce import gone_with_labels, news_of_labels
from adapter.methods._crush import check_location, put_host
from adapter.methods._method import method
from adapter.methods.maintenance import by_of
from adapter.reconcile import Reconciler


def short_name(hostname: str) -> str:
    """Return the first part of a host name."""
    return hostname.split(".")[0].lower()


class HostSpecMethods:
    """Add a host, or bring one that is there to its spec, on a ``Core``."""

    def __init__(self, core: Core, reconciler: Reconciler) -> None:
        self.core, self.reconciler = core, reconciler

    @method
    def add_host(self, host_spec: HostSpec) -> str:
        """Add a host: look at it through ssh, pin its keys, then prepare it in a job.

        One that is there gets the address, the labels and the location of the spec. Raises
        ``AlreadyExists`` for a known address or machine, ``HostUnreachable`` with ssh's reason,
        ``InvalidValue``. Nothing is kept when it raises.
        """
        core = self.core
        hostname = names.check_hostname(host_spec.hostname)
        if hostname in core.hosts:
            return self._bring_to_spec(host_spec)
        host_spec = self._with_address(host_spec)
        addr = names.check_address(host_spec.addr)
        seen = self._look_at_new(host_spec)
        put_host(core, hostname, host_spec.location)
        given, labels = _labels(host_spec), self._labels_kept(host_spec, seen)
        with core.lock:
            self._check_new(hostname, addr, seen.machine_id)
            host = core.hosts.save(
                Host(
                    hostname=hostname,
                    addr=addr,
                    labels=labels,
                    keys=tuple(seen.keys),
                    machine_id=seen.machine_id,
                    python=seen.python,
                    location=host_spec.location,
                    spec_labels=given,
                    added=round(time.time(), 3),
                )
            )
            core.follow_hosts()
            job = core.submit("add_host", [host], parameters={"record": self.core.record_of(host)})
        again = f" and the labels that it had ({', '.join(labels)})" if labels != given else ""
        return (
            f"Added host '{hostname}' with addr '{addr}'{again} "
            f"(job {job.job_id} reads what it has){self._enter(host_spec)}"
        )

    def _enter(self, spec: HostSpec) -> str:
        """Let a host enter maintenance whose spec says so; return what is said of it."""
        known = self.core.hosts.get(spec.hostname)
        if spec.status != MAINTENANCE or known.status == MAINTENANCE:
            return ""
        self.reconciler.maintenance.enter(spec.hostname, False, False, by_of(self.core))
        return ". It enters maintenance: `ceph orch host ls` and `ceph health detail` show it"

    def _check_enter(self, spec: HostSpec) -> None:
        """Raise what speaks against the maintenance that a spec asks for."""
        known = self.core.hosts.get(spec.hostname)
        if spec.status == MAINTENANCE and known.status != MAINTENANCE:
            self.reconciler.maintenance.check_enter(spec.hostname, False, False)

    def _bring_to_spec(self, spec: HostSpec) -> str:
        """Give a host that is there what its spec says, and tell what became different."""
        core, services = self.core, self.reconciler.services
        known = core.hosts.get(spec.hostname)
        check_host_spec(self.core, spec)
        change = change_of(known, spec)
        self._check_enter(spec)
        seen = self._same_machine(known, change.addr) if change.addr else None
        put_host(core, spec.hostname, change.location)
        with core.lock:
            known = core.hosts.get(spec.hostname)
            change = change_of(known, spec)
            if changed_host(known, change) == known:
                enters = self._enter(spec)
                return f"{_there(known)} is there already{enters or '; nothing is changed'}"
            if change.addr:
                self._check_free_address(spec.hostname, change.addr)
            keys = tuple(seen.keys) if seen is not None else known.keys
            labels = (*change.added, *change.removed)
            before = gone_with_labels(core, services, labels)
            changed = core.hosts.save(replace(changed_host(known, change), keys=keys))
            goes = news_of_labels(core, services, before, labels)
            if change.addr:
                core.follow_hosts()
                core.liveness.look_now(spec.hostname, 0.0)
        if change.addr:
            self._tell_address(changed)
        elif change.added or change.removed:
            tell_labels(core, "add_host_label", changed)
        core.wake_event.set()
        enters = self._enter(spec)
        if not change:
            return f"{_there(known)} is there already{enters or '; nothing is changed'}"
        return f"Updated host '{spec.hostname}': {change.describe()}{goes}{enters}"

    def preview_host(self, spec: HostSpec) -> str:
        """Return what applying the spec of a host would do; raises what it would raise."""
        check_host_spec(self.core, spec)
        if spec.hostname not in self.core.hosts:
            spec = self._with_address(spec)
            labels = self._labels_kept(spec, self._look_at_new(spec))
            with_labels = f" and the labels {', '.join(labels)}" if labels else ""
            more = ", and enter maintenance" if spec.status == MAINTENANCE else ""
            return (
                f"host {spec.hostname}: would be added with addr '{spec.addr}'{with_labels}{more}"
            )
        known = self.core.hosts.get(spec.hostname)
        change = change_of(known, spec)
        if change.addr:
            self._same_machine(known, change.addr)
        self._check_enter(spec)
        enters = spec.status == MAINTENANCE and known.status != MAINTENANCE
        what = f"would be updated: {change.describe()}" if change else "would stay as it is"
        return f"host {spec.hostname}: {what}{', and enter maintenance' if enters else ''}"

    def _with_address(self, spec: HostSpec) -> HostSpec:
        """Return the spec of a new host with the address that its name means, if it gives none.

        Daemons need an address, and what a name means may be another one tomorrow. Raises
        ``InvalidValue`` for one that means only the manager's own host.
        """
        hostname = names.check_hostname(spec.hostname)
        if spec.addr and spec.addr != hostname:
            return spec
        found = self.core.ssh.resolve(hostname)
        if found and ipaddress.ip_address(found.partition("%")[0]).is_loopback:
            raise InvalidValue(
                "address",
                hostname,
                f"on this host the name means {found}, which no other host reaches",
                f"Give its address: `ceph orch host add {hostname} ADDRESS`, or addr in its spec.",
            )
        changed = copy.copy(spec)
        changed.addr = found or hostname
        return changed

    def _look_at_new(self, spec: HostSpec) -> ProbeResult:
        """Look at the machine of a new host; raises what speaks against it. Keeps nothing."""
        core = self.core
        check_host_spec(self.core, spec)
        hostname, addr = spec.hostname, names.check_address(spec.addr or spec.hostname)
        self._check_ready()
        self._check_new(hostname, addr)
        seen = self._look(hostname, core.target(Host(hostname, addr)))
        self._labels_kept(spec, seen)
        self._check_free(hostname, seen.cluster)
        self._check_new(hostname, addr, seen.machine_id)
        return seen

    def _labels_kept(self, spec: HostSpec, seen: ProbeResult) -> Tuple[str, ...]:
        """Return the labels of a host; those that it had, where our record of it is unusable.

        The host's own record has them. Without its labels services would leave it.
        """
        core, labels = self.core, _labels(spec)
        with core.lock:
            lost = spec.hostname in core.hosts.problems
        if not lost or labels or seen.cluster != core.cluster:
            return labels
        return tuple(names.check_labels(seen.labels))

    def _check_ready(self) -> None:
        problem = self.core.ssh.ready()
        if problem:
            raise NotReady(problem)

    def _check_new(self, hostname: str, addr: str, machine_id: str = "") -> None:
        for host in self.core.hosts.all():
            if host.hostname == hostname:
                raise AlreadyExists(
                    f"{_there(host)} is there already: somebody added it at the same time.",
                    "Do it again to bring it to this spec.",
                )
            if host.addr == addr:
                raise AlreadyExists(
                    f"{_there(host)} has this address already.", "Give every host its own address."
                )
            if machine_id and host.machine_id == machine_id:
                raise AlreadyExists(
                    f"{_there(host)} is the same machine as '{hostname}' at '{addr}' "
                    f"(machine id {machine_id}).",
                    "Cloned machines need `systemd-machine-id-setup` before they are added.",
                )

    def _check_free(self, hostname: str, cluster: str) -> None:
        """Refuse a host whose own record names another cluster than ours."""
        if cluster and not self.core.cluster:
            raise AlreadyExists(
                f"Host '{hostname}' is managed for the cluster {cluster}, and nothing here says "
                "which cluster this is.",
                "Is it this one (`ceph fsid`)? Hosts that a manager keeps come by `orch-ansible "
                "mgr take-over`, others by `orch-ansible apply -i FILE`, which asks the cluster. "
                "If it is another one, remove the host there first.",
            )
        if cluster and cluster != self.core.cluster:
            raise AlreadyExists(
                f"Host '{hostname}' is managed by another cluster ({cluster}).",
                "Remove it there first; if that cluster is gone, remove the file "
                "/var/lib/ceph-orch-ansible/host.json on the host.",
            )

    def _look(self, hostname: str, target: Target) -> ProbeResult:
        """Look at a machine that is not known yet; raise what speaks against it."""
        seen = self.core.ssh.probe(target, learn_keys=True, as_root=True)
        if not seen.ok:
            raise HostUnreachable(hostname, seen.reason, seen.remedy, target.addr)
        if seen.hostname and short_name(seen.hostname) != short_name(hostname):
            raise InvalidValue(
                "host name",
                hostname,
                f"the machine at {target.addr} calls itself '{seen.hostname}'",
                f"Add it as '{seen.hostname}', or correct its name with hostnamectl.",
            )
        return seen

    @method
    def update_host_addr(self, host: str, addr: str) -> str:
        """Give a host another address, after seeing that the same machine answers there.

        It must show an ssh host key that is pinned for it. Given the address that it has, this
        pins the key that it shows now: how an operator accepts a changed one.
        """
        core = self.core
        known = core.hosts.get(host)
        addr = names.check_address(addr)
        seen = self._same_machine(known, addr)
        with core.lock:
            self._check_free_address(host, addr)
            changed = core.hosts.save(replace(core.hosts.get(host), addr=addr, keys=seen.keys))
            core.follow_hosts()
            core.liveness.look_now(host, 0.0)
        self._tell_address(changed)
        return f"Updated host '{host}' addr to '{addr}'"

    def _same_machine(self, known: Host, addr: str) -> ProbeResult:
        """Look at a host at an address; raises where it is not the same machine there."""
        host = known.hostname
        self._check_ready()
        self._check_free_address(host, addr)
        seen = self._look(host, replace(self.core.target(known), addr=addr))
        if known.machine_id and seen.machine_id and seen.machine_id != known.machine_id:
            raise InvalidValue(
                "address",
                addr,
                f"another machine than '{host}' answers there (machine id {seen.machine_id}, "
                f"expected {known.machine_id})",
                "Remove the host and add it again if it was replaced.",
            )
        if known.keys and not seen.keys:
            raise InvalidValue(
                "address", addr, "the machine there has shown no ssh host key", "Try again."
            )
        same_key = not known.keys or bool(set(seen.keys) & set(known.keys))
        if addr != known.addr and not same_key:
            raise InvalidValue(
                "address",
                addr,
                f"the machine there shows another ssh host key than the one pinned for '{host}'",
                "If it was installed anew, remove the host and add it again.",
            )
        return seen

    def _check_free_address(self, host: str, addr: str) -> None:
        for other in self.core.hosts.all():
            if other.addr == addr and other.hostname != host:
                raise _address_taken(other.hostname, addr)

    def _tell_address(self, host: Host) -> None:
        """Let the host's own record follow, where it is at its new address."""
        parameters = {"record": self.core.record_of(host), "machine_id": host.machine_id}
        self.core.submit("update_host_addr", [host], parameters=parameters)


def check_host_spec(core: Core, spec: HostSpec, hosts: Optional[HostsOfFile] = None) -> None:
    """Raise for a spec that cannot be applied, before its machine is looked at.

    ``hosts`` are those that there are when it is its turn.
    """
    hostname = names.check_hostname(spec.hostname)
    addr = names.check_address(spec.addr or hostname)
    _labels(spec)
    known = core.hosts.get(hostname) if hostname in core.hosts else None
    _check_status(spec.status, known)
    _check_oob(spec.oob)
    check_location(core, hostname, spec.location)
    other = hosts.at(addr, but=hostname) if hosts is not None else None
    if other is not None:
        raise _address_taken(other.hostname, addr)


def tell_labels(core: Core, operation: str, host: Host) -> None:
    """Let the host's own record follow; an offline host gets it when it is back."""
    if core.liveness.online(host.hostname) and not core.ssh.ready():
        core.submit(operation, [host], parameters={"record": core.record_of(host)})


def _there(host: Host) -> str:
    return f"Host '{host.hostname}' with addr '{host.addr}'"


def _address_taken(hostname: str, addr: str) -> AlreadyExists:
    return AlreadyExists(
        f"Host '{hostname}' has the address '{addr}' already.", "Give every host its own address."
    )


def _labels(spec: HostSpec) -> Tuple[str, ...]:
    return tuple(names.check_labels(spec.labels or ()))


def _check_status(status: Optional[str], known: Optional[Host] = None) -> None:
    if status in (None, "") or (known is not None and status in _statuses(known)):
        return
    if status != MAINTENANCE:
        raise InvalidValue("host status", status, "a host is added as it is", "Leave it out.")


def _statuses(known: Host) -> Tuple[str, ...]:
    """Return the words that a host's own spec may have, as it was listed."""
    stages = tuple(f"{stage} {MAINTENANCE}" for stage in (ENTERING, LEAVING))
    return (known.status, *stages, *(("draining", "drained") if known.drain else ()))


def _check_oob(oob: Optional[Dict[str, Any]]) -> None:
    if oob:
        raise InvalidValue(
            "oob", oob, "this backend does not talk to management controllers", "Leave it out."
        )
