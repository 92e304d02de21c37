"""Whether specs can be applied, each as it is after those before it. Nothing is changed."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence

from adapter.cluster.drive_group_fields import check_drive_group
from adapter.cluster.host_changes import HostsOfFile
from adapter.cluster.schedule import candidates, check_ids
from adapter.core import Core
from adapter.errors import InvalidValue
from adapter.interface import HostSpec, OrchestratorError, ServiceSpec, SpecValidationError
from adapter.kinds import (
    KINDS,
    check_fields,
    check_no_container,
    daemon_type_of,
    kind_of,
    not_deployed,
)
from adapter.methods._ports import check_ports, specs_beside
from adapter.methods.host_specs import check_host_spec
from adapter.reconcile import Reconciler
from adapter.reconcile.mon_addresses import check_mon_places, check_networks
from adapter.reconcile.mon_locations import check_mon_locations
from adapter.state_lock import under_lock

MANAGED = ("osd", *KINDS)


class SpecChecks:
    """Say what speaks against specs, on a ``Core``."""

    def __init__(self, core: Core, reconciler: Reconciler) -> None:
        self.core, self.reconciler = core, reconciler

    def chosen(self, specs: Sequence[Any]) -> List[Any]:
        """Return specs with what they leave to us, each as it is after those before it."""
        found = list(specs)
        with self.core.lock:
            for index, spec in enumerate(specs):
                if isinstance(spec, HostSpec) or spec.service_type not in KINDS:
                    continue
                known = self.core.specs.find(spec.service_name())
                others = self._others(spec, found[:index])
                kept = known.spec if known is not None else None
                found[index] = kind_of(spec.service_type).chosen(spec, kept, others)
        return found

    def problems(
        self, specs: Sequence[Any], no_overwrite: bool = False
    ) -> List[Optional[Exception]]:
        """Return for each spec why it cannot be applied, or None."""
        hosts, found = self.hosts_of(specs), []
        names: List[str] = []
        for spec in specs:
            problem: Optional[Exception] = None
            try:
                if not (no_overwrite and self.is_there(spec)):
                    self._check(spec, hosts, specs)
                if title(spec) in names:
                    raise InvalidValue("specs", title(spec), "it is there twice", "Leave one out.")
            except (OrchestratorError, SpecValidationError) as error:
                problem = error
            found.append(problem)
            names.append(title(spec))
            if isinstance(spec, HostSpec):
                hosts.take(spec)
        return found

    def hosts_of(self, specs: Sequence[Any]) -> HostsOfFile:
        """Return the hosts as they are before the first of these specs."""
        with self.core.lock:
            later = [spec.hostname for spec in specs if isinstance(spec, HostSpec)]
            return HostsOfFile(self.reconciler.services.hosts(), self.core.hosts.all(), later)

    def _check(self, spec: Any, hosts: HostsOfFile, beside: Sequence[Any] = ()) -> None:
        """Raise for a spec that cannot be applied where these hosts are.

        ``beside`` are all specs that are applied together.
        """
        if isinstance(spec, HostSpec):
            check_host_spec(self.core, spec, hosts)
            return
        if spec.service_type not in MANAGED:
            raise not_deployed(spec.service_type, MANAGED)
        check_no_container(spec, kind_of(spec.service_type).fields)
        spec.validate()
        if spec.service_type != "osd":
            check_fields(spec)
            self.core.options.check(spec)
        elif not spec.service_id:
            raise InvalidValue("service_id", spec.service_id, "a drive group needs a name")
        else:
            check_drive_group(spec)
        with self.core.lock:
            self._check_placement(spec, hosts, beside)
        if spec.service_type in KINDS:
            self.reconciler.services.jobs.files.check(spec)

    @under_lock
    def _check_placement(
        self, spec: ServiceSpec, of_file: HostsOfFile, beside: Sequence[Any]
    ) -> None:
        for named in spec.placement.hosts or ():
            if named.hostname in of_file.later and named.hostname not in of_file:
                raise InvalidValue(
                    "placement",
                    named.hostname,
                    "this host is added further below",
                    "Put hosts before the services that are on them.",
                )
            if named.hostname not in of_file:
                self.core.hosts.get(named.hostname)
        hosts = of_file.all()
        matching = candidates(spec, hosts)
        if hosts and not matching:
            raise InvalidValue(
                "placement",
                spec.placement.pretty_str(),
                "it matches no host",
                f"Hosts: {', '.join(host.hostname for host in hosts)}.",
            )
        if spec.service_type in KINDS:
            self._check_in_cluster(spec, matching, beside)
        check_ports(self.core, self.reconciler.services, spec, hosts, beside)
        if spec.service_type in KINDS:
            check_ids(spec, matching)
            self._refuse_others_names(spec)
            check_networks(self.core, spec, matching)
        check_mon_places(self.core, spec, matching)
        check_mon_locations(self.core, spec, [host.hostname for host in hosts])

    def _check_in_cluster(
        self, spec: ServiceSpec, matching: Sequence[str], beside: Sequence[Any]
    ) -> None:
        """Raise for what other services, or the hosts of a placement, have no room for."""
        reports = {name: self.core.reports.get(name) for name in matching}
        interfaces = {
            name: report.facts["interfaces"]
            for name, report in reports.items()
            if report is not None and isinstance(report.facts.get("interfaces"), dict)
        }
        others = self._others(spec, beside)
        kind_of(spec.service_type).check_in_cluster(spec, others, interfaces)

    @under_lock
    def _others(self, spec: ServiceSpec, beside: Sequence[Any]) -> Dict[str, ServiceSpec]:
        """Return the other services that stay or come, by name."""
        going = {each.name for each in self.core.specs.all() if each.deleted}
        return {
            name: each
            for name, each in specs_beside(self.core, spec, beside).items()
            if name not in going or any(each is one for one in beside)
        }

    def _refuse_others_names(self, spec: ServiceSpec) -> None:
        """Raise for a daemon that shall have the name of one on another host."""
        for each in spec.placement.hosts or ():
            name = f"{daemon_type_of(spec)}.{each.name}"
            there = self.core.places.hosts_of(name) if each.name else []
            if there and each.hostname not in there:
                raise InvalidValue(
                    "placement",
                    str(each),
                    f"{name} is on host {there[0]}",
                    f"Choose another name, or remove that one first: `ceph orch daemon rm {name}`.",
                )

    def is_there(self, spec: Any) -> bool:
        """Tell whether a host is there, or a service is kept, also where nobody can say how."""
        core = self.core
        if isinstance(spec, HostSpec):
            return spec.hostname in core.hosts
        with core.lock:
            name = spec.service_name()
            known = core.specs.find(name)
            return name in core.specs.problems if known is None else not known.deleted


def title(spec: Any) -> str:
    """Return what a spec is called in messages."""
    return f"host {spec.hostname}" if isinstance(spec, HostSpec) else str(spec.service_name())


def skipped(spec: Any) -> str:
    """Return what is said of a spec that is left out."""
    return f"Skipped {title(spec)}: it is there (--no-overwrite)"
