"""Time operations through the engine against the same playbook by plain ``ansible-playbook``.

Both run alternately in one process on the same hosts, connections warm, so the ratio holds on a
busy machine too. CPU is that of the controller's side (all descendants of the runs), without what
sshd and the modules cost.
"""

from __future__ import annotations

import contextlib
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Sequence

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]

from adapter import operations  # noqa: E402
from adapter.engine.access import SshAccess  # noqa: E402
from adapter.engine.local import LocalEngine  # noqa: E402
from adapter.engine.model import Target  # noqa: E402

LOOK_EVERY = 5.0


@dataclass
class Cost:
    """Seconds of wall time and of controller CPU, and the most memory in bytes, if looked at."""

    wall: float
    cpu: float
    memory: int = 0


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _memory(marker: str) -> int:
    """Return the memory of a job's own processes, shared parts once.

    Not that of the connections, a megabyte each, which are there with and without a job.
    """
    total = 0
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (process / "cmdline").read_bytes()
            if marker.encode() in command and not command.startswith(b"ssh"):
                lines = (process / "smaps_rollup").read_text(encoding="ascii").splitlines()
                total += sum(int(row.split()[1]) << 10 for row in lines if row.startswith("Pss:"))
    return total


class Bench:
    """An engine of its own on given hosts."""

    def __init__(
        self, targets: Sequence[Target], identity: Path, keys: Dict[str, List[str]]
    ) -> None:
        self.state = Path(tempfile.mkdtemp(prefix="bench-"))
        self.targets = list(targets)
        ssh = SshAccess(self.state, user=targets[0].user)
        ssh.use_identity(str(identity))
        ssh.pin([(target, keys[target.addr]) for target in targets])
        self.ssh = ssh
        self.engine = LocalEngine(self.state, ROOT, ssh.files, python=sys.executable)

    def through_engine(self, operation: str, *, look_at_memory: bool = False) -> Cost:
        """Run an operation through the engine."""
        request = operations.get(operation).request(self.targets, actor="bench")
        started, cpu, most, looked = time.perf_counter(), _cpu(), 0, time.monotonic()
        completion = self.engine.submit(request)
        while self.engine.poll():
            time.sleep(0.02)
            if look_at_memory and time.monotonic() - looked > LOOK_EVERY:
                most, looked = max(most, _memory(str(self.state))), time.monotonic()
        cost = Cost(time.perf_counter() - started, _cpu() - cpu, most)
        if completion.exception is not None:
            raise completion.exception
        self.job = self.state / "jobs" / completion.job_id
        return cost

    def by_hand(self, operation: str) -> Cost:
        """Run the same playbook with the last job's inventory and variables."""
        playbook = Path(sys.executable).with_name("ansible-playbook")
        argv = [str(playbook), f"playbooks/{operation}.yml", "-i", str(self.job / "inventory.yml")]
        argv += ["-e", f"@{self.job / 'vars.yml'}"]
        environment = {
            **os.environ,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_SSH_ARGS": f"-F {self.ssh.files.config_path}",
            "ANSIBLE_FORKS": str(min(50, max(5, len(self.targets)))),
        }
        started, cpu = time.perf_counter(), _cpu()
        subprocess.run(argv, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
        return Cost(time.perf_counter() - started, _cpu() - cpu)

    def compare(self, operation: str, times: int) -> Dict[str, float]:
        """Return medians: seconds more through the engine, the ratio, and CPU per host."""
        self.through_engine(operation)
        pairs = [(self.through_engine(operation), self.by_hand(operation)) for _ in range(times)]
        engine = statistics.median(ours.wall for ours, _ in pairs)
        plain = statistics.median(theirs.wall for _, theirs in pairs)
        cpu = statistics.median(ours.cpu for ours, _ in pairs)
        return {
            "engine_seconds": engine,
            "plain_seconds": plain,
            "more_seconds": engine - plain,
            "ratio": engine / plain,
            "cpu_per_host": cpu / len(self.targets),
        }
