"""Adoption: ``ceph ansible adopt`` and ``orch-ansible adopt``.

What runs is looked at, and proposed as hosts and services. Hosts are asked through ssh and by a
reading job; nothing of it is kept but in memory, and nothing on hosts is changed.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from adapter import names
from adapter.cluster.adoption import Proposal
from adapter.cluster.adoption_hosts import Candidate, Candidates, LeftOut, candidates
from adapter.cluster.hosts import Host
from adapter.cluster.inventory_file import Inventory, read_inventory
from adapter.cluster.report_rows import text
from adapter.cluster.told_daemons import ToldDaemon
from adapter.core import Core
from adapter.engine.completion import Completion
from adapter.engine.ssh import ProbeResult
from adapter.errors import InvalidValue, NotReady, ReportAwaited
from adapter.methods._adopted import Looked, propose
from adapter.methods.host_specs import short_name

PROBES_AT_A_TIME = 16
# For so long (seconds) what hosts said answers the same question again.
GOOD_FOR = 120.0


@dataclass
class Look:
    """What was asked, of whom, and the job that reads those who answer."""

    asked: Tuple[Any, ...]
    begun: float
    told: List[ToldDaemon]
    hosts: List[Host] = field(default_factory=list)
    candidates: Dict[str, Candidate] = field(default_factory=dict)
    left_out: List[LeftOut] = field(default_factory=list)
    notes: Tuple[str, ...] = ()
    job: Optional[Completion] = None


class AdoptionMethods:
    """Look at what runs, and propose it, on a ``Core``."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self._look: Optional[Look] = None

    def adopt(self, inventory: str = "") -> Proposal:
        """Return what is proposed; ``inventory`` is the text of an Ansible inventory.

        Raises ``ReportAwaited`` while hosts are being read: the same question is answered then.
        Raises ``NotReady``, and ``InvalidValue`` for an inventory that cannot be read.
        """
        look = self.begin(inventory)
        if look.job is not None and not look.job.wait(self.core.answer_wait):
            raise ReportAwaited(
                f"{len(look.job.record.request.hosts)} hosts are being read (job "
                f"{look.job.job_id}).",
                "Give the same command again in some seconds.",
            )
        return self.result(look)

    def begin(self, inventory: str = "") -> Look:
        """Ask who is there, unless that was asked just now; ``job`` reads those who answer."""
        core = self.core
        problem = core.ssh.ready()
        if problem:
            raise NotReady(problem)
        read = read_inventory(inventory, core.settings.ssh_user) if inventory else Inventory()
        told = core.maps.told_daemons()
        with core.lock:
            managed = {host.addr: host.hostname for host in core.hosts.all()}
        found = candidates(told, read, core.ssh.resolve, managed)
        asked = (
            tuple(found.hosts),
            tuple(found.left_out),
            tuple(sorted(managed.items())),
            read.notes,
            core.settings.ssh_user,
        )
        before = self._look
        if before is not None and before.asked == asked and self._is_good(before):
            before.told = told
            return before
        look = Look(asked, time.monotonic(), told, left_out=found.left_out, notes=read.notes)
        self._ask(look, found)
        self._look = look
        return look

    @staticmethod
    def _is_good(look: Look) -> bool:
        if look.job is not None and not look.job.is_finished:
            return True
        return time.monotonic() - look.begun < GOOD_FOR and (
            look.job is None or not look.job.is_errored()
        )

    def _ask(self, look: Look, found: Candidates) -> None:
        """Look at all hosts at the same time, and begin to read those that can be."""
        core = self.core
        with core.lock:
            known = {host.hostname: host for host in core.hosts.all()}
            offline = core.liveness.offline()
        new = [each for each in found.hosts if each.name not in known]
        with ThreadPoolExecutor(max_workers=PROBES_AT_A_TIME) as pool:
            seen = list(pool.map(self._probe, new))
        machines = {host.machine_id: host.hostname for host in known.values() if host.machine_id}
        for candidate, probe in zip(new, seen):
            host = _host_of(candidate, probe)
            if machines.get(host.machine_id) in known:
                continue
            there = [*known, *look.candidates]
            why = _why_none(host, candidate, probe, core.cluster, machines, there)
            if why:
                look.left_out.append(LeftOut(f"host {text(candidate.name)}", why))
                continue
            machines[host.machine_id] = host.hostname
            look.hosts.append(host)
            look.candidates[host.hostname] = candidate
        for name in sorted(offline):
            look.left_out.append(LeftOut(f"host {name}", f"it is offline: {offline[name].reason}"))
        asked = [*look.hosts, *(host for host in known.values() if host.hostname not in offline)]
        if asked:
            look.job = core.visit(look.hosts, asked)

    def _probe(self, candidate: Candidate) -> ProbeResult:
        target = self.core.target(Host(candidate.name, candidate.addr))
        return self.core.ssh.probe(target, learn_keys=True, as_root=True)

    def result(self, look: Look) -> Proposal:
        """Return what follows from a look whose job has ended."""
        reports: Dict[str, Mapping[str, Any]] = {}
        left_out = list(look.left_out)
        outcomes = look.job.outcomes if look.job is not None else {}
        for name, outcome in sorted(outcomes.items()):
            if outcome.status.good:
                reports[name] = outcome.result
            else:
                why = outcome.message or outcome.status.value
                left_out.append(LeftOut(f"host {name}", f"it cannot be read: {why}"))
        hosts = [host for host in look.hosts if host.hostname in reports]
        looked = Looked(
            look.told,
            hosts,
            {name: look.candidates[name] for name in (host.hostname for host in hosts)},
            reports,
            left_out,
            look.notes,
        )
        return propose(self.core, looked)


def _host_of(candidate: Candidate, seen: ProbeResult) -> Host:
    """Return the host that answered, by the name that it calls itself where that may be."""
    name = candidate.name
    # Of a host without daemons only an inventory knows a name, which may be any.
    if seen.hostname and (not candidate.daemons or short_name(seen.hostname) == short_name(name)):
        name = seen.hostname
    return Host(
        name, candidate.addr, keys=seen.keys, machine_id=seen.machine_id, python=seen.python
    )


def _why_none(
    host: Host,
    candidate: Candidate,
    seen: ProbeResult,
    cluster: str,
    machines: Mapping[str, str],
    there: Sequence[str],
) -> str:
    """Return why a host cannot be added as it is, or nothing."""
    if not seen.ok:
        return f"it cannot be reached at {host.addr}: {seen.reason.rstrip('.')}. {seen.remedy}"
    if seen.hostname and short_name(seen.hostname) != short_name(host.hostname):
        return (
            f"the machine at {host.addr} calls itself '{seen.hostname}': the daemons that name "
            "this host are on another one, or its name was changed since they were started"
        )
    if host.machine_id in machines:
        return f"it is the same machine as host {machines[host.machine_id]}"
    if host.hostname in there:
        return f"another machine has this name: {host.hostname}"
    try:
        names.check_hostname(host.hostname)
    except InvalidValue as error:
        return str(error)
    if seen.cluster and seen.cluster != cluster:
        return f"it is managed by another cluster ({seen.cluster})"
    if not seen.python:
        return (
            f"it has no Python: `ceph orch host add {host.hostname} {host.addr}` adds it, and "
            "installs that"
        )
    return ""
