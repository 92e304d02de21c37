"""Time the answers from memory, as ceph-mgr calls them: 1,000 hosts with 24 devices each.

Runs on a host that has Ceph's mgr modules (``tests/bench/run.py`` copies it there). The module
class itself is used, with Ceph's own result classes; only the C++ side of ceph-mgr is absent.
Prints JSON: per method the 50th and 99th percentile in milliseconds.
"""

from __future__ import annotations

import gc
import json
import sys
import tempfile
import time
import types
from pathlib import Path
from typing import Any, Callable, Dict, List

HOSTS, DEVICES, DAEMONS, CALLS = 1000, 24, 10, 300
MGR = "/usr/share/ceph/mgr"


class Nothing:
    """Stand for a C++ base class of ceph-mgr."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Take whatever ceph-mgr would give."""


def ceph_module() -> types.ModuleType:
    """Return what ceph-mgr's C++ side provides, empty."""
    module = types.ModuleType("ceph_module")
    for name in ("BaseMgrModule", "BaseMgrStandbyModule", "BasePyOSDMap", "BasePyCRUSH"):
        setattr(module, name, type(name, (Nothing,), {}))
    module.BasePyOSDMapIncremental = type("BasePyOSDMapIncremental", (Nothing,), {})  # type: ignore[attr-defined]
    return module


def device(number: int) -> Dict[str, Any]:
    """Return a device row as hosts report it."""
    path = f"/dev/sd{chr(97 + number)}"
    return {
        "path": path,
        "available": number % 2 == 0,
        "rejected_reasons": [] if number % 2 == 0 else ["LVM detected", "locked"],
        "device_id": f"VENDOR_MODEL_SERIAL{number}",
        "lvs": [],
        "lsm_data": {},
        "sys_api": {"size": 8e12, "rotational": "1", "vendor": "V", "model": "M", "path": path},
        "ceph_device_lvm": number % 2 == 1,
        "being_replaced": False,
    }


def daemon(number: int) -> Dict[str, Any]:
    """Return a daemon row as hosts report it."""
    return {
        "daemon_type": "osd",
        "daemon_id": str(number),
        "unit": f"ceph-osd@{number}.service",
        "state": "running",
        "version": "20.2.4",
        "started": "2026-11-23T04:15:19.381234Z",
        "memory_usage": 1 << 30,
    }


def crash(hostname: str) -> Dict[str, Any]:
    """Return the row of a daemon that every host has."""
    row = daemon(0)
    return {**row, "daemon_type": "crash", "daemon_id": hostname, "unit": "ceph-crash.service"}


def fill(core: Any) -> None:
    """Put the hosts and their reports into a core."""
    from adapter.cluster.hosts import Host
    from adapter.cluster.specs import Wanted
    from adapter.interface import MDSSpec, PlacementSpec, ServiceSpec

    for number in range(HOSTS):
        name = f"host{number:04}"
        core.hosts._hosts[name] = Host(name, f"10.0.{number // 250}.{number % 250 + 1}", ("osd",))
        result = {
            "facts": {"hostname": name},
            "devices": [device(each) for each in range(DEVICES)],
            "daemons": [
                *(daemon(number * DAEMONS + each) for each in range(DAEMONS - 1)),
                crash(name),
            ],
        }
        core.reports.absorb(name, result, time.time())
    core.specs.save(Wanted(ServiceSpec("crash", placement=PlacementSpec(host_pattern="*")), 1.0))
    core.specs.save(Wanted(MDSSpec(service_id="a", unmanaged=True), 1.0))
    core.liveness.track([host.hostname for host in core.hosts.all()])


def percentiles(call: Callable[[], Any]) -> Dict[str, float]:
    """Return the 50th and 99th percentile of a call, in milliseconds."""
    call()
    times: List[float] = []
    for _ in range(CALLS):
        started = time.perf_counter()
        call()
        times.append((time.perf_counter() - started) * 1000)
    times.sort()
    return {"p50": times[len(times) // 2], "p99": times[int(len(times) * 0.99)]}


def reconcile(orchestrator: Any) -> Dict[str, float]:
    """Return the CPU time of a pass that finds nothing to do, in milliseconds."""
    reconciler, times = orchestrator.reconciler.services, []
    # What the reads before have left is not part of a pass.
    gc.collect()
    for _ in range(5):
        reconciler._seen, reconciler._running = (), ((-1, -1), {})
        started = time.process_time()
        reconciler.step(time.monotonic())
        times.append((time.process_time() - started) * 1000)
    assert orchestrator.core.engine.requests == [], "a pass with nothing to do started a job"
    return {"p50": sorted(times)[2], "p99": max(times)}


def targets() -> Dict[str, float]:
    """Return the time in which the files of Prometheus are made of all hosts, in milliseconds."""
    from adapter.interface import ServiceSpec
    from adapter.kinds import KINDS, ClusterView, ViewedDaemon

    rows = [
        ViewedDaemon(
            *("node-exporter", name, "node-exporter", name),
            *(f"10.0.{at // 250}.{at % 250}", 9100),
        )
        for at in range(HOSTS)
        for name in [f"host{at:04}"]
    ]
    view, spec = ClusterView("f51d", tuple(rows)), ServiceSpec("prometheus")
    return percentiles(lambda: KINDS["prometheus"].files(spec, view, rows[0]))


def main() -> None:
    """Time the reads, and a round of the reconciler."""
    sys.modules["ceph_module"] = ceph_module()
    sys.path[:0] = [MGR, str(Path(__file__).resolve().parents[2])]
    sys.modules.pop("adapter", None)
    from adapter.cluster.store import MemoryStore
    from adapter.core import Core
    from adapter.engine.access import MemoryAccess
    from adapter.engine.memory import MemoryEngine
    from adapter.mgr.cli_errors import CleanErrors
    from adapter.mgr.module import Module
    from adapter.orchestrator import AnsibleOrchestrator
    from adapter.settings import Settings

    core = Core(
        store=MemoryStore(),
        engine=MemoryEngine(lambda request: {}),
        ssh=MemoryAccess(),
        settings=Settings(),
        actor="bench",
        reports_directory=Path(tempfile.mkdtemp(prefix="bench-")),
    )
    fill(core)
    module = Module.__new__(Module)
    module._orchestrator = AnsibleOrchestrator(core)
    import threading

    module._building = threading.Lock()
    # Ceph's own classes of commands are not here: nothing stands in front of them.
    module._clean_errors = CleanErrors(
        None, lambda: False, lambda: module._orchestrator.service_list
    )
    assert len(module.get_inventory().result) == HOSTS
    assert len(module.list_daemons().result) == HOSTS * DAEMONS
    figures = {
        name: percentiles(getattr(module, name))
        for name in (
            "get_hosts",
            "get_inventory",
            "list_daemons",
            "describe_service",
            "available",
        )
    }
    figures["reconcile"] = reconcile(module._orchestrator)
    figures["targets"] = targets()
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
