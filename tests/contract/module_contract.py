"""Look at the mgr module as ceph-mgr and other modules do, with Ceph's own classes.

Runs on a host that has Ceph's mgr modules; only the C++ side of ceph-mgr is absent. Prints JSON:
what is advertised, how each command is registered, and what comes back from calls that go wrong.
"""

from __future__ import annotations

import base64
import inspect
import json
import pickle
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Dict, List

from stand_ins import put_in_place

# What another module does with our error: it has Ceph's classes and nothing of ours.
READER = """
import base64, pickle, sys, types
module = types.ModuleType("ceph_module")
for name in ("BaseMgrModule", "BaseMgrStandbyModule", "BasePyOSDMap", "BasePyOSDMapIncremental",
             "BasePyCRUSH"):
    setattr(module, name, type(name, (object,), {}))
sys.modules["ceph_module"] = module
sys.path.insert(0, "/usr/share/ceph/mgr")
import orchestrator
result = pickle.loads(base64.b64decode(sys.stdin.read()))
try:
    print(orchestrator.raise_if_exception(result))
except orchestrator.OrchestratorError as error:
    print(type(error).__name__, error.errno, error)
"""


def load() -> Any:
    """Return the module's class, loaded as ceph-mgr loads it."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    put_in_place()
    from adapter.mgr.module import Module

    return Module


def built(module_class: Any) -> Any:
    """Return a module on in-memory collaborators, with one host."""
    from adapter.cluster.store import MemoryStore
    from adapter.core import Core
    from adapter.engine.access import MemoryAccess
    from adapter.engine.memory import MemoryEngine
    from adapter.mgr.cli_errors import CleanErrors
    from adapter.orchestrator import AnsibleOrchestrator
    from adapter.settings import Settings

    core = Core(
        store=MemoryStore(),
        engine=MemoryEngine(lambda request: {}),
        ssh=MemoryAccess(),
        settings=Settings(),
        actor="contract",
    )
    module = module_class.__new__(module_class)
    module._building, module._orchestrator = threading.Lock(), AnsibleOrchestrator(core)
    module._clean_errors = CleanErrors(None, lambda: False)
    return module


def calls(module: Any) -> List[List[Any]]:
    """Call as the CLI and the dashboard do, right and wrong; return what another module reads."""
    import orchestrator
    from ceph.deployment.hostspec import HostSpec

    wanted = [
        ("add_host", (HostSpec("h1", addr="10.0.0.1", labels=["a"]),), {}),
        ("add_host", (HostSpec("my_host"),), {}),
        ("add_host", (HostSpec("h1", addr="10.0.0.1"),), {}),
        ("get_hosts", (), {}),
        ("get_inventory", (), {"host_filter": orchestrator.InventoryFilter(hosts=["nope"])}),
        ("get_inventory", (), {"host_filter": None, "refresh": True}),
        ("list_daemons", (None, None), {"daemon_id": None, "host": None, "refresh": False}),
        ("get_facts", (), {"hostname": "h1"}),
        ("blink_device_light", ("ident", True, [orchestrator.DeviceLightLoc("x", "y", "z")]), {}),
        ("add_host_label", ("h1", "{{ x }}"), {}),
        ("remove_host_label", ("h1", "nope", False), {}),
        ("update_host_addr", ("nope", "10.0.0.2"), {}),
        ("rescan_host", ("nope",), {}),
        ("apply", ([HostSpec("h2", addr="10.0.0.2")], False, False), {}),
        ("remove_host", ("h1",), {}),
        # What nobody has foreseen.
        ("blink_device_light", ("ident", True, [5]), {}),
    ]
    return [
        [name, _as_others_see(getattr(module, name)(*args, **named))]
        for name, args, named in wanted
    ]


def _as_others_see(result: Any) -> str:
    data = base64.b64encode(pickle.dumps(result)).decode()
    done = subprocess.run(
        [sys.executable, "-c", READER], input=data, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or done.stderr.strip().splitlines()[-1]


def main() -> None:
    """Print what there is to compare."""
    module_class = load()
    module = built(module_class)
    import orchestrator

    from adapter.mgr.compat import orchestrator_commands

    features = module_class.get_feature_set(module)
    signatures: Dict[str, Any] = {}
    for name in (each for each in vars(orchestrator.Orchestrator) if not each.startswith("_")):
        ours = getattr(module_class, name)
        if ours is not getattr(orchestrator.Orchestrator, name):
            signatures[name] = str(inspect.signature(ours))
    print(
        json.dumps(
            {
                "features": sorted(name for name, each in features.items() if each["available"]),
                "signatures": signatures,
                "commands": [each["cmd"] for each in module_class.CLICommand.dump_cmd_list()],
                "undocumented": [
                    each["cmd"]
                    for each in module_class.CLICommand.dump_cmd_list()
                    if not each["desc"]
                ],
                "commands_of_ceph": getattr(orchestrator_commands(), "__name__", None),
                "calls": calls(module),
            }
        )
    )


if __name__ == "__main__":
    main()
