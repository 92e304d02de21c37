"""Look at a host through ssh: does it answer, who is it, which keys does it show."""

from __future__ import annotations

import contextlib
import json
import os
import re
import selectors
import signal
import subprocess
import tempfile
import threading
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Dict, List, Mapping, Optional, Sequence, Tuple

from adapter.engine import invoker
from adapter.engine.files import PathLike
from adapter.engine.model import Target
from adapter.engine.outcomes import one_line
from adapter.engine.ssh_files import (
    SshFiles,
    check_key_line,
    check_target,
    is_python,
    known_host_name,
)
from adapter.engine.ssh_reasons import (
    explain,
    in_its_own_words,
    no_answer,
    no_invoker,
    no_root,
)

# Shell built-ins only: no process is started on the host, and nothing in it comes from data.
_SCRIPT = (
    "m=; h=; p=; s=; k=; "
    "read -r m </etc/machine-id; "
    "read -r h </proc/sys/kernel/hostname; "
    "for c in /usr/bin/python3 /usr/libexec/platform-python /usr/local/bin/python3; do "
    'if [ -x "$c" ]; then p=$c; break; fi; done; '
    '[ -n "$p" ] || p=$(command -v python3); '
    "while read -r l; do k=$k$l; done "
    "</var/lib/ceph-orch-ansible/host.json; "
)
_SAY = 'printf "\\norch-probe:%s:%s:%s:%s:%s:end\\n" "$m" "$h" "$p" "$s" "$k"'
# The host's log has a line of each sudo, so it is not for every probe.
_SUDO = "sudo -n true </dev/null >/dev/null 2>&1 || s=refused; "
_ANSWER = b"\norch-probe:"
_END = b":end\n"
_CLUSTER = re.compile(r'"cluster": "([0-9A-Za-z-]{1,64})"')
_OUTPUT_LIMIT = 64 * 1024
_CLOSE_TIMEOUT = 2.0
_MEMORY_KEYS = ("ssh-ed25519 " + "A" * 68,)


@dataclass(frozen=True)
class ProbeResult:
    """What a probe saw.

    ``reason`` and ``remedy`` are sentences when it is not ``ok``. ``keys`` are the host keys that
    were learned (``type base64``), also when the login then failed. ``python`` is a path, or empty
    where there is none, which is no failure. ``hostname`` is what ``hostname`` prints there,
    ``cluster`` and ``labels`` are what the host's own record names. Hosts are not trusted.
    """

    ok: bool
    reason: str = ""
    remedy: str = ""
    keys: Tuple[str, ...] = ()
    python: str = ""
    hostname: str = ""
    machine_id: str = ""
    cluster: str = ""
    seconds: float = 0.0
    labels: Tuple[str, ...] = ()


class SshProber:
    """Look at hosts with the machine's ssh client and the files of a ``SshFiles``.

    A probe over a connection that is already open costs about 20 ms, a new one what ssh needs.
    """

    def __init__(self, files: SshFiles) -> None:
        self.files = files

    def probe(
        self,
        target: Target,
        learn_keys: bool = False,
        timeout: float = 8.0,
        *,
        as_root: bool = False,
    ) -> ProbeResult:
        """Look at a host within ``timeout`` seconds.

        With ``learn_keys`` whatever key the host shows is accepted, for this connection only, and
        returned. With ``as_root`` a user for whom sudo does not do what is needed there is a
        failure. Raises
        ``InvalidValue``; that a host does not answer is a result.
        """
        check_target(target)
        started = time.monotonic()
        if target.connection == "local":
            seen, stderr = _run(["/bin/sh", "-c", _SCRIPT + _SAY], timeout)
            return _result(target, seen, stderr, timeout, started, "")
        command = (_command(target, as_root=as_root),)
        if not learn_keys:
            self.files.prepare()
            seen, stderr = _run(self._argv(target, (), command), timeout)
            return _result(target, seen, stderr, timeout, started, self._identity)
        with tempfile.TemporaryDirectory(prefix="keys-", dir=self.files.state_dir) as directory:
            learned = Path(directory) / "known_hosts"
            options = _learning(learned, target.addr)
            seen, stderr = _run(self._argv(target, options, command), timeout)
            keys = _learned_keys(learned, target)
        return _result(target, seen, stderr, timeout, started, self._identity, keys)

    def close(self, target: Target, *, gently: bool = False) -> None:
        """End the shared connection to a target; without one nothing happens.

        ``gently`` lets what runs over it end by itself: it only takes no new sessions.
        """
        check_target(target)
        sockets = self.files.control_dir
        if sockets is None or target.connection != "ssh" or not any(sockets.iterdir()):
            return
        order = "stop" if gently else "exit"
        _run(self._argv(target, ("-O", order), ()), _CLOSE_TIMEOUT)

    @property
    def _identity(self) -> str:
        return self.files.key_description or str(self.files.identity_path)

    def _argv(self, target: Target, options: Sequence[str], command: Sequence[str]) -> List[str]:
        return [
            *("ssh", "-F", str(self.files.config_path), "-T", *options),
            *("-p", str(target.port), "-l", target.user, "--", target.addr, *command),
        ]


