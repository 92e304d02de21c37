"""What the engine's tests share: hosts, requests, waiting, an sshd of our own."""

from __future__ import annotations

import getpass
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable, Optional, Tuple

from adapter.engine.completion import Completion
from adapter.engine.local import LocalEngine
from adapter.engine.model import Request, Target

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "engine"
CONTENT = FIXTURES / "content"
# Of a host that is another one.
OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBnrGdN3Cs1Dm5AjS4kR8yA0qkE3wVQzv3dGcUKaDWXu"


def stub_python(state: Path) -> str:
    """Return a program that stands where Python is expected and is the stub of the worker."""
    path = state / "stub"
    if not path.exists():
        source = (FIXTURES / "stub_worker.py").read_text()
        path.write_text(f"#!{sys.executable} -S\n{source}")
        path.chmod(0o700)
    return str(path)


Engines = Callable[..., LocalEngine]


def local(*names: str) -> Tuple[Target, ...]:
    return tuple(Target(name, "127.0.0.1", connection="local") for name in names)


def until(condition: Callable[[], Any], poll: Callable[[], Any], seconds: float = 20.0) -> Any:
    """Poll until the condition holds; nothing else can be awaited between processes."""
    end = time.monotonic() + seconds
    while True:
        poll()
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, "nothing happened in time"
        time.sleep(0.01)


def drain(engine: LocalEngine, seconds: float = 60.0) -> None:
    """Poll until no job is active."""
    end = time.monotonic() + seconds
    while engine.poll():
        assert time.monotonic() < end, [job.message for job in engine.jobs()]
        time.sleep(0.01)


def finish(engine: LocalEngine, completion: Completion, seconds: float = 60.0) -> Completion:
    assert completion.wait(seconds, poll=engine.poll, interval=0.01), completion.message
    return completion


def is_alive(pid: int) -> bool:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return False
    return fields[0] not in ("Z", "X")


def stub_request(behaviour: str = "ok", *hosts: str, **settings: Any) -> Request:
    variables = {"behaviour": behaviour, **settings.pop("variables", {})}
    return Request("get_report", local(*(hosts or ("h1",))), variables, **settings)


class Sshd:
    """An sshd of this user on loopback, with a host key of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.user = getpass.getuser()
        self.key = directory / "user_key"
        self.host_key = directory / "host_key"
        self._process: Optional[subprocess.Popen] = None
        self.new_host_key()
        _keygen(self.key)
        shutil.copy(self.key.with_suffix(".pub"), directory / "authorized")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]

    @property
    def target(self) -> Target:
        return Target("h1", "127.0.0.1", port=self.port, user=self.user, python=sys.executable)

    @property
    def public_host_key(self) -> str:
        return " ".join(self.host_key.with_suffix(".pub").read_text().split()[:2])

    def run_only(self, command: str) -> None:
        """Run this at each login, whatever is asked for, as a login shell like nologin does."""
        key = self.key.with_suffix(".pub").read_text()
        (self.directory / "authorized").write_text(f'command="{command}" {key}')

    def new_host_key(self, kind: str = "ed25519") -> None:
        self.host_key.unlink(missing_ok=True)
        _keygen(self.host_key, kind)

    def start(self) -> None:
        settings = [
            f"Port {self.port}",
            "ListenAddress 127.0.0.1",
            f"HostKey {self.host_key}",
            f"AuthorizedKeysFile {self.directory / 'authorized'}",
            "PidFile none",
            "UsePAM no",
            "StrictModes no",
            "PermitRootLogin prohibit-password",
            "PasswordAuthentication no",
            "MaxStartups 100",
        ]
        config = self.directory / "sshd_config"
        config.write_text("\n".join(settings) + "\n")
        with open(self.directory / "sshd.log", "ab") as log:
            self._process = subprocess.Popen(
                ["/usr/sbin/sshd", "-D", "-e", "-f", str(config)], stderr=log
            )
        until(self._answers, lambda: None)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.directory / "sshd.log").read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


def _keygen(path: Path, kind: str = "ed25519") -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(path)], check=True)
