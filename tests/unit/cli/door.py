"""The command on in-memory collaborators, as a test uses it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

from click.testing import CliRunner, Result

from adapter.cli.app import root
from adapter.cli.ceph import Ceph
from adapter.cli.config import Config
from adapter.cli.context import Context, Environment
from adapter.cli.place import Place
from adapter.engine.access import MemoryAccess
from adapter.engine.memory import MemoryEngine
from adapter.engine.model import HostOutcome, HostStatus, Request
from adapter.engine.ssh import ProbeResult
from tests.unit.methods.world import well

GOLDEN = Path(__file__).with_name("golden")
Answer = Callable[[Request], Dict[str, HostOutcome]]


@dataclass
class Door:
    """Runs the command; ``answer`` is what hosts answer, ``ssh`` how they look through ssh."""

    directory: Path
    answer: Answer = well
    ssh: Any = field(default_factory=MemoryAccess)
    ceph: Any = field(default_factory=lambda: Ceph("no-such-ceph"))

    def __post_init__(self) -> None:
        self.requests: List[Request] = []
        self.engine = MemoryEngine(self._run)
        self.configs: List[Config] = []
        self.pauses = 0
        self.now = 0.0

    def run(self, *words: str, status: int = 0) -> Result:
        """Run ``orch-ansible WORDS``; its exit status must be ``status``, errors one line each."""
        environment = Environment(
            ceph=self.ceph,
            pause=self._pause,
            clock=lambda: self.now,
            poll=0.002,
            place=lambda where, *more: Place(self.directory / "machine", *more),
            access=self._access,
            engine=lambda *_: self.engine,
        )
        context = Context(environment=environment)
        result = CliRunner().invoke(root, ["--dir", str(self.directory), *words], obj=context)
        assert "Traceback" not in result.output
        assert result.exit_code == status, (result.exit_code, result.stdout, result.stderr)
        return result

    def refused(self, *words: str, status: int = 2) -> str:
        """Run words that are refused on one line; return it without the command's name."""
        result = self.run(*words, status=status)
        lines = result.stderr.splitlines()
        assert len(lines) == 1, lines
        return lines[0].removeprefix("orch-ansible: ")

    def _pause(self, seconds: float) -> None:
        self.pauses += 1
        self.now += seconds

    def _access(self, directory: Path, config: Config) -> Any:
        self.configs.append(config)
        return self.ssh

    def _run(self, request: Request) -> Dict[str, HostOutcome]:
        self.requests.append(request)
        return self.answer(request)

    def operations(self) -> List[Tuple[str, List[str]]]:
        """Return what ran, and where."""
        return [(request.operation, request.hosts) for request in self.requests]

    def offline(self, addr: str, reason: str = "no route") -> None:
        """Let an address not answer."""
        self.ssh.prober.answers[addr] = ProbeResult(False, reason, "Look after it.")

    def files(self) -> Dict[str, str]:
        """Return the directory's host records as they lie on the disk."""
        found = sorted((self.directory / "host").glob("*.yml"))
        return {path.name: path.read_text() for path in found}


def failing(*hosts: str, message: str = "it broke") -> Answer:
    """Answer well, but for these hosts."""

    def answer(request: Request) -> Dict[str, HostOutcome]:
        bad = HostOutcome(HostStatus.FAILED, message)
        return {host: bad if host in hosts else good for host, good in well(request).items()}

    return answer


def golden(name: str) -> str:
    """Return a golden output."""
    return (GOLDEN / name).read_text(encoding="utf-8")