class MemoryProber:
    """Answer as told: ``answers`` by address, every other target as a host that is well.

    ``probed`` are the (target, learn_keys) that were asked for, ``closed`` the targets.
    """

    def __init__(self, answers: Optional[Mapping[str, ProbeResult]] = None) -> None:
        self.answers: Dict[str, ProbeResult] = dict(answers or {})
        self.probed: List[Tuple[Target, bool]] = []
        self.closed: List[Target] = []
        self._lock = threading.Lock()

    def probe(
        self,
        target: Target,
        learn_keys: bool = False,
        timeout: float = 8.0,
        *,
        as_root: bool = False,
    ) -> ProbeResult:
        """Return the answer of the target's address. Raises ``InvalidValue`` as ssh would."""
        check_target(target)
        with self._lock:
            self.probed.append((target, learn_keys))
        well = ProbeResult(
            ok=True,
            keys=_MEMORY_KEYS if learn_keys else (),
            python="/usr/bin/python3",
            hostname=target.name,
            machine_id=uuid.uuid5(uuid.NAMESPACE_DNS, target.addr).hex,
        )
        return self.answers.get(target.addr, well)

    def close(self, target: Target, *, gently: bool = False) -> None:
        """Remember the target."""
        with self._lock:
            self.closed.append(target)


def _command(target: Target, *, as_root: bool) -> str:
    """Return what is run on the host; ``as_root`` also looks whether sudo does what is needed."""
    sudo = ""
    if as_root and target.invoker:
        sudo = f"{invoker.look()} || s=$?; "
    elif as_root and target.user != "root":
        sudo = _SUDO
    return f"exec /bin/sh -c '{_SCRIPT}{sudo}{_SAY}' 2>/dev/null"


def _learning(known_hosts: PathLike, addr: str) -> Tuple[str, ...]:
    """Return the options of a connection of its own that accepts a key that it has never seen.

    It goes to ``addr`` as it is: in the configuration a host's name stands for the address that
    the host had until now.
    """
    settings = {
        "HostName": addr,
        "UserKnownHostsFile": str(known_hosts),
        "StrictHostKeyChecking": "accept-new",
        "ControlMaster": "no",
        "ControlPath": "none",
    }
    return tuple(part for name, value in settings.items() for part in ("-o", f"{name}={value}"))


def _learned_keys(known_hosts: Path, target: Target) -> Tuple[str, ...]:
    with contextlib.suppress(OSError, ValueError):
        lines = known_hosts.read_text(encoding="ascii").splitlines()
        name = known_host_name(target).lower()
        rows = [line.partition(" ") for line in lines]
        return tuple(check_key_line(key) for host, _, key in rows if host.lower() == name)
    return ()


