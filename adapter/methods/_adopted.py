"""What follows from a look at hosts: who runs what, and the specs that mean just that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Sequence, Set, Tuple

from adapter.cluster.adoption import (
    KEPT,
    NONE,
    UNMANAGED,
    WRITTEN,
    DaemonRow,
    Proposal,
    ProposedHost,
    ProposedService,
)
from adapter.cluster.adoption_hosts import Candidate, LeftOut
from adapter.cluster.adoption_services import Draft, Member, draft_of
from adapter.cluster.daemon_services import services_by_name
from adapter.cluster.host_admin import LABEL as ADMIN
from adapter.cluster.hosts import Host
from adapter.cluster.osd_owners import NO_SERVICE
from adapter.cluster.report_rows import text
from adapter.cluster.told_daemons import ToldDaemon
from adapter.core import Core
from adapter.interface import REQUIRES_SERVICE_ID, ServiceSpec, SpecValidationError
from adapter.kinds import DAEMONS, KINDS
from adapter.methods._rehearsal import Rehearsal

_OSD = (
    "an OSD needs no spec: drive groups say which disks become new ones. A manager's `set-spec-"
    "affinity` gives it to one"
)


@dataclass(frozen=True)
class Looked:
    """What the cluster told, the new hosts, what all hosts reported, and what was left out."""

    told: Sequence[ToldDaemon]
    hosts: Sequence[Host]
    candidates: Mapping[str, Candidate]
    reports: Mapping[str, Mapping[str, Any]]
    left_out: Sequence[LeftOut]
    notes: Sequence[str]


def propose(core: Core, looked: Looked) -> Proposal:
    """Return the proposal; raises ``OrchestratorError`` where the cluster cannot be asked."""
    return _Adopted(core, looked).proposal()


class _Adopted:
    def __init__(self, core: Core, looked: Looked) -> None:
        self._core, self._looked = core, looked
        with core.lock:
            self._managed = {host.hostname for host in core.hosts.all()}
            self._kept = {each.name for each in core.specs.all() if not each.deleted}
        self._rehearsal = Rehearsal(core, looked.hosts, looked.reports)
        self._left_out: List[LeftOut] = list(looked.left_out)
        self._services: Dict[str, ProposedService] = {}
        self._refused: Dict[str, str] = {}

    def proposal(self) -> Proposal:
        rows = self._rows()
        self._draft_services(rows)
        daemons = tuple(self._with_spec(host, row, service) for host, row, service in rows)
        self._tell_refused()
        return Proposal(
            cluster=self._core.cluster,
            hosts=tuple(self._host(host) for host in self._looked.hosts),
            services=tuple(self._services[name] for name in _in_order(self._services)),
            daemons=daemons,
            left_out=tuple(sorted(self._left_out, key=lambda each: (each.what, each.host))),
            managed=tuple(sorted(self._managed)),
            notes=tuple(self._looked.notes),
        )

    def _host(self, host: Host) -> ProposedHost:
        candidate = self._looked.candidates[host.hostname]
        identity = self._looked.reports[host.hostname].get("identity") or {}
        labels, notes = list(candidate.labels), []
        if identity.get("admin") is not None and identity.get("conf") is not None:
            labels.append(ADMIN)
        if candidate.daemons:
            notes.append(f"as the cluster has it: {', '.join(candidate.daemons)}")
        if candidate.inventory_name:
            notes.append(f"in the inventory: {text(candidate.inventory_name)}")
        return ProposedHost(
            host.hostname, host.addr, tuple(sorted(set(labels))), host.keys, tuple(notes)
        )

    def _rows(self) -> List[Tuple[str, Mapping[str, Any], str]]:
        """Return all rows of all hosts, each with the service that it belongs to, or would.

        One that is nobody's has none; why is said among what is left alone.
        """
        core = self._rehearsal.core
        found: List[Tuple[str, Mapping[str, Any], str]] = []
        with core.lock:
            foreign = core.places.foreign_by_host()
            for host in core.hosts.all():
                report = core.reports.get(host.hostname)
                for row in report.daemons if report is not None else ():
                    kind, identity = str(row["daemon_type"]), str(row["daemon_id"])
                    other = foreign.get(host.hostname, {}).get(f"{kind}.{identity}")
                    why = other.describe() if other is not None else _why_nobodys(row, core.cluster)
                    service = "" if why else core.daemon_services.of(host.hostname, kind, identity)
                    if service == NO_SERVICE:
                        service, why = "", _OSD
                    if why:
                        self._left_out.append(LeftOut(f"{kind}.{identity}", why, host.hostname))
                    found.append((host.hostname, row, service))
        return found

    def _with_spec(self, host: str, row: Mapping[str, Any], service: str) -> DaemonRow:
        proposed = self._services.get(service)
        spec = KEPT if service in self._kept else NONE
        if proposed is not None:
            spec = UNMANAGED if proposed.held else WRITTEN
        name = f"{row['daemon_type']}.{row['daemon_id']}"
        return DaemonRow(host, name, str(row["state"]), str(row["unit"]), service, spec)

    def _draft_services(self, rows: Sequence[Tuple[str, Mapping[str, Any], str]]) -> None:
        """Write a spec of each service that nobody keeps yet, and let it be planned."""
        told = {each.name: each for each in self._looked.told}
        addresses = self._addresses()
        members: Dict[str, List[Member]] = {}
        seen: Set[str] = set()
        for host, row, service in rows:
            name = f"{row['daemon_type']}.{row['daemon_id']}"
            seen.add(name)
            if service and service not in self._kept and row["daemon_type"] in DAEMONS:
                member = Member(host, addresses[host], row, told.get(name))
                members.setdefault(service, []).append(member)
        missing = self._elsewhere(seen)
        drafts = []
        for name, group in sorted(members.items()):
            draft = draft_of(name, group, self._core.cluster)
            if name in missing and not draft.refused:
                draft.refused = f"it has {', '.join(missing[name])} too, which no host here shows"
            drafts.append(draft)
        self._plan(drafts)

    def _addresses(self) -> Dict[str, str]:
        with self._rehearsal.core.lock:
            return {host.hostname: host.addr for host in self._rehearsal.core.hosts.all()}

    def _elsewhere(self, seen: Set[str]) -> Dict[str, List[str]]:
        """Return by service the daemons that the cluster knows and no host shows; say of each."""
        found: Dict[str, List[str]] = {}
        told_of = {each.what for each in self._left_out}
        for each in self._looked.told:
            if each.name in seen:
                continue
            if each.name not in told_of:
                why = (
                    "no host that was looked at has a unit of it: its host is left out, or it runs "
                    "in a container"
                )
                self._left_out.append(LeftOut(each.name, why, each.hostname))
            found.setdefault(_service_of(each), []).append(each.name)
        return found

    def _plan(self, drafts: Sequence[Draft]) -> None:
        """Take those services that can be managed without a change; the others as unmanaged."""
        specs = [(draft, _spec(draft)) for draft in drafts if not draft.refused]
        given = [(draft, spec) for draft, spec in specs if spec is not None]
        changes = self._rehearsal.changes([spec for _, spec in given])
        for (draft, _), change in zip(given, changes):
            draft.held = "; ".join(filter(None, (change, draft.held)))
        as_written = [
            (draft, ServiceSpec.from_json(self._written(draft).to_spec())) for draft, _ in given
        ]
        problems = self._rehearsal.problems([spec for _, spec in as_written])
        for (draft, _), problem in zip(as_written, problems):
            draft.refused = problem
        for draft in drafts:
            if draft.refused:
                self._refused[draft.name] = draft.refused
            else:
                self._services[draft.name] = self._written(draft)

    @staticmethod
    def _written(draft: Draft) -> ProposedService:
        return ProposedService(draft.name, draft.spec, draft.held)

    def _tell_refused(self) -> None:
        for name, why in self._refused.items():
            self._left_out.append(LeftOut(f"service {name}", why))


def _spec(draft: Draft) -> Any:
    try:
        return ServiceSpec.from_json(dict(draft.spec))
    except SpecValidationError as error:
        draft.refused = str(error)
        return None


def _why_nobodys(row: Mapping[str, Any], cluster: str) -> str:
    """Return why a daemon is no service's, or nothing."""
    if row.get("fsid") and cluster and row["fsid"] != cluster:
        return f"it is of another cluster ({row['fsid']})"
    if row["state"] == "stopped" and not row.get("enabled", True):
        return "it is stopped and disabled: it counts as not there"
    return ""


def _service_of(told: ToldDaemon) -> str:
    """Return the service that a daemon on an unknown host belongs to, by its name."""
    if told.kind not in REQUIRES_SERVICE_ID:
        return told.kind
    return services_by_name(told.kind, told.daemon_id, told.hostname, (told.hostname,))[0]


def _in_order(services: Mapping[str, Any]) -> List[str]:
    """Return the names, what a cluster needs first."""

    def rank(name: str) -> Tuple[bool, bool, str]:
        kind = KINDS[name.partition(".")[0]]
        return (not kind.cluster_needs, not kind.one_by_one, name)

    return sorted(services, key=rank)
