"""An orchestrator on in-memory collaborators."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Tuple

from adapter.cluster.mon import NoMon
from adapter.cluster.store import MemoryStore
from adapter.core import Core
from adapter.engine.access import MemoryAccess
from adapter.engine.memory import MemoryEngine
from adapter.engine.model import HostOutcome, HostStatus, Request
from adapter.engine.ssh import ProbeResult
from adapter.orchestrator import AnsibleOrchestrator
from adapter.settings import Settings

Answer = Callable[[Request], Dict[str, HostOutcome]]


def device(path: str = "/dev/sdb", **changes: Any) -> Dict[str, Any]:
    """Return a device row as the host_report module publishes it."""
    row = {
        "path": path,
        "available": True,
        "rejected_reasons": [],
        "sys_api": {"size": 8e9, "rotational": "1"},
        "device_id": "VENDOR_MODEL_SERIAL",
        "lvs": [],
        "lsm_data": {},
        "ceph_device_lvm": False,
        "being_replaced": False,
    }
    return {**row, **changes}


def report(host: str) -> Dict[str, Any]:
    """Return a whole published report."""
    return {
        "identity": {"hostname": host, "python": "/usr/bin/python3"},
        "facts": {"hostname": host, "cpu_count": 1},
        "devices": [device()],
        "daemons": [],
    }


def well(request: Request) -> Dict[str, HostOutcome]:
    """Answer every operation as a host that is well."""
    return {
        target.name: HostOutcome(HostStatus.OK, result=report(target.name))
        for target in request.targets
    }


@dataclass
class World(NoMon):
    """The orchestrator under test and what stands around it."""

    answer: Answer = well
    settings: Settings = field(default_factory=Settings)

    def __post_init__(self) -> None:
        self.store = MemoryStore()
        self.ssh = MemoryAccess()
        self.requests: List[Request] = []
        self.engine = MemoryEngine(self._run)
        self.mon_commands: List[Dict[str, Any]] = []
        self.core = Core(
            store=self.store,
            engine=self.engine,
            ssh=self.ssh,
            settings=self.settings,
            actor="test",
            cluster="F51D",
            mon=self,
        )
        self.orchestrator = AnsibleOrchestrator(self.core)

    def command(self, **arguments: Any) -> str:
        """Be the mon."""
        if arguments["prefix"] == "osd tree":
            return '{"nodes": [{"id": -1, "type": "root", "name": "default", "children": []}]}'
        self.mon_commands.append(arguments)
        return ""

    def _run(self, request: Request) -> Dict[str, HostOutcome]:
        self.requests.append(request)
        return self.answer(request)

    def operations(self) -> List[Tuple[str, List[str]]]:
        """Return what ran, and where."""
        return [(request.operation, request.hosts) for request in self.requests]

    def unreachable(self, addr: str, reason: str) -> None:
        """Let an address not answer."""
        self.ssh.prober.answers[addr] = ProbeResult(False, reason, "Look after it.")