def _result(
    target: Target,
    stdout: Optional[bytes],
    stderr: str,
    timeout: float,
    started: float,
    identity: str,
    keys: Tuple[str, ...] = (),
) -> ProbeResult:
    seconds = time.monotonic() - started
    fields = _answer(stdout or b"")
    if fields is None:
        reason, remedy = _why_not(target, stdout, stderr, timeout, identity)
        return ProbeResult(ok=False, reason=reason, remedy=remedy, keys=keys, seconds=seconds)
    machine_id, hostname, python, sudo, record = fields
    if sudo:
        reason, remedy = no_invoker(target, sudo) if target.invoker else no_root(target)
        return ProbeResult(ok=False, reason=reason, remedy=remedy, keys=keys, seconds=seconds)
    cluster = _CLUSTER.search(record)
    return ProbeResult(
        ok=True,
        keys=keys,
        python=python if is_python(python) else "",
        hostname=one_line(hostname, 255),
        machine_id=one_line(machine_id, 64),
        cluster=cluster.group(1) if cluster else "",
        seconds=seconds,
        labels=labels_of(record),
    )


def labels_of(record: str) -> Tuple[str, ...]:
    """Return the labels in a host's own record, which may be anything."""
    try:
        found = json.loads(record).get("labels")
    except (ValueError, AttributeError, RecursionError):
        return ()
    return tuple(each for each in found if isinstance(each, str)) if isinstance(found, list) else ()


def _why_not(
    target: Target, stdout: Optional[bytes], stderr: str, timeout: float, identity: str
) -> Tuple[str, str]:
    if stdout:
        said = one_line(stdout.decode("utf-8", "replace"), 120)
        return (
            f"the login works but the probe does not: {said}",
            f"The login shell of '{target.user}' must run commands.",
        )
    known = explain(target, stderr, identity)
    if known is not None:
        return known
    return no_answer(target, timeout) if stdout is None else in_its_own_words(stderr)


def _answer(stdout: bytes) -> Optional[Tuple[str, str, str, str, str]]:
    _, found, rest = stdout.rpartition(_ANSWER)
    answer, ended, _ = rest.partition(_END)
    parts = answer.decode("utf-8", "replace").split(":", 4)
    if not found or not ended or len(parts) != 5:
        return None
    return parts[0], parts[1], parts[2], parts[3], parts[4]


def _run(argv: Sequence[str], timeout: float) -> Tuple[Optional[bytes], str]:
    """Run a command until it ends, answers or has to be stopped; return its output.

    The output is None where the time was over. A shared connection that ssh leaves behind in the
    background is in a session of its own and stays.
    """
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"}
    try:
        process = subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            close_fds=True,
            env=environment,
        )
    except OSError as error:
        return b"", f"{argv[0]}: {error.strerror}"
    with process:
        out, err, ended = _read(process, time.monotonic() + timeout)
        if not ended:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    return out if ended else None, err.decode("utf-8", "replace")


def _read(process: subprocess.Popen[bytes], end: float) -> Tuple[bytes, bytes, bool]:
    """Read both pipes until the process has gone, has answered, or the time is over."""
    out, err = bytearray(), bytearray()
    with selectors.DefaultSelector() as selector:
        for pipe, buffer in ((process.stdout, out), (process.stderr, err)):
            _watch(selector, pipe, buffer)
        while selector.get_map():
            # A process in the background can keep a pipe open, so the end is also looked for.
            ready = selector.select(min(0.05, max(0.0, end - time.monotonic())))
            for key, _ in ready:
                chunk = os.read(key.fd, 65536)
                if chunk:
                    key.data.extend(chunk[: max(0, _OUTPUT_LIMIT - len(key.data))])
                else:
                    selector.unregister(key.fileobj)
            if _answer(bytes(out)) is not None:
                break
            if not ready and process.poll() is not None:
                break
            if time.monotonic() >= end:
                return bytes(out), bytes(err), False
    return bytes(out), bytes(err), _gone(process, end)


def _watch(selector: selectors.BaseSelector, pipe: Optional[IO[bytes]], buffer: bytearray) -> None:
    if pipe is not None:
        selector.register(pipe, selectors.EVENT_READ, buffer)


def _gone(process: subprocess.Popen[bytes], end: float) -> bool:
    """Wait for a process that has closed its pipes or has answered; it may still be killed."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(max(0.1, min(1.0, end - time.monotonic())))
        return True
    return False
