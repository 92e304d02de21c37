"""An in-memory cluster for the reconciler: fakes of hosts and monitors, and a manager."""

from __future__ import annotations

from typing import Any, Mapping, Optional, TypeVar

from adapter.cluster.events import Events
from adapter.cluster.store import MemoryStore
from adapter.interface import (
    DeviceSelection,
    DriveGroupSpec,
    HostSpec,
    PlacementSpec,
    raise_if_exception,
)
from adapter.orchestrator import AnsibleOrchestrator
from adapter.state_lock import under_lock
from tests.unit.reconcile.fake_crush import Daemon
from tests.unit.reconcile.fake_jobs import FakeJobs

C = TypeVar("C", bound="Cluster")


def drive_group(name: str, hosts: str = "*", **values: Any) -> DriveGroupSpec:
    """Return a drive group; of all free disks unless ``values`` say which."""
    values.setdefault("data_devices", DeviceSelection(all=True))
    placement = PlacementSpec(host_pattern=hosts)
    return DriveGroupSpec(service_id=name, placement=placement, method="raw", **values)


def device_on(host: str, path: str) -> DriveGroupSpec:
    """Return what `ceph orch daemon add osd` asks for."""
    return DriveGroupSpec(
        placement=PlacementSpec(host_pattern=host), data_devices=DeviceSelection(paths=[path])
    )


class LockedEvents(Events):
    """Events that nobody writes without the lock."""

    def __init__(self, core: Any) -> None:
        super().__init__()
        self.core = core

    @under_lock
    def note(self, service: str, message: str) -> None:
        super().note(service, message)

    @under_lock
    def fail(self, service: str, message: str) -> None:
        super().fail(service, message)


class Cluster(FakeJobs):
    """Hosts with disks, monitors, and a manager that can end at any time."""

    def __init__(self, hosts: int = 3, disks: int = 2) -> None:
        super().__init__(hosts, disks)
        self.start_anew(self.store)
        for number in range(1, hosts + 1):
            spec = HostSpec(f"h{number}", f"10.0.0.{number}")
            raise_if_exception(self.orchestrator.add_host(spec))
        self.settle()

    def serving(self: C) -> C:
        """Let an OSD be up: gateways and file systems need not wait for one."""
        self.monitors.osds[90] = Daemon("h1", "/dev/sdz", "0b8f5ac8-1f0a-4f8a-9a5b-3f4a5b6c7d90")
        self.orchestrator.reconciler.read_maps()
        return self

    def start_anew(
        self,
        store: Optional[MemoryStore] = None,
        before: Optional[Mapping[str, Mapping[str, Any]]] = None,
        keep_jobs: bool = False,
    ) -> None:
        """Begin as a manager does that knows nothing but the store.

        ``before`` are reports that hosts gave in its last turn, which no newer ones follow yet.
        With ``keep_jobs`` it finds the jobs of the manager before.
        """
        from adapter.core import Core
        from adapter.engine.memory import MemoryEngine

        if not keep_jobs:
            self.engine = MemoryEngine(self._run)
        self.core = Core(
            store=store or self.store,
            engine=self.engine,
            ssh=self.ssh,
            settings=self.settings,
            actor="test",
            cluster="F51D",
            mon=self.monitors,
            answer_wait=0.0,
        )
        for host in self.core.hosts.all():
            report = (before or {}).get(host.hostname) or self._report(host.hostname)
            self.core.reports.absorb(host.hostname, report, 1.0)
            if before is None:
                self.core.refresh.reported(host.hostname, 0.0)
        self.core.events = LockedEvents(self.core)
        self.orchestrator = AnsibleOrchestrator(self.core)
        self.now = 1000.0
        self.core.going_down.clock = lambda: self.now

    def step(self) -> None:
        """One round of the loop; time goes on by two seconds."""
        self.now += 2.0
        self.core.look_at_maps()
        self.orchestrator.reconciler.step(self.now)
        self.answer_questions()
        self.engine.poll()

    def answer_questions(self) -> None:
        """Let the hosts report that were asked for it before a manager takes over."""
        services = self.orchestrator.reconciler.services
        with self.core.lock:
            asked = [*services.guards.reports.waiting(), *services.leftovers.reported.waiting()]
        hosts = self.core.online_hosts([host for host in asked if host not in self.late])
        if hosts:
            self.core.submit("get_inventory", hosts)

    def settle(self, rounds: int = 12) -> None:
        """Let everything happen that can."""
        for _ in range(rounds):
            self.step()

    def report(self, rounds: int = 12) -> None:
        """Have all hosts reported, and everything happen that follows."""
        self.core.submit("get_inventory", self.core.hosts.all())
        self.settle(rounds)

    def offline(self, host: str) -> None:
        """Let a host not answer for so long that it is offline."""
        for _ in range(2):
            self.core.liveness.missed(host, "no route", self.now, 0.0)
