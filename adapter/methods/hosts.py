"""Hosts and labels: ``ceph orch host ...``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, List, Optional, Tuple

from adapter.cluster import names
from adapter.cluster.hosts import MAINTENANCE, Host
from adapter.cluster.locations import bucket_of
from adapter.cluster.views import host_spec
from adapter.core import Core
from adapter.engine.model import Target
from adapter.engine.ssh import ProbeResult
from adapter.errors import AdapterError, AlreadyExists, HostUnreachable, InvalidValue, NotReady
from adapter.interface import HostSpec, handle_orch_error
from adapter.methods._crush import check_location, put_host
from adapter.methods._memo import Memo

SHOWN_DAEMONS = 10


def short_name(hostname: str) -> str:
    """Return the first part of a host name."""
    return hostname.split(".")[0].lower()


class HostMethods:
    """The host methods of the interface, on a ``Core``."""

    core: Core

    def __init__(self, core: Core) -> None:
        self.core = core
        self._specs: Memo[HostSpec] = Memo(host_spec)

    @handle_orch_error
    def add_host(self, host_spec: HostSpec) -> str:
        """Add a host: look at it through ssh, pin its keys, then prepare it in a job.

        Raises ``AlreadyExists`` for a known name, address or machine, ``HostUnreachable`` with
        ssh's reason, ``InvalidValue``. Nothing is kept when it raises.
        """
        core = self.core
        hostname = names.check_hostname(host_spec.hostname)
        addr = names.check_address(host_spec.addr or hostname)
        labels = tuple(names.check_labels(host_spec.labels or ()))
        _check_status(host_spec.status)
        _check_oob(host_spec.oob)
        check_location(core, hostname, host_spec.location)
        self._check_ready()
        self._check_new(hostname, addr)
        seen = self._look(hostname, Target(hostname, addr, user=core.settings.ssh_user))
        given, labels = labels, self._labels_kept(hostname, labels, seen)
        self._check_free(hostname, seen.cluster)
        put_host(core, hostname, host_spec.location)
        with core.lock:
            self._check_new(hostname, addr, seen.machine_id)
            host = core.hosts.save(
                Host(
                    hostname=hostname,
                    addr=addr,
                    labels=labels,
                    status=host_spec.status or "",
                    keys=tuple(seen.keys),
                    machine_id=seen.machine_id,
                    python=seen.python,
                    location=host_spec.location,
                )
            )
            core.follow_hosts()
            job = core.submit("add_host", [host], parameters={"record": self.core.record_of(host)})
        again = f" and the labels that it had ({', '.join(labels)})" if labels != given else ""
        return (
            f"Added host '{hostname}' with addr '{addr}'{again} "
            f"(job {job.job_id} reads what it has)"
        )

    def _labels_kept(
        self, hostname: str, labels: Tuple[str, ...], seen: ProbeResult
    ) -> Tuple[str, ...]:
        """Return the labels of a host; those that it had, where our record of it is unusable.

        The host's own record has them. Without its labels services would leave it.
        """
        core = self.core
        with core.lock:
            lost = hostname in core.hosts.problems
        if not lost or labels or seen.cluster != core.cluster:
            return labels
        return tuple(names.check_labels(seen.labels))

    def _check_ready(self) -> None:
        problem = self.core.ssh.ready()
        if problem:
            raise NotReady(problem)

    def _check_new(self, hostname: str, addr: str, machine_id: str = "") -> None:
        for host in self.core.hosts.all():
            same = f"Host '{host.hostname}' with addr '{host.addr}'"
            if host.hostname == hostname:
                raise AlreadyExists(
                    f"{same} is there already.",
                    "Use `ceph orch host label add` or `ceph orch host set-addr` to change it.",
                )
            if host.addr == addr:
                raise AlreadyExists(
                    f"{same} has this address already.", "Give every host its own address."
                )
            if machine_id and host.machine_id == machine_id:
                raise AlreadyExists(
                    f"{same} is the same machine as '{hostname}' at '{addr}' "
                    f"(machine id {machine_id}).",
                    "Cloned machines need `systemd-machine-id-setup` before they are added.",
                )

    def _check_free(self, hostname: str, cluster: str) -> None:
        """Refuse a host whose own record names another cluster than ours."""
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

    @handle_orch_error
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
            online = core.pulse.online(host)
            self._check_removable(known, online=online, force=force, offline=offline)
        if rm_crush_entry:
            self._remove_crush_entry(host)
        with core.lock:
            known = core.hosts.get(host)
            core.hosts.remove(host)
            core.reports.forget(host)
            core.follow_hosts()
            if not online:
                return f"Removed offline host '{host}'"
            if core.ssh.ready():
                return f"Removed host '{host}'; its record there stays, for there is no ssh key"
            job = core.release(known)
        return f"Removed host '{host}' (job {job.job_id} removes its record there)"

    def _remove_unreadable(self, host: str, rm_crush_entry: bool) -> str:
        """Remove a host whose record cannot be used."""
        core = self.core
        if rm_crush_entry:
            self._remove_crush_entry(host)
        with core.lock:
            core.hosts.remove(host)
            core.reports.forget(host)
            core.follow_hosts()
        core.wake.set()
        return f"Removed the record of host '{host}', which could not be used"

    def _check_removable(self, host: Host, *, online: bool, force: bool, offline: bool) -> None:
        if offline and not force:
            raise AdapterError("Removing an offline host needs --force.", "Give --offline --force.")
        if offline and online:
            raise AdapterError(
                f"Host '{host.hostname}' answers; it is not offline.", "Leave out --offline."
            )
        if not online and not offline:
            reason = self.core.pulse.of(host.hostname).reason
            raise AdapterError(
                f"Host '{host.hostname}' is offline ({reason}).",
                "Bring it back, or give --offline --force to forget it.",
            )
        report = self.core.reports.get(host.hostname)
        daemons = [f"{row.get('daemon_type')}.{row.get('daemon_id')}" for row in _daemons(report)]
        if daemons and not force:
            listed = ", ".join(daemons[:SHOWN_DAEMONS])
            raise AdapterError(
                f"Host '{host.hostname}' has {len(daemons)} Ceph daemon(s): {listed}.",
                "Remove them first, or give --force to leave them running unmanaged.",
            )

    def _remove_crush_entry(self, hostname: str) -> None:
        if self.core.mon is None:
            raise InvalidValue(
                "rm_crush_entry", True, "there is no cluster to ask here", "Leave it out."
            )
        self.core.mon.command(prefix="osd crush remove", name=bucket_of(hostname))

    @handle_orch_error
    def update_host_addr(self, host: str, addr: str) -> str:
        """Give a host another address, after seeing that the same machine answers there.

        It must show an ssh host key that is pinned for it. Given the address that it has, this
        pins the key that it shows now: how an operator accepts a changed one.
        """
        core = self.core
        known = core.hosts.get(host)
        addr = names.check_address(addr)
        self._check_ready()
        self._check_free_address(host, addr)
        seen = self._look(host, replace(known.target(core.settings.ssh_user), addr=addr))
        if known.machine_id and seen.machine_id and seen.machine_id != known.machine_id:
            raise InvalidValue(
                "address",
                addr,
                f"another machine than '{host}' answers there (machine id {seen.machine_id}, "
                f"expected {known.machine_id})",
                "Remove the host and add it again if it was replaced.",
            )
        same_key = not known.keys or bool(set(seen.keys) & set(known.keys))
        if addr != known.addr and not same_key:
            raise InvalidValue(
                "address",
                addr,
                f"the machine there shows another ssh host key than the one pinned for '{host}'",
                "If it was installed anew, remove the host and add it again.",
            )
        with core.lock:
            self._check_free_address(host, addr)
            changed = core.hosts.save(replace(core.hosts.get(host), addr=addr, keys=seen.keys))
            core.follow_hosts()
            core.pulse.look_now(host, 0.0)
        parameters = {"record": self.core.record_of(changed), "machine_id": known.machine_id}
        core.submit("update_host_addr", [changed], parameters=parameters)
        return f"Updated host '{host}' addr to '{addr}'"

    def _check_free_address(self, host: str, addr: str) -> None:
        for other in self.core.hosts.all():
            if other.addr == addr and other.hostname != host:
                raise AlreadyExists(
                    f"Host '{other.hostname}' has the address '{addr}' already.",
                    "Give every host its own address.",
                )

    @handle_orch_error
    def add_host_label(self, host: str, label: str) -> str:
        """Put a label on a host."""
        label = names.check_label(label)
        with self.core.lock:
            known = self.core.hosts.get(host)
            if label in known.labels:
                return f"Host {host} has label {label} already"
            changed = self.core.hosts.with_labels(host, [*known.labels, label])
            self._tell_labels("add_host_label", changed)
        return f"Added label {label} to host {host}"

    @handle_orch_error
    def remove_host_label(self, host: str, label: str, force: bool = False) -> str:
        """Take a label from a host; one that it has not is an error."""
        with self.core.lock:
            known = self.core.hosts.get(host)
            if label not in known.labels:
                has = ", ".join(known.labels) or "none"
                raise InvalidValue(
                    "label", label, f"host '{host}' has not got it", f"It has: {has}."
                )
            changed = self.core.hosts.with_labels(
                host, [each for each in known.labels if each != label]
            )
            self._tell_labels("remove_host_label", changed)
        return f"Removed label {label} from host {host}"

    def _tell_labels(self, operation: str, host: Host) -> None:
        """Let the host's own record follow; an offline host gets it when it is back."""
        if self.core.pulse.online(host.hostname) and not self.core.ssh.ready():
            self.core.submit(operation, [host], parameters={"record": self.core.record_of(host)})

    @handle_orch_error
    def get_hosts(self) -> List[HostSpec]:
        """Return all hosts; ``status`` is ``""``, ``maintenance`` or ``Offline``.

        The list is the caller's own, the hosts in it are shared and are not to be changed.
        """
        core = self.core
        with core.lock:
            hosts = [(host, core.pulse.online(host.hostname)) for host in core.hosts.all()]
            return [
                self._specs.of(host.hostname, (host, online), host, online)
                for host, online in hosts
            ]

    @handle_orch_error
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


def _check_status(status: Optional[str]) -> None:
    if status not in (None, "", MAINTENANCE):
        raise InvalidValue("host status", status, "a host is added as it is", "Leave it out.")
    if status == MAINTENANCE:
        raise InvalidValue(
            "host status",
            status,
            "hosts cannot be put into maintenance by this backend",
            "Leave out --maintenance.",
        )


def _check_oob(oob: Optional[Dict[str, Any]]) -> None:
    if oob:
        raise InvalidValue(
            "oob", oob, "this backend does not talk to management controllers", "Leave it out."
        )
